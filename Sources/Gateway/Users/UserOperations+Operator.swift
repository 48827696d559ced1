import Storage

/// What an operator does with accounts from the command line, beside a server that runs or not.
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
        try await store.write { tx in
            guard let account = try AccessQueries.account(email: email, in: tx) else {
                throw UserCreationError("there is no account with the e-mail address \(email)")
            }
            try AccessQueries.delete(of: account.id, in: tx)
            _ = try AccessQueries.insertPassword(hash, of: account.id, in: tx)
            try AccessQueries.forgetAttempts(.email(email), in: tx)
        }
    }

    /// The `Cookie` of a browser in which the account is signed in, without its password: for what measures pages.
    ///
    /// - Throws: `StorageError`.
    package func cookie(of userID: UserID) async throws -> String {
        let session = Sessions.Fresh(visitor: Visitor(network: "127.0.0.1", address: "127.0.0.1", agent: "httpsms"))
        try await store.write { tx in try session.insert(for: userID, in: tx) }
        return "\(Cookies.Name.session.full(isSecure: false))=\(session.token)"
    }

    private static func hash(_ password: String, email: String) async throws -> String {
        if let problem = Passwords.problem(with: password, email: email) { throw UserCreationError(problem) }
        return try await Passwords().hash(password, in: .first)
    }
}
