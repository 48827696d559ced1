import Delivery
import Storage
import Timestamps

/// Reads and writes the teams of accounts.
enum TeamQueries {
    /// The members of an account, by address. Index: `team_member_account`.
    static func list(of account: UserID, in tx: any Transaction) throws -> [TeamMember] {
        try tx.all(
            TeamMember.self,
            """
            SELECT *
            FROM team_member
            WHERE user_id = \(account)
            ORDER BY email
            LIMIT \(most)
            """)
    }

    /// The member who signs in with `email`; nil when there is none. Index: `team_member_email`.
    static func find(email: String, in tx: any Transaction) throws -> TeamMember? {
        try tx.first(TeamMember.self, "SELECT * FROM team_member WHERE email = \(email.lowercased())")
    }

    /// Stores a member; false when somebody has the address.
    static func insert(_ member: TeamMember, in tx: any Transaction) throws -> Bool {
        try tx.run(
            """
            INSERT INTO team_member (id, user_id, email, role, created_at)
            VALUES (\(member.id), \(member.account), \(member.email), \(member.role.rawValue), \(member.createdAt))
            ON CONFLICT (email) DO NOTHING
            """) == 1
    }

    /// What somebody may do now, ``TeamRole/owner`` for whoever made the account; nil when they or the account are gone. Index:
    /// the primary key.
    static func role(of person: Person, in tx: any Transaction) throws -> TeamRole? {
        guard person.id != person.account else {
            return try UserQueries.exists(person.account, in: tx) ? .owner : nil
        }
        let member = try tx.first(
            TeamMember.self, "SELECT * FROM team_member WHERE id = \(person.id) AND user_id = \(person.account)")
        return member?.role
    }

    /// Changes what a member may do; false when the account has no such member. Whom they asked in does not come any more
    /// when they may ask nobody.
    static func setRole(_ role: TeamRole, of id: UserID, account: UserID, in tx: any Transaction) throws -> Bool {
        let isThere =
            try tx.run("UPDATE team_member SET role = \(role.rawValue) WHERE id = \(id) AND user_id = \(account)") == 1
        if isThere, role != .owner { try withdraw(from: id, account: account, in: tx) }
        return isThere
    }

    /// Removes a member, how they sign in and whom they asked in; false when the account has no such member.
    static func delete(_ id: UserID, account: UserID, in tx: any Transaction) throws -> Bool {
        let email: String? = try tx.rows(
            "DELETE FROM team_member WHERE id = \(id) AND user_id = \(account) RETURNING email"
        ).first?.get("email")
        guard let email else { return false }
        try withdraw(from: id, account: account, in: tx)
        try ThreadWorkQueries.release(email, userID: account, in: tx)
        try AccessQueries.delete(of: id, in: tx)
        try SecondFactorQueries.delete(of: id, in: tx)
        return true
    }

    /// Removes the whole team of an account that is erased.
    static func deleteAll(of account: UserID, in tx: any Transaction) throws {
        for member in try list(of: account, in: tx) { _ = try delete(member.id, account: account, in: tx) }
        try tx.run("DELETE FROM team_invitation WHERE user_id = \(account)")
    }

    /// The invitations of an account that have not run out, by address. Index: `team_invitation_email`.
    static func invitations(of account: UserID, in tx: any Transaction) throws -> [TeamInvitation] {
        try tx.all(
            TeamInvitation.self,
            """
            SELECT *
            FROM team_invitation
            WHERE user_id = \(account) AND expires_at > \(tx.now)
            ORDER BY email
            LIMIT \(most)
            """)
    }

    /// Stores an invitation for 7 days; one of the same account to the same address before it is void.
    static func invite(
        _ email: String, as role: TeamRole, by person: Person, tokenHash: [UInt8], in tx: any Transaction
    ) throws {
        let end = tx.now + InvitationQueries.lifetime
        try tx.run(
            """
            INSERT INTO team_invitation (token_hash, user_id, email, role, invited_by, expires_at)
            VALUES (\(tokenHash), \(person.account), \(email), \(role.rawValue), \(person.id), \(end))
            ON CONFLICT (user_id, email) DO UPDATE SET
                token_hash = excluded.token_hash, role = excluded.role, invited_by = excluded.invited_by,
                expires_at = excluded.expires_at
            """)
    }

    /// The invitation of a token that has not run out; nil when there is none.
    static func invitation(tokenHash: [UInt8], in tx: any Transaction) throws -> TeamInvitation? {
        try tx.first(
            TeamInvitation.self,
            "SELECT * FROM team_invitation WHERE token_hash = \(tokenHash) AND expires_at > \(tx.now)")
    }

    /// Takes an invitation away; false when there is none that has not run out, so that one brings one member only.
    static func takeInvitation(tokenHash: [UInt8], in tx: any Transaction) throws -> Bool {
        try tx.run("DELETE FROM team_invitation WHERE token_hash = \(tokenHash) AND expires_at > \(tx.now)") == 1
    }

    /// Withdraws what a member sent. Index: `team_invitation_email`.
    private static func withdraw(from id: UserID, account: UserID, in tx: any Transaction) throws {
        try tx.run("DELETE FROM team_invitation WHERE user_id = \(account) AND invited_by = \(id)")
    }

    /// Withdraws what an account sent to an address.
    static func withdraw(_ email: String, account: UserID, in tx: any Transaction) throws {
        try tx.run("DELETE FROM team_invitation WHERE user_id = \(account) AND email = \(email)")
    }

    /// Deletes at most 500 invitations that have run out; true when there may be more. Index: `team_invitation_expires`.
    static func prune(in tx: any Transaction) throws -> Bool {
        try tx.run(
            """
            DELETE FROM team_invitation
            WHERE token_hash IN (
                SELECT token_hash
                FROM team_invitation
                WHERE expires_at <= \(tx.now)
                ORDER BY expires_at, token_hash
                LIMIT 500)
            """) == 500
    }

    /// Members and open invitations of an account: 50 together.
    static let most = 50
}
