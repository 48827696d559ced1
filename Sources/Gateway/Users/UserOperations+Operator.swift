import Secrets
import Storage
import Wire

/// What commands do with accounts, beside a server that runs or not.
extension UserOperations {
    /// The account of `id`; nil when there is no such account.
    ///
    /// - Throws: `StorageError`.
    package func find(_ id: UserID) async throws -> User? {
        try await store.read { [queries] tx in try queries.find(id, in: tx) }
    }

    /// Makes an account; with `password`, it can sign in to the dashboard at once.
    ///
    /// - Parameters:
    ///   - email: Its e-mail address, as for `create(email:id:apiKey:and:)`.
    ///   - id: Its id; nil draws one.
    ///   - apiKey: Its API key; nil draws one.
    ///   - password: At least 10 characters; nil leaves signing in to be set up later.
    /// - Returns: The account with its key.
    /// - Throws: ``UserCreationError``.
    package func create(email: String, id: String?, apiKey: String?, password: String?) async throws -> User {
        guard let password else { return try await create(email: email, id: id, apiKey: apiKey) }
        let hash = try await Self.hash(password, email: email)
        return try await create(email: email, id: id, apiKey: apiKey) { user, tx in
            _ = try AccessQueries.insertPassword(hash, of: user.id, in: tx)
        }
    }

    /// Gives an account another password, or its first. Ends all of its sessions and forgets its browsers, as somebody
    /// who knew the old one may have some, and forgets its failed attempts to sign in.
    ///
    /// - Throws: ``UserCreationError`` when the password is too weak or there is no such account.
    package func setPassword(_ password: String, email: String) async throws {
        let hash = try await Self.hash(password, email: email)
        try await store.write(.request) { tx in
            let person = try Self.person(of: email, in: tx)
            try AccessQueries.delete(of: person.id, in: tx)
            _ = try AccessQueries.insertPassword(hash, of: person.id, in: tx)
            try AccessQueries.forgetAttempts(.email(email), in: tx)
            try AuditLog.add(
                .passwordChanged, by: .serverOperator, from: nil, userID: person.account, in: tx)
        }
    }

    /// Lets the password of an account be enough to sign in, for somebody who lost both the app and the recovery codes.
    ///
    /// - Throws: ``UserCreationError`` when there is no such account, or it has no second factor.
    package func removeSecondFactor(email: String) async throws {
        try await store.write(.request) { tx in
            let person = try Self.person(of: email, in: tx)
            guard try SecondFactorQueries.delete(of: person.id, in: tx) else {
                throw UserCreationError("two-step sign-in is not on for \(email)")
            }
            try AuditLog.add(
                .secondFactorRemoved, by: .serverOperator, from: nil, userID: person.account, in: tx)
        }
    }

    /// The `Cookie` of a browser in which the account is signed in, without its password: for what measures pages.
    ///
    /// - Throws: `StorageError`.
    package func cookie(of userID: UserID) async throws -> String {
        let session = Sessions.Fresh(visitor: Visitor(network: "127.0.0.1", address: "127.0.0.1", agent: "httpsms"))
        try await store.write(for: userID) { tx in try session.insert(for: Person(userID), in: tx) }
        return "\(Cookies.Name.session.full(isSecure: false))=\(session.token)"
    }

    /// Whether an account may have this address and this password, nil for none.
    ///
    /// - Throws: ``UserCreationError`` when not.
    package static func check(email: String, password: String?) throws {
        _ = try address(email)
        if let problem = password.flatMap({ Passwords.problem(with: $0, email: email) }) {
            throw UserCreationError(problem)
        }
    }

    private static func hash(_ password: String, email: String) async throws -> String {
        try check(email: email, password: password)
        return try await Passwords(cost: .standard).hash(password, in: .first)
    }
}

/// Accounts that are there already.
extension UserOperations {
    /// All accounts, by e-mail address, and whether each owns the server.
    ///
    /// - Throws: `StorageError`.
    package func accounts() async throws -> [(id: String, email: String, isOwner: Bool)] {
        var accounts: [(id: String, email: String, isOwner: Bool)] = []
        while true {
            let after = accounts.last?.email ?? ""
            let page = try await store.read { tx in
                try InvitationQueries.members(after: after, limit: 500, in: tx).map { member in
                    (id: member.id.text, email: member.email, isOwner: try FirstRunQueries.isOwner(member.id, in: tx))
                }
            }
            accounts += page
            if page.isEmpty { return accounts }
        }
    }

    /// The id of the account with `email`.
    ///
    /// - Throws: ``UserCreationError`` when there is no such account.
    package func id(ofEmail email: String) async throws -> UserID {
        try await store.read { tx in try Self.id(of: email, in: tx) }
    }

    /// Replaces the API key of the account with `email`, and gives the new one.
    ///
    /// - Throws: ``UserCreationError`` when there is no such account.
    package func rotateAPIKey(ofEmail email: String) async throws -> Secret<String> {
        try await rotateAPIKey(of: try await id(ofEmail: email)) { user, tx in
            try AuditLog.add(.keyRotated, by: .serverOperator, from: nil, userID: user.id, in: tx)
        }.apiKey
    }

    /// Makes an account the owner of the server.
    ///
    /// - Throws: ``UserCreationError`` when there is no such account.
    package func setOwner(email: String) async throws {
        try await store.write(.request) { tx in try FirstRunQueries.setOwner(try Self.id(of: email, in: tx), in: tx) }
    }

    /// Deletes an account; the running server erases what it had.
    ///
    /// - Throws: ``UserCreationError`` when there is no such account, or it owns the server.
    package func delete(email: String) async throws {
        let id = try await id(ofEmail: email)
        try await delete(id) { tx in
            guard try !FirstRunQueries.isOwner(id, in: tx) else {
                throw UserCreationError(
                    "\(email) owns the server: make another account the owner first, with `httpsms user owner`")
            }
        }
    }

    private static func id(of email: String, in tx: any Transaction) throws -> UserID {
        _ = try address(email)
        // Of two old accounts whose addresses differ in case only, the spelling tells which.
        let person = try Self.person(of: email.trimmed, in: tx)
        // What is done to an account is not done by naming one of those who work in it.
        guard person.memberEmail == nil else {
            throw UserCreationError("\(email) is in the team of another account, and has none of their own")
        }
        return person.id
    }

    /// Who signs in with an address: whoever made an account, or a member of one.
    private static func person(of email: String, in tx: any Transaction) throws -> Person {
        guard let account = try AccessQueries.account(email: email, in: tx) else {
            throw UserCreationError.noAccount(email)
        }
        return account.person
    }
}
