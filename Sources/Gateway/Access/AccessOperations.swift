import Delivery
import Secrets
import Storage
import Timestamps

/// Letting people in: the first account, signing in, and passwords.
package struct AccessOperations: Sendable {
    let store: any Store
    let users: UserOperations
    let passwords: Passwords
    let keyring: Keyring
    /// Nil where no e-mail can be sent, or the server does not know its own URL.
    package let letters: AccountLetters?
    let factors: SecondFactorQueries

    /// - Parameters:
    ///   - store: Where accounts and sessions are.
    ///   - users: Makes accounts.
    ///   - passwords: Hashes what people type.
    ///   - letters: Writes e-mail about signing in; nil where none is sent.
    package init(store: any Store, users: UserOperations, passwords: Passwords, letters: AccountLetters?) {
        (self.store, self.users, self.passwords, keyring) = (store, users, passwords, users.queries.keyring)
        self.letters = letters
        factors = SecondFactorQueries(keyring: keyring)
    }

    private static let wrongPassword = Refusal(.unauthenticated, "The e-mail address or the password is wrong.")
    static let lostRole = Refusal(.forbidden, "Your role in this account does not allow this any more.")
    private static let tooManyAttempts = Refusal(
        .tooMany, "There were too many attempts to sign in. Wait 15 minutes and try again.")

    /// Whether there is no account yet.
    package func isFirstRun() async throws -> Bool {
        try await store.read { tx in try FirstRunQueries.isOpen(in: tx) }
    }

    /// Makes the first account and signs it in.
    ///
    /// - Throws: ``Refusal``.
    package func createOwner(
        token: String, email: String, password: String, timezone: String = "UTC", visitor: Visitor
    ) async throws -> Sessions.Fresh {
        try await admit([.network(visitor.network, at: .token)])
        let tokenHash = SHA256Digest.bytes(token)
        guard try await store.read({ tx in try FirstRunQueries.isValid(tokenHash: tokenHash, in: tx) }) else {
            throw Refusal(
                .unauthenticated, "The token is wrong or too old. The newest one is in the server's log.")
        }
        if let problem = Passwords.problem(with: password, email: email) { throw Refusal(.invalid, problem) }
        let hash = try await passwords.hash(password, in: .first)
        let session = Sessions.Fresh(visitor: visitor)
        do {
            _ = try await users.create(email: email, id: nil, apiKey: nil, timezone: timezone) { user, tx in
                guard try FirstRunQueries.isValid(tokenHash: tokenHash, in: tx),
                    try FirstRunQueries.claim(for: user.id, in: tx),
                    try AccessQueries.insertPassword(hash, of: user.id, in: tx)
                else { throw Refusal(.conflict, "There is an account already. Sign in with it.") }
                try session.insert(for: Person(user.id), in: tx)
            }
        } catch let error as UserCreationError {
            throw Refusal(.invalid, error.sentence)
        }
        return session
    }

    /// How far somebody came who gave the right password.
    package enum SignIn: Sendable {
        /// They are signed in.
        case done(Sessions.Fresh)
        /// The account has a second factor: the pass to give with a code of it, valid for 10 minutes.
        case needsCode(pass: String)
    }

    /// Signs somebody in, or asks for a code.
    ///
    /// - Throws: ``Refusal``.
    package func signIn(email: String, password: String, visitor: Visitor) async throws -> SignIn {
        let attempt = try await attempt(email, visitor, at: .signIn)
        let account = try await store.read { tx in try AccessQueries.account(email: email, in: tx) }
        guard
            try await passwords.verify(password, against: account?.passwordHash, in: attempt.lane),
            let account
        else { throw Self.wrongPassword }
        let session = Sessions.Fresh(visitor: visitor)
        return try await store.write(.request) { tx in
            // The password may have been changed while it was checked.
            guard try AccessQueries.passwordHash(of: account.person.id, in: tx) == account.passwordHash else {
                throw Self.wrongPassword
            }
            for bound in attempt.bounds { try AccessQueries.forgetAttempts(bound, in: tx) }
            return try letIn(account, email: email, session, in: tx)
        }
    }

    /// Signs in somebody who proved to be the one, or asks for a code.
    func letIn(
        _ account: AccessQueries.Account, email: String, _ session: Sessions.Fresh, in tx: any Transaction
    ) throws -> SignIn {
        if try SecondFactorQueries.find(of: account.person.id, in: tx) != nil {
            return .needsCode(pass: try SignInPass(account, email: email, for: .code, at: tx.now).sealed(with: keyring))
        }
        try session.insert(for: account.person, in: tx)
        return .done(session)
    }

    /// Signs in with an API key, once: an account that has no password yet gets one.
    ///
    /// - Throws: ``Refusal``.
    package func setFirstPassword(
        email: String, apiKey: String, password: String, visitor: Visitor
    ) async throws -> Sessions.Fresh {
        let attempt = try await attempt(email, visitor, at: .firstSignIn)
        if let problem = Passwords.problem(with: password, email: email) { throw Refusal(.invalid, problem) }
        let keyHash = SHA256Digest.bytes(apiKey)
        let account = try await store.read { tx in try AccessQueries.account(email: email, in: tx) }
        guard let account, account.apiKeyHash == keyHash, account.passwordHash == nil else {
            throw Refusal(
                .unauthenticated,
                "The e-mail address or the API key is wrong, or the account has a password already.")
        }
        // Only who has the key costs us a password's worth of work.
        let hash = try await passwords.hash(password, in: .first)
        return try await begin(account.person, visitor, forgetting: attempt.bounds) { tx in
            try AccessQueries.insertPassword(hash, of: account.person.id, in: tx)
        }
    }

    /// Gives a signed-in user another password, ends all of their sessions, forgets their browsers and begins a new session.
    ///
    /// - Throws: ``Refusal``.
    package func changePassword(
        of session: Session, from old: String, to new: String, visitor: Visitor
    ) async throws -> Sessions.Fresh {
        let stored = try await confirm(old, of: session)
        if let problem = Passwords.problem(with: new, email: session.email) { throw Refusal(.invalid, problem) }
        let hash = try await passwords.hash(new, in: .first)
        let person = session.person
        return try await begin(person, visitor, forgetting: []) { tx in
            try AccessQueries.signOut(person.id, in: tx)
            return try AccessQueries.replacePassword(stored, by: hash, of: person.id, in: tx)
        }
    }

    /// Asks for the password again, before something is shown or changed that a session alone does not open. Attempts
    /// have a count of their own: whoever uses a forgotten browser cannot lock the user out of signing in.
    ///
    /// - Returns: What is stored of the password.
    /// - Throws: ``Refusal`` when it is wrong, or somebody may do less than when they asked: checking it takes a while.
    @discardableResult
    package func confirm(_ password: String, of session: Session) async throws -> String {
        let bound = SignInBound.password(session.person.id)
        try await admit([bound])
        let stored = try await store.read { tx in try AccessQueries.passwordHash(of: session.person.id, in: tx) }
        guard try await passwords.verify(password, against: stored, in: .first), let stored else {
            throw Refusal(.unauthenticated, "The current password is wrong.")
        }
        try await store.write(.user(session.userID)) { tx in
            guard let role = try TeamQueries.role(of: session.person, in: tx), role >= session.role else {
                throw Self.lostRole
            }
            try AccessQueries.forgetAttempts(bound, in: tx)
        }
        return stored
    }

    /// Begins a session in the transaction in which `condition` still holds.
    private func begin(
        _ person: Person, _ visitor: Visitor, forgetting bounds: [SignInBound],
        if condition: @escaping @Sendable (any Transaction) throws -> Bool
    ) async throws -> Sessions.Fresh {
        let session = Sessions.Fresh(visitor: visitor)
        try await store.write(.request) { tx in
            guard try condition(tx) else { throw Self.wrongPassword }
            for bound in bounds { try AccessQueries.forgetAttempts(bound, in: tx) }
            try session.insert(for: person, in: tx)
        }
        return session
    }

    /// An attempt that was let through.
    private struct Attempt: Sendable {
        let lane: Passwords.Lane
        /// What success forgets. The network keeps its count: one known password must not open the way for guesses at
        /// others.
        let bounds: [SignInBound]
    }

    /// Counts an attempt to sign in to the account of `email`.
    ///
    /// A browser that signed in to this account before is counted by itself alone, so that no guess made elsewhere keeps it
    /// out. Any other is counted by address and network, then by network, then by address. Passwords of networks that
    /// tried little lately are checked first.
    private func attempt(_ email: String, _ visitor: Visitor, at door: SignInBound.Door) async throws -> Attempt {
        let devices = visitor.devices.map { SHA256Digest.bytes($0) }
        return try await store.write(.request) { tx in
            let person = try devices.isEmpty ? nil : AccessQueries.account(email: email, in: tx)?.person
            if let person, let device = try KnownBrowserQueries.known(among: devices, of: person.id, in: tx) {
                let bounds = [SignInBound.device(device)]
                try Self.admit(bounds, in: tx)
                return Attempt(lane: .first, bounds: bounds)
            }
            let pair = SignInBound.pair(email, visitor.network)
            let number = try Self.admit([pair, .network(visitor.network, at: door)], in: tx)
            try Self.admit([.email(email)], in: tx)
            return Attempt(lane: number <= Self.slips ? .first : .second, bounds: [pair, .email(email)])
        }
    }

    /// So many attempts of one network in 15 minutes are somebody who mistypes.
    private static let slips = 3

    /// Counts an attempt, before anything is looked at: attempts at the same time also count. The bounds are asked in their
    /// order, and what one refuses is not counted for those behind it.
    ///
    /// - Throws: ``Refusal``, which leaves every count as it was.
    func admit(_ bounds: [SignInBound]) async throws {
        try await store.write(.request) { tx in _ = try Self.admit(bounds, in: tx) }
    }

    /// - Returns: The number of the attempt within its 15 minutes, by the last bound.
    @discardableResult
    static func admit(_ bounds: [SignInBound], in tx: any Transaction) throws -> Int64 {
        try bounds.reduce(0) { _, bound in
            guard let number = try AccessQueries.countAttempt(bound, in: tx) else { throw Self.tooManyAttempts }
            return number
        }
    }
}
