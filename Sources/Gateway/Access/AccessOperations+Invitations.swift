import Delivery
import Secrets
import Storage

extension AccessOperations {
    /// Asks somebody in.
    ///
    /// - Parameters:
    ///   - email: As `UserOperations.address` gives it.
    ///   - session: Who asks.
    /// - Returns: A link that makes one account within 7 days.
    /// - Throws: ``UserCreationError`` when there is an account with this address.
    package func invite(_ email: String, session: Session) async throws -> SentInvitation {
        let (token, sender) = (RandomToken.make(), session.email)
        return try await store.write(.request) { tx in
            guard try AccessQueries.account(email: email, in: tx) == nil else {
                throw UserCreationError.taken("e-mail address")
            }
            try InvitationQueries.insert(tokenHash: SHA256Digest.bytes(token), email: email, in: tx)
            let isMailed = try letters?.invite(
                email, token: token, "\(sender) invites you to their SMS server. Make your account",
                from: session.userID, in: tx)
            return SentInvitation(token: token, isMailed: isMailed ?? false)
        }
    }

    /// Whom a link was made for; nil when it was used, withdrawn, or is too old.
    package func invitation(_ token: String) async throws -> Invitation? {
        let hash = SHA256Digest.bytes(token)
        return try await store.read { tx in try InvitationQueries.find(tokenHash: hash, in: tx) }
    }

    /// Makes the account of whoever was asked in, and signs them in; nil when the link means nothing any more.
    ///
    /// - Throws: ``Refusal``.
    package func accept(
        _ token: String, password: String, timezone: String = "UTC", visitor: Visitor
    ) async throws -> Sessions.Fresh? {
        try await admit([.network(visitor.network, at: .token)])
        guard let invitation = try await invitation(token) else { return nil }
        if let problem = Passwords.problem(with: password, email: invitation.email) { throw Refusal(.invalid, problem) }
        let hash = try await passwords.hash(password, in: .first)
        let session = Sessions.Fresh(visitor: visitor)
        do {
            _ = try await users.create(email: invitation.email, id: nil, apiKey: nil, timezone: timezone) { user, tx in
                guard try InvitationQueries.take(tokenHash: invitation.tokenHash, in: tx),
                    try AccessQueries.insertPassword(hash, of: user.id, in: tx)
                else { throw Refusal(.conflict, "The link was used or withdrawn a moment ago.") }
                try session.insert(for: Person(user.id), in: tx)
            }
        } catch let error as UserCreationError {
            throw Refusal(.invalid, error.sentence)
        }
        return session
    }
}
