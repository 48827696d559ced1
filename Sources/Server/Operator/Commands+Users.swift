import Gateway
import Secrets

/// What the operator does with accounts that are there already.
extension Commands {
    /// An account.
    package struct Account: Sendable {
        /// Its id.
        package let id: String
        /// Its e-mail address.
        package let email: String
        /// Whether it owns the server.
        package let isOwner: Bool
    }

    /// All accounts, by e-mail address.
    ///
    /// - Throws: What opening the store throws.
    package static func accounts(flags: [String: String?]) async throws -> [Account] {
        try await withUsers(flags) { users in
            try await users.accounts().map { Account(id: $0.id, email: $0.email, isOwner: $0.isOwner) }
        }
    }

    /// Replaces an account's API key.
    ///
    /// - Returns: The new key.
    /// - Throws: ``UserCreationError`` when there is no such account; what opening the store throws.
    package static func rotateAPIKey(flags: [String: String?], email: String) async throws -> String {
        try await withUsers(flags) { try await $0.rotateAPIKey(ofEmail: email).exposed }
    }

    /// Makes an account the owner of the server.
    ///
    /// - Throws: ``UserCreationError`` when there is no such account; what opening the store throws.
    package static func setOwner(flags: [String: String?], email: String) async throws {
        try await withUsers(flags) { try await $0.setOwner(email: email) }
    }

    /// Deletes an account; the running server erases what it had.
    ///
    /// - Throws: ``UserCreationError`` when there is no such account, or it owns the server; what opening the store throws.
    package static func deleteUser(flags: [String: String?], email: String) async throws {
        try await withUsers(flags) { try await $0.delete(email: email) }
    }

    private static func withUsers<T: Sendable>(
        _ flags: [String: String?], _ body: (UserOperations) async throws -> T
    ) async throws -> T {
        try await withStore(flags) { opened in
            try await body(UserFeature(try await opened.ground()).operations)
        }
    }
}
