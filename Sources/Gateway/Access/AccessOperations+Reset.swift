import Delivery
import Secrets
import Storage

/// Another password for those who forgot theirs, by a link that is mailed to them.
extension AccessOperations {
    /// Mails a link to whoever signs in with `email`, three times within 15 minutes at most. Whoever asks does not learn whether
    /// anybody does.
    ///
    /// - Throws: ``Refusal`` when the network asked too often.
    package func mailReset(to email: String, visitor: Visitor) async throws {
        guard let letters else { return }
        try await admit([.network(visitor.network, at: .letter)])
        try await store.write(.request) { [keyring] tx in
            guard try AccessQueries.countAttempt(.letters(to: email), in: tx) != nil,
                let account = try AccessQueries.account(email: email, in: tx)
            else { return }
            let pass = SignInPass(account, email: account.email, for: .reset, at: tx.now)
            try letters.reset(account, pass: pass.sealed(with: keyring), in: tx)
        }
    }

    /// Whose password a link replaces; nil when it was used, or is too old.
    package func resetEmail(_ pass: String) async throws -> String? {
        guard let pass = SignInPass(pass, for: .reset, with: keyring) else { return nil }
        return try await email(of: pass)
    }

    private func email(of pass: SignInPass) async throws -> String? {
        try await store.read { tx in try pass.account(in: tx)?.email }
    }

    /// Replaces a password, ends all sessions of whoever has it, forgets their browsers, and signs them in. A second factor stays on,
    /// and is asked for.
    ///
    /// - Returns: Nil when the link means nothing any more.
    /// - Throws: ``Refusal``.
    package func reset(_ pass: String, to password: String, visitor: Visitor) async throws -> SignIn? {
        try await admit([.network(visitor.network, at: .token)])
        guard let pass = SignInPass(pass, for: .reset, with: keyring), let email = try await email(of: pass) else {
            return nil
        }
        if let problem = Passwords.problem(with: password, email: email) { throw Refusal(.invalid, problem) }
        let hash = try await passwords.hash(password, in: .first)
        let session = Sessions.Fresh(visitor: visitor)
        return try await store.write(.request) { tx -> SignIn? in
            guard let old = try pass.account(in: tx) else { return nil }
            let id = old.person.id
            guard
                try old.passwordHash.map({ try AccessQueries.replacePassword($0, by: hash, of: id, in: tx) })
                    ?? AccessQueries.insertPassword(hash, of: id, in: tx),
                let account = try AccessQueries.account(email: email, in: tx)
            else { return nil }
            try AccessQueries.signOut(id, in: tx)
            try AuditLog.add(
                .passwordReset, by: AuditEntry.Actor(account.person, agent: visitor.agent), from: visitor.address,
                userID: account.person.account, in: tx)
            return try letIn(account, email: email, session, in: tx)
        }
    }
}
