import Delivery
import Secrets
import Storage
import Timestamps

/// What can be done with the team of an account.
package struct TeamOperations: Sendable {
    let store: any Store
    let access: AccessOperations

    /// - Parameters:
    ///   - store: Where teams are.
    ///   - access: Asks for passwords and begins sessions.
    package init(store: any Store, access: AccessOperations) { (self.store, self.access) = (store, access) }

    /// The members of an account and whom it asked, by address, and what whoever made the account signs in with; nil when
    /// there is no such account.
    package func team(
        of account: UserID
    ) async throws -> (members: [TeamMember], invitations: [TeamInvitation], email: String?) {
        try await store.read(.user(account)) { tx in
            (
                try TeamQueries.list(of: account, in: tx), try TeamQueries.invitations(of: account, in: tx),
                try UserQueries.email(of: account, in: tx)
            )
        }
    }

    /// Has the changes of a team come one after the other, and lets through only who still may make one: the request of
    /// somebody who was removed meanwhile changes nothing.
    ///
    /// - Throws: ``Refusal``.
    private static func begin(_ session: Session, in tx: any Transaction) throws {
        try UserQueries.lock(session.userID, in: tx)
        guard try TeamQueries.role(of: session.person, in: tx) == .owner else { throw AccessOperations.lostRole }
    }

    /// Asks somebody into the team.
    ///
    /// - Parameters:
    ///   - email: As `UserOperations.address` gives it.
    ///   - role: What they will be allowed to do.
    ///   - password: That of whoever asks: a session alone lets nobody else in.
    ///   - session: Who asks.
    /// - Returns: A link that works once, within 7 days.
    /// - Throws: ``Refusal``.
    package func invite(
        _ email: String, as role: TeamRole, password: String, session: Session
    ) async throws -> SentInvitation {
        try await access.confirm(password, of: session)
        let (token, account, sender) = (RandomToken.make(), session.userID, session.email)
        return try await store.write(for: account) { [letters = access.letters] tx in
            try Self.begin(session, in: tx)
            let members = try TeamQueries.list(of: account, in: tx)
            if members.contains(where: { $0.email == email }) {
                throw Refusal(.conflict, "\(email) is in the team already.")
            }
            let invited = try TeamQueries.invitations(of: account, in: tx).filter { $0.email != email }
            guard members.count + invited.count < TeamQueries.most else {
                throw Refusal(
                    .invalid,
                    "A team has at most \(TeamQueries.most) members, open invitations included. Remove or withdraw one."
                )
            }
            try TeamQueries.invite(
                email, as: role, by: session.person, tokenHash: SHA256Digest.bytes(token), in: tx)
            let isMailed = try letters?.invite(
                email, token: token, "\(sender) asks you into the team of their SMS account. Join it",
                from: account, in: tx)
            return SentInvitation(token: token, isMailed: isMailed ?? false)
        }
    }

    /// Withdraws an invitation; nothing happens when there is none.
    ///
    /// - Throws: ``Refusal``.
    package func withdraw(_ email: String, session: Session) async throws {
        try await store.write(.user(session.userID)) { tx in
            try Self.begin(session, in: tx)
            try TeamQueries.withdraw(email, account: session.userID, in: tx)
        }
    }

    /// Changes what a member may do, from their next page on. The invitations of one who owns the account no more are
    /// withdrawn.
    ///
    /// - Returns: False when the account has no such member.
    /// - Throws: ``Refusal``.
    package func setRole(
        _ role: TeamRole, of id: UserID, password: String, session: Session
    ) async throws -> Bool {
        try await access.confirm(password, of: session)
        return try await store.write(.user(session.userID)) { tx in
            try Self.begin(session, in: tx)
            return try TeamQueries.setRole(role, of: id, account: session.userID, in: tx)
        }
    }

    /// Removes a member. Their sessions end at once, and their invitations are withdrawn.
    ///
    /// - Returns: False when the account has no such member.
    /// - Throws: ``Refusal``.
    package func remove(_ id: UserID, session: Session) async throws -> Bool {
        try await store.write(.user(session.userID)) { tx in
            try Self.begin(session, in: tx)
            return try TeamQueries.delete(id, account: session.userID, in: tx)
        }
    }

    /// What a link is for, and who sent it; nil when it was used, withdrawn, or is too old.
    package func invitation(_ token: String) async throws -> (invitation: TeamInvitation, from: String)? {
        let hash = SHA256Digest.bytes(token)
        return try await store.read { tx in
            guard let invitation = try TeamQueries.invitation(tokenHash: hash, in: tx),
                let email = try UserQueries.email(of: invitation.account, in: tx)
            else { return nil }
            return (invitation, email)
        }
    }

    /// Takes somebody into a team and signs them in; nil when the link means nothing any more.
    ///
    /// - Throws: ``Refusal``.
    package func join(_ token: String, password: String, visitor: Visitor) async throws -> Sessions.Fresh? {
        try await access.admit([.network(visitor.network, at: .token)])
        guard let (invitation, _) = try await invitation(token) else { return nil }
        if let problem = Passwords.problem(with: password, email: invitation.email) { throw Refusal(.invalid, problem) }
        let hash = try await access.passwords.hash(password, in: .first)
        let session = Sessions.Fresh(visitor: visitor)
        let id = UserID(ID<TeamMember>(at: SystemClock().now()).text)
        try await store.write(for: invitation.account) { tx in
            try AccessQueries.lock(email: invitation.email, in: tx)
            guard try TeamQueries.takeInvitation(tokenHash: SHA256Digest.bytes(token), in: tx) else {
                throw Refusal(.conflict, "The link was used or withdrawn a moment ago.")
            }
            let member = TeamMember(
                id: id, account: invitation.account, email: invitation.email, role: invitation.role, createdAt: tx.now)
            guard try AccessQueries.account(email: member.email, in: tx) == nil,
                try TeamQueries.insert(member, in: tx),
                try AccessQueries.insertPassword(hash, of: id, in: tx)
            else {
                throw Refusal(
                    .conflict,
                    "Somebody signs in with \(member.email) already. Ask for an invitation to another address.")
            }
            let person = Person(member)
            try AuditLog.add(
                .teamJoined, by: AuditEntry.Actor(person, agent: visitor.agent), from: visitor.address,
                userID: member.account, in: tx)
            try session.insert(for: person, in: tx)
        }
        return session
    }
}
