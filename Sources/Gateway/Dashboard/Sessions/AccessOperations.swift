import Delivery
import Storage
import Timestamps

/// Letting people in: the first account, signing in, and passwords.
struct AccessOperations: Sendable {
    let store: any Store
    let users: UserOperations
    let passwords: Passwords

    /// Why somebody was not let in, in words for them.
    struct Refusal: Error {
        let message: String

        static let wrongPassword = Refusal(message: "The e-mail address or the password is wrong.")
        static let tooManyAttempts = Refusal(
            message: "There were too many attempts to sign in. Wait 15 minutes and try again.")
    }

    /// Whether there is no account yet.
    func isFirstRun() async throws -> Bool {
        try await store.read { tx in try FirstRunQueries.isOpen(in: tx) }
    }

    /// Makes the first account and signs it in.
    ///
    /// - Throws: ``Refusal``.
    func createOwner(
        token: String, email: String, password: String, visitor: Visitor
    ) async throws -> Sessions.Fresh {
        try await admit([Subject.address(visitor.network)])
        let tokenHash = SHA256Digest.bytes(token)
        guard try await store.read({ tx in try FirstRunQueries.isValid(tokenHash: tokenHash, in: tx) }) else {
            throw Refusal(
                message: "The token is wrong or too old. The newest one stands in the server's log.")
        }
        if let problem = Passwords.problem(with: password) { throw Refusal(message: problem) }
        let hash = try await passwords.hash(password)
        let session = Sessions.Fresh(visitor: visitor)
        do {
            _ = try await users.create(email: email, id: nil, apiKey: nil) { user, tx in
                guard try FirstRunQueries.isValid(tokenHash: tokenHash, in: tx),
                    try FirstRunQueries.claim(for: user.id, in: tx),
                    try AccessQueries.insertPassword(hash, of: user.id, in: tx)
                else { throw Refusal(message: "There is an account already. Sign in with it.") }
                try session.insert(for: user.id, in: tx)
            }
        } catch let error as UserCreationError {
            throw Refusal(message: error.sentence)
        }
        return session
    }

    /// Signs somebody in.
    ///
    /// - Throws: ``Refusal``.
    func signIn(email: String, password: String, visitor: Visitor) async throws -> Sessions.Fresh {
        try await admit(Subject.all(email, visitor.network))
        let account = try await store.read { tx in try AccessQueries.account(email: email, in: tx) }
        guard try await passwords.verify(password, against: account?.passwordHash), let account else {
            throw Refusal.wrongPassword
        }
        return try await begin(account.id, visitor, forgetting: [.email(email), .pair(email, visitor.network)]) { tx in
            // The password may have been changed while it was checked.
            try AccessQueries.passwordHash(of: account.id, in: tx) == account.passwordHash
        }
    }

    /// Signs in with an API key, once: an account that has no password yet gets one.
    ///
    /// - Throws: ``Refusal``.
    func setFirstPassword(
        email: String, apiKey: String, password: String, visitor: Visitor
    ) async throws -> Sessions.Fresh {
        try await admit(Subject.all(email, visitor.network))
        if let problem = Passwords.problem(with: password) { throw Refusal(message: problem) }
        let keyHash = SHA256Digest.bytes(apiKey)
        let account = try await store.read { tx in try AccessQueries.account(email: email, in: tx) }
        guard let account, account.apiKeyHash == keyHash, account.passwordHash == nil else {
            throw Refusal(
                message: "The e-mail address or the API key is wrong, or the account has a password already.")
        }
        // Only who has the key costs us a password's worth of work.
        let hash = try await passwords.hash(password)
        return try await begin(account.id, visitor, forgetting: [.email(email), .pair(email, visitor.network)]) { tx in
            try AccessQueries.insertPassword(hash, of: account.id, in: tx)
        }
    }

    /// Gives a signed-in user another password, ends all of their sessions and begins a new one.
    ///
    /// - Throws: ``Refusal``.
    func changePassword(
        of session: Session, from old: String, to new: String, visitor: Visitor
    ) async throws -> Sessions.Fresh {
        let stored = try await confirm(old, of: session)
        if let problem = Passwords.problem(with: new) { throw Refusal(message: problem) }
        let hash = try await passwords.hash(new)
        return try await begin(session.userID, visitor, forgetting: []) { tx in
            try SessionQueries.deleteAll(of: session.userID, in: tx)
            return try AccessQueries.replacePassword(stored, by: hash, of: session.userID, in: tx)
        }
    }

    /// Asks for the password again, before something is shown or changed that a session alone does not open. Attempts
    /// have a count of their own: who uses a forgotten browser cannot lock the user out of signing in.
    ///
    /// - Returns: What is stored of the password.
    /// - Throws: ``Refusal`` when it is wrong.
    @discardableResult
    func confirm(_ password: String, of session: Session) async throws -> String {
        let subject = Subject.password(session.userID)
        try await admit([subject])
        let stored = try await store.read { tx in try AccessQueries.passwordHash(of: session.userID, in: tx) }
        guard try await passwords.verify(password, against: stored), let stored else {
            throw Refusal(message: "The current password is wrong.")
        }
        try await store.write { tx in try AccessQueries.forgetAttempts(of: subject.digest, in: tx) }
        return stored
    }

    /// Begins a session in the transaction in which `condition` still holds.
    private func begin(
        _ userID: UserID, _ visitor: Visitor, forgetting subjects: [Subject],
        if condition: @escaping @Sendable (any Transaction) throws -> Bool
    ) async throws -> Sessions.Fresh {
        let session = Sessions.Fresh(visitor: visitor)
        try await store.write { tx in
            guard try condition(tx) else { throw Refusal.wrongPassword }
            // The address keeps its count: one known password must not open the way for guesses at others.
            for subject in subjects { try AccessQueries.forgetAttempts(of: subject.digest, in: tx) }
            try session.insert(for: userID, in: tx)
        }
        return session
    }

    /// Counts an attempt, before anything is looked at: attempts at the same time count, too.
    func admit(_ subjects: [Subject]) async throws {
        let isAdmitted = try await store.write { tx in
            try subjects.map { try AccessQueries.countAttempt(of: $0.digest, in: tx) <= $0.bound }.allSatisfy(\.self)
        }
        guard isAdmitted else { throw Refusal.tooManyAttempts }
    }

    /// Whose attempts are counted. Only digests are stored.
    enum Subject {
        case email(String)
        case address(String)
        /// An e-mail address as one client tries it.
        case pair(String, String)
        /// A signed-in user who is asked for the password again.
        case password(UserID)

        /// What an attempt to sign in counts for.
        static func all(_ email: String, _ client: String) -> [Subject] {
            [.pair(email, client), .email(email), .address(client)]
        }

        var digest: [UInt8] {
            switch self {
            case .email(let text): SHA256Digest.bytes(parts: ["email", text.lowercased()])
            case .address(let text): SHA256Digest.bytes(parts: ["address", text])
            case .pair(let email, let client): SHA256Digest.bytes(parts: ["pair", email.lowercased(), client])
            case .password(let id): SHA256Digest.bytes(parts: ["password", id.text])
            }
        }

        /// Per 15 minutes. Several people may share an address, and nobody should be able to lock somebody else out by
        /// guessing badly, so that the e-mail address alone counts loosely.
        var bound: Int64 {
            switch self {
            case .pair, .password: 10
            case .address: 60
            case .email: 200
            }
        }
    }
}
