import Foundation
import Gateway
import JSON
import Storage
import Wire

/// Another httpSMS server, read from its PostgreSQL database while it runs or not. Nothing is written there.
struct OldDatabase: OldHistory {
    let store: any Store
    /// Of the account there.
    let email: String

    func read(problem: (String) -> Void, _ take: (OldPage) async throws -> Void) async throws {
        let userID = try await user()
        let threads = try await threads(of: userID, problem: problem)
        var last: String?
        while true {
            let after = last
            let found = try await reading { tx -> Batch in
                let rows = try OldDatabaseQueries.messages(after: after, limit: Self.batch, in: tx)
                let fitting = try rows.fitting(bytes: Self.batchBytes)
                let own = try fitting.filter { try $0.get("user_id", as: String.self) == userID }
                let ids: [String] = try own.map { try $0.get("message_id") }
                let texts = ids.isEmpty ? [] : try OldDatabaseQueries.messages(ids, in: tx)
                return Batch(last: try fitting.last?.get("message_id"), texts: texts)
            }
            guard let end = found.last else { return }
            last = end
            var messages: [OldMessage] = []
            for text in found.texts {
                // What cannot be read is told of.
                guard let message = try? JSONDecoder().decode(OldMessage.self, fromAnswer: Array(text.utf8)) else {
                    problem("a message before \(end) cannot be read")
                    continue
                }
                messages.append(message)
            }
            guard !messages.isEmpty else { continue }
            let known = messages.compactMap { threads[[$0.owner, $0.contact]] }
            try await take(OldPage(messages: messages, threads: known))
        }
    }

    private struct Batch: Sendable {
        let last: String?
        let texts: [String]
    }

    private func user() async throws -> String {
        let email = email
        let users = try await reading { tx in try OldDatabaseQueries.users(email: email, in: tx) }
        guard let user = users.first else {
            throw ImportError(
                .refused, "the old database has no account with the e-mail address \(email): name one with --from-email"
            )
        }
        guard users.count == 1 else {
            throw ImportError(.refused, "the old database has several accounts with the e-mail address \(email)")
        }
        return user
    }

    /// The conversations of the account, by owner and contact as they are written there. Some 300 bytes each.
    private func threads(of userID: String, problem: (String) -> Void) async throws -> [[String]: OldThread] {
        var threads: [[String]: OldThread] = [:]
        var last: String?
        while true {
            let after = last
            let page = try await reading { tx in
                try OldDatabaseQueries.threads(after: after, limit: Self.batch, in: tx)
            }
            guard let end = page.last else { return threads }
            last = end.id
            for row in page where row.userID == userID {
                // What cannot be read is told of.
                guard let thread = try? JSONDecoder().decode(OldThread.self, fromAnswer: Array(row.json.utf8)) else {
                    problem("the conversation \(row.id) cannot be read")
                    continue
                }
                threads[[thread.owner, thread.contact]] = thread
            }
        }
    }

    private func reading<T: Sendable>(_ body: @escaping @Sendable (any Transaction) throws -> T) async throws -> T {
        do {
            return try await store.read(.maintenance, body)
        } catch let error as StorageError {
            throw ImportError(.failed, "the old database: \(error)")
        }
    }

    /// Rows of a page.
    private static let batch = 500
    /// What their texts have together, in bytes.
    private static let batchBytes = 8 << 20
}
