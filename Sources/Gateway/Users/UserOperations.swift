import Delivery
import Secrets
import Storage
import Timestamps
import Wire

/// What can be done with accounts.
package struct UserOperations: Sendable {
    let store: any Store
    let queries: UserQueries
    let identities: Identities
    let endpoints: EndpointQueries

    /// Makes an account.
    ///
    /// - Parameters:
    ///   - email: Its e-mail address, unique whatever the case of its letters; stored in lower case.
    ///   - id: Its id, 1 to 128 characters without white space; nil draws one.
    ///   - apiKey: Its API key, at least 16 characters, not starting with `pk_`; nil draws one.
    ///   - timezone: An IANA name.
    ///   - more: What else is stored in the same transaction. The first account of all then owns the server.
    /// - Returns: The account with its key.
    /// - Throws: ``UserCreationError``, and what `more` throws.
    package func create(
        email: String, id: String?, apiKey: String?, timezone: String = "UTC",
        and more: @escaping @Sendable (User, any Transaction) throws -> Void = { _, _ in }
    ) async throws -> User {
        let email = try Self.address(email)
        if let id, id.isEmpty || id.utf8.count > 128 || !id.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != 0x2f }) {
            throw UserCreationError("an id has 1 to 128 printable ASCII characters, no space and no slash")
        }
        if let apiKey {
            guard apiKey.utf8.count >= 16, apiKey.utf8.count <= 255, apiKey.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }),
                !apiKey.hasPrefix(APIKey.phonePrefix), apiKey != "undefined"
            else {
                throw UserCreationError(
                    "an API key has 16 to 255 printable ASCII characters and does not start with pk_")
            }
        }
        if let id, try await store.read({ tx in try UserErasureQueries.isRunning(for: UserID(id), in: tx) }) {
            throw UserCreationError("the account that had this id is still being erased; try again in two minutes")
        }
        let key = apiKey ?? APIKey.random(prefix: APIKey.userPrefix)
        let drawn = ID<User>(at: SystemClock().now()).text
        do {
            return try await store.write(.request) { tx in
                let user = User(
                    id: UserID(id ?? drawn), email: email, apiKey: Secret(key), timezone: timezone, activePhoneID: nil,
                    notificationMessageStatusEnabled: true, notificationWebhookEnabled: true,
                    notificationHeartbeatEnabled: true, notificationNewsletterEnabled: true, createdAt: tx.now,
                    updatedAt: tx.now)
                try AccessQueries.lock(email: email, in: tx)
                if try AccessQueries.account(email: email, in: tx) != nil {
                    throw UserCreationError.taken("e-mail address")
                }
                try queries.insert(user, in: tx)
                try more(user, tx)
                _ = try FirstRunQueries.claim(for: user.id, in: tx)
                return user
            }
        } catch StorageError.uniqueViolation(let what) {
            let taken = what.contains("email") ? "e-mail address" : what.contains("api_key") ? "API key" : "id"
            throw UserCreationError.taken(taken)
        }
    }

    /// An e-mail address as it is stored.
    ///
    /// - Throws: ``UserCreationError`` when it cannot be one.
    package static func address(_ text: String) throws(UserCreationError) -> String {
        let email = text.trimmed.lowercased()
        guard email.utf8.count <= 255, email.split(separator: "@", omittingEmptySubsequences: false).count == 2,
            !email.hasPrefix("@"), !email.hasSuffix("@"), !email.contains(where: \.isWhitespace)
        else { throw UserCreationError("'\(email)' is not an e-mail address") }
        return email
    }

    /// The account of `id`.
    package func user(_ id: UserID) async throws -> User {
        guard let user = try await store.read({ [queries] tx in try queries.find(id, in: tx) }) else {
            throw Refusal.unauthenticated
        }
        return user
    }

    /// Changes the account by `change`.
    package func change(
        _ id: UserID, _ change: @escaping @Sendable (inout User, any Transaction) throws -> Void
    ) async throws -> User {
        try await store.write(.user(id)) { [queries, endpoints] tx in
            guard var user = try queries.find(id, in: tx) else { throw Refusal.unauthenticated }
            let zone = user.timezone
            try change(&user, tx)
            user.updatedAt = tx.now
            try queries.update(user, in: tx)
            if user.timezone != zone { try endpoints.setZone(user.timezone, of: id, in: tx) }
            return user
        }
    }

    /// Ends the account: its keys stop working and its webhooks are told nothing more with this call; everything it owned
    /// is erased soon after.
    package func delete(
        _ id: UserID, if check: @escaping @Sendable (any Transaction) throws -> Void = { _ in }
    ) async throws {
        try await store.write(.user(id)) { [identities, endpoints] tx in
            try check(tx)
            try UserErasureQueries.begin(id, endpoints: endpoints, in: tx)
            try identities.forgetAll(in: tx)
        }
    }

    /// Gives the account another API key; the old one stops working with this call.
    package func rotateAPIKey(
        of id: UserID, and note: @escaping @Sendable (User, any Transaction) throws -> Void = { _, _ in }
    ) async throws -> User {
        let key = APIKey.random(prefix: APIKey.userPrefix)
        return try await store.write(.user(id)) { [queries, identities, endpoints] tx in
            try queries.setAPIKey(key, of: id, in: tx)
            try CallbackQueries(endpoints: endpoints).sign(with: Secret(key), userID: id, in: tx)
            try identities.forgetAll(in: tx)
            guard let user = try queries.find(id, in: tx) else { throw Refusal.unauthenticated }
            try note(user, tx)
            return user
        }
    }
}

/// Why an account was not made, in words for the operator.
package struct UserCreationError: Error, CustomStringConvertible {
    /// What is wrong and what is allowed.
    package let description: String

    /// Says why.
    package init(_ description: String) {
        self.description = description
    }

    /// The same as a sentence.
    package var sentence: String { description.prefix(1).uppercased() + description.dropFirst() + "." }

    static func noAccount(_ email: String) -> UserCreationError {
        UserCreationError("there is no account with the e-mail address \(email)")
    }

    static func taken(_ what: String) -> UserCreationError {
        UserCreationError("there is an account already with this \(what)")
    }
}
