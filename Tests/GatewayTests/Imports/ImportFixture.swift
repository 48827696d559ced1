import Secrets
import Storage
import TestSupport

@testable import Gateway
@testable import Server

/// Imports what a source has into an account of a server in this process.
func importHistory(
    from source: any OldHistory, into account: Account, of server: TestServer,
    for purpose: Commands.ImportPurpose = .bring
) async throws -> ImportSummary {
    let operations = ImportOperations(store: server.store, userID: UserID(account.id))
    let history = HistoryImport(source: source, operations: operations, purpose: purpose, report: { _ in })
    return try await history.run()
}

extension OldServer {
    /// The API of a server of the tests; nobody waits before a request is repeated.
    static func at(_ url: String, key: String = "the key of the old account") -> OldServer {
        OldServer(url: url, key: Secret(key), pause: { _ in })
    }
}

extension Account {
    /// The conversations of the usual phone, with what both servers say of them alike.
    func conversations(isArchived: Bool = false) async throws -> [JSON] {
        let list = try await client.get("/v1/message-threads?owner=%2B18005550199&limit=100&is_archived=\(isArchived)")
        return list.data.array.map { $0.with(["user_id": .absent, "updated_at": .absent]) }
    }

    /// The messages of a conversation, the same way.
    func history(with contact: String) async throws -> [JSON] {
        let path = "/v1/messages?owner=%2B18005550199&limit=100&contact=\(contact.replacing("+", with: "%2B"))"
        return try await client.get(path).data.array.map { $0.with(["user_id": .absent]) }
    }
}
