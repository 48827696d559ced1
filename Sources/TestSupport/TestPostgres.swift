import CLibPQ
import Foundation
import Storage

/// The tests' PostgreSQL, which HTTPSMS_POSTGRES_URL names.
package enum TestPostgres {
    /// Its URL.
    ///
    /// - Throws: ``MissingPostgres``.
    package static func url() throws -> String {
        let url = ProcessInfo.processInfo.environment["HTTPSMS_POSTGRES_URL"] ?? ""
        if url.isEmpty { throw MissingPostgres() }
        return url
    }

    /// A name for a schema or a database that no other test has.
    package static func newName() -> String { "test_" + UUID().uuidString.replacing("-", with: "").lowercased() }

    /// Runs one statement outside of a transaction, as whole databases want it, on a thread that may wait.
    ///
    /// - Throws: ``MissingPostgres``, and `StorageError.unavailable` with what PostgreSQL says.
    package static func administer(_ sql: String) async throws {
        let url = try url()
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            DispatchQueue.global().async {
                let connection = PQconnectdb(url)
                defer { PQfinish(connection) }
                var reason = ""
                // Whoever cleans up behind a schema may meet another who does.
                repeat {
                    let result = PQexec(connection, sql)
                    defer { PQclear(result) }
                    if PQresultStatus(result) == PGRES_COMMAND_OK { return continuation.resume() }
                    reason = PQerrorMessage(connection).map { String(cString: $0) } ?? "no connection"
                } while reason.contains("deadlock detected")
                continuation.resume(throwing: StorageError.unavailable("\(sql): \(reason)"))
            }
        }
    }
}

/// The tests have no PostgreSQL.
package struct MissingPostgres: Error, CustomStringConvertible {
    package var description: String {
        "HTTPSMS_POSTGRES_URL names no PostgreSQL: run `make test`, which starts one and sets it"
    }
}
