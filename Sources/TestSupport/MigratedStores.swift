import Foundation
import Logging
import Server
import Storage

/// New stores that every migration was applied to: each is a copy of one that is made once a process, as the migrations
/// take longer than most tests.
package enum MigratedStores {
    /// Writes a new SQLite store.
    ///
    /// - Parameter path: Of the database, where nothing is yet.
    /// - Throws: What keeps it from being made.
    package static func makeSQLite(at path: String) async throws {
        for (suffix, bytes) in try await sqlite.value { try bytes.write(to: URL(fileURLWithPath: path + suffix)) }
    }

    /// Makes a new database in the tests' PostgreSQL.
    ///
    /// - Parameter empty: Whether it gets no tables.
    /// - Returns: The URL.
    /// - Throws: ``MissingPostgres``, and what keeps it from being made.
    package static func makePostgres(empty: Bool = false) async throws -> String {
        let template = empty ? "template1" : try await postgres.value
        let name = TestPostgres.newName()
        // A copy of the files: the other way writes every page to the log first.
        try await TestPostgres.administer("CREATE DATABASE \(name) TEMPLATE \(template) STRATEGY file_copy")
        return try url(of: name)
    }

    /// Ends the connections to a database of ``makePostgres()`` and drops it.
    ///
    /// - Throws: What keeps it from being dropped.
    package static func drop(_ url: String) async throws {
        guard let name = url.firstMatch(of: /\/(test_[0-9a-f]+)/)?.output.1 else { return }
        try await TestPostgres.administer("DROP DATABASE IF EXISTS \(name) WITH (FORCE)")
    }

    /// The files of the SQLite store, by what their names have behind the database's.
    private static let sqlite = Task {
        try await withTemporaryDirectory { directory in
            let path = directory + "/template.sqlite"
            try await migrate(try await SQLiteStore.open(path: path))
            var files: [String: Data] = [:]
            for suffix in ["", "-wal"] where FileManager.default.fileExists(atPath: path + suffix) {
                files[suffix] = try Data(contentsOf: URL(fileURLWithPath: path + suffix))
            }
            return files
        }
    }

    /// The name of the PostgreSQL database that is copied.
    private static let postgres = Task {
        let name = TestPostgres.newName()
        try await TestPostgres.administer("CREATE DATABASE \(name)")
        try await migrate(try await PostgresStore.open(url: try url(of: name), connections: 1))
        return name
    }

    private static func migrate(_ store: any Store) async throws {
        try await closing(store) {
            _ = try await store.migrate(GatewayStore.migrations, logger: Logger(label: "tests"))
        }
    }

    private static func url(of database: String) throws -> String {
        try TestPostgres.url().replacing(/^(\w+:\/\/[^\/]*\/)[^?]*/, maxReplacements: 1) { "\($0.output.1)\(database)" }
    }
}
