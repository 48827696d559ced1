import Gateway
import Secrets

/// What the operator does with accounts that are there already.
extension Commands {
    /// All accounts, by e-mail address.
    ///
    /// - Throws: What opening the store throws.
    package static func accounts(
        flags: [String: String?]
    ) async throws -> [(id: String, email: String, isOwner: Bool)] {
        try await withUsers(flags) { try await $0.accounts() }
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
