import Foundation
import Gateway
import Secrets
import Storage
import Wire

extension Commands {
    /// What is asked of an import.
    package enum ImportPurpose: Sendable {
        /// To import.
        case bring
        /// To say what an import would do.
        case dryRun
        /// To say what is missing after one.
        case check
    }

    /// What an import reads, and what it does with it.
    package struct ImportRequest: Sendable {
        /// The e-mail address of the account here.
        package let email: String
        /// `https://...` of a server, or `postgres://...` of its database.
        package let from: String
        /// The e-mail address of the account in that database; nil for the same.
        package let oldEmail: String?
        /// Numbers whose conversations are read besides those of the phones of that server.
        package let numbers: [String]
        /// What is asked for.
        package let purpose: ImportPurpose

        /// Says it all.
        package init(
            email: String, from: String, oldEmail: String? = nil, numbers: [String] = [],
            purpose: ImportPurpose = .bring
        ) {
            (self.email, self.from, self.oldEmail) = (email, from, oldEmail)
            (self.numbers, self.purpose) = (numbers, purpose)
        }

        /// Whether it reads a database, which needs no key.
        package var isDatabase: Bool { from.hasPrefix("postgres://") || from.hasPrefix("postgresql://") }
    }

    /// Copies the messages and conversations of another httpSMS server into an account here. Nothing is sent, and no webhook is
    /// told. Works beside a running server, and may be repeated.
    ///
    /// - Parameters:
    ///   - flags: Flags by the variable they stand for.
    ///   - request: What to read.
    ///   - key: The account's API key at the other server; not used for a database.
    ///   - report: Told how far it came.
    /// - Returns: What came of it, in lines, and whether there is nothing left to look at.
    /// - Throws: ``ImportError``, ``UserCreationError`` when there is no such account, and what opening the store throws.
    package static func importHistory(
        flags: [String: String?], _ request: ImportRequest, key: String,
        report: @escaping @Sendable (String) -> Void
    ) async throws -> (lines: [String], isComplete: Bool) {
        try await withStore(flags) { opened -> (lines: [String], isComplete: Bool) in
            let users = UserFeature(try await opened.ground()).operations
            let userID = try await users.id(ofEmail: request.email)
            let operations = ImportOperations(store: opened.store, userID: userID)
            func run(_ source: any OldHistory) async throws -> (lines: [String], isComplete: Bool) {
                let history = HistoryImport(
                    source: source, operations: operations, purpose: request.purpose, report: report)
                let summary = try await history.run()
                return (summary.lines(request.purpose), summary.isComplete(request.purpose))
            }
            guard request.isDatabase else {
                return try await run(try server(request, key: key))
            }
            let database: PostgresStore
            do {
                database = try await PostgresStore.open(url: request.from, connections: 1)
            } catch let error as StorageError {
                throw ImportError(.unreachable, "the old database: \(error)")
            }
            return try await closing(database) {
                try await run(OldDatabase(store: database, email: request.oldEmail ?? request.email))
            }
        }
    }

    private static func server(_ request: ImportRequest, key: String) throws -> OldServer {
        guard let url = URL(string: request.from), ["http", "https"].contains(url.scheme?.lowercased()),
            url.host?.isEmpty == false, url.query == nil, url.user == nil
        else {
            throw ImportError(
                .usage, "--from is the URL of a server, such as https://api.httpsms.com, or postgres://...")
        }
        let key = key.trimmed
        guard !key.isEmpty, key.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw ImportError(.usage, "give the API key of the old server on standard input")
        }
        var base = request.from
        while base.hasSuffix("/") { base.removeLast() }
        return OldServer(url: base, key: Secret(key), numbers: request.numbers)
    }
}
