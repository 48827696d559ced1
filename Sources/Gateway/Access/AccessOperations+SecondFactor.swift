import Delivery
import Secrets
import Storage

/// Signing in with a second factor, and having one.
extension AccessOperations {
    private static let wrongCode = Refusal(
        .unauthenticated,
        "The code is wrong, was used already, or is too old. Each works once; wait for the app's next one.")

    /// Signs in somebody who gave the right password, with a code of the app or a recovery code.
    ///
    /// - Parameters:
    ///   - pass: What ``signIn(email:password:visitor:)`` gave.
    ///   - code: What was typed.
    ///   - visitor: Who types it.
    /// - Returns: Their session; nil when the pass is too old, or the password was changed: they begin again.
    /// - Throws: ``Refusal`` when the code is none.
    package func finishSignIn(pass: String, code: String, visitor: Visitor) async throws -> Sessions.Fresh? {
        guard let pass = SignInPass(pass, for: .code, with: keyring) else { return nil }
        let devices = visitor.devices.map { SHA256Digest.bytes($0) }
        // In a transaction of its own, so that an attempt that is refused stays counted.
        let admitted = try await store.write(.request) { tx -> (account: AccessQueries.Account, bound: SignInBound)? in
            guard let account = try pass.account(in: tx) else { return nil }
            let device = try KnownBrowserQueries.known(among: devices, of: account.person.id, in: tx)
            let bound = device.map(SignInBound.code(from:)) ?? .code(account.person.id)
            try Self.admit([bound], in: tx)
            return (account, bound)
        }
        guard let (account, bound) = admitted else { return nil }
        let (session, person) = (Sessions.Fresh(visitor: visitor), account.person)
        return try await store.write(.user(person.account)) { [factors] tx in
            // Neither password nor second factor may have changed since.
            guard try AccessQueries.passwordHash(of: person.id, in: tx) == account.passwordHash else { return nil }
            guard let code = try factors.take(code, of: person.id, in: tx) else { throw Self.wrongCode }
            try AccessQueries.forgetAttempts(bound, in: tx)
            try session.insert(for: person, in: tx)
            if case .recovery = code {
                try AuditLog.add(
                    .recoveryCodeUsed, by: AuditEntry.Actor(person, agent: visitor.agent), from: visitor.address,
                    userID: person.account, in: tx)
            }
            return session
        }
    }

    /// What somebody gives besides the password; nil for nothing.
    package func secondFactor(of session: Session) async throws -> SecondFactor? {
        try await store.read(.user(session.userID)) { tx in
            try SecondFactorQueries.find(of: session.person.id, in: tx)
        }
    }

    /// Has the account ask for codes from now on.
    ///
    /// - Parameters:
    ///   - codes: The secret that the app was given.
    ///   - code: What the app shows now, so that nobody is locked out by an app that did not take it.
    ///   - password: The password of the account.
    ///   - session: Who asks for it.
    /// - Returns: Ten recovery codes, of which only digests are stored.
    /// - Throws: ``Refusal``.
    package func addSecondFactor(
        _ codes: OneTimeCodes, code: String, password: String, session: Session
    ) async throws -> [String] {
        try await confirm(password, of: session)
        let recoveryCodes = SecondFactorCode.recoveryCodes()
        try await store.write(.user(session.userID)) { [factors] tx in
            guard case .app(let digits) = SecondFactorCode(code),
                let step = codes.step(of: digits, at: tx.now, after: nil)
            else {
                throw Refusal(
                    .unauthenticated,
                    """
                    This is not the code of the new entry in the app. If it is, the clock of the phone or of the server \
                    is wrong.
                    """)
            }
            guard try factors.insert(codes, step: step, of: session.person.id, in: tx) else {
                throw Refusal(.conflict, "Two-step sign-in is on already.")
            }
            try SecondFactorQueries.replaceRecoveryCodes(with: recoveryCodes, of: session.person.id, in: tx)
        }
        return recoveryCodes
    }

    /// Replaces the recovery codes.
    ///
    /// - Returns: The new ones.
    /// - Throws: ``Refusal``.
    package func replaceRecoveryCodes(code: String, password: String, session: Session) async throws -> [String] {
        let recoveryCodes = SecondFactorCode.recoveryCodes()
        try await change(code: code, password: password, session: session) { tx in
            try SecondFactorQueries.replaceRecoveryCodes(with: recoveryCodes, of: session.person.id, in: tx)
        }
        return recoveryCodes
    }

    /// Lets the password be enough again.
    ///
    /// - Throws: ``Refusal``.
    package func removeSecondFactor(code: String, password: String, session: Session) async throws {
        try await change(code: code, password: password, session: session) { tx in
            try SecondFactorQueries.delete(of: session.person.id, in: tx)
        }
    }

    /// Changes something that takes both the password and a code: a stolen session alone does not turn anything off.
    private func change(
        code: String, password: String, session: Session, _ body: @escaping @Sendable (any Transaction) throws -> Void
    ) async throws {
        try await confirm(password, of: session)
        let bound = SignInBound.code(ofSession: session.person.id)
        try await admit([bound])
        try await store.write(.user(session.userID)) { [factors] tx in
            guard try factors.take(code, of: session.person.id, in: tx) != nil else { throw Self.wrongCode }
            try AccessQueries.forgetAttempts(bound, in: tx)
            try body(tx)
        }
    }
}
