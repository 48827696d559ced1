import Delivery
import Storage
import Timestamps

/// Reads and writes invitations, and lists accounts for the owner.
package enum InvitationQueries {
    /// Stores an invitation for 7 days; one to the same address before it is void.
    static func insert(tokenHash: [UInt8], email: String, in tx: any Transaction) throws {
        try tx.run(
            """
            INSERT INTO invitation (token_hash, email, expires_at)
            VALUES (\(tokenHash), \(email), \(tx.now + lifetime))
            ON CONFLICT (email) DO UPDATE SET
                token_hash = excluded.token_hash, expires_at = excluded.expires_at
            """)
    }

    /// The invitation of a token that has not run out; nil when there is none.
    static func find(tokenHash: [UInt8], in tx: any Transaction) throws -> Invitation? {
        try tx.first(
            Invitation.self,
            "SELECT * FROM invitation WHERE token_hash = \(tokenHash) AND expires_at > \(tx.now)")
    }

    /// Takes an invitation away; false when there is none that has not run out, so that one makes one account only.
    static func take(tokenHash: [UInt8], in tx: any Transaction) throws -> Bool {
        try tx.run("DELETE FROM invitation WHERE token_hash = \(tokenHash) AND expires_at > \(tx.now)") == 1
    }

    /// Withdraws what was sent to an address.
    package static func delete(email: String, in tx: any Transaction) throws {
        try tx.run("DELETE FROM invitation WHERE email = \(email)")
    }

    /// Invitations that have not run out, at most 200, by address. Index: `invitation_email`.
    package static func list(in tx: any Transaction) throws -> [Invitation] {
        try tx.all(
            Invitation.self,
            """
            SELECT *
            FROM invitation
            WHERE expires_at > \(tx.now)
            ORDER BY email
            LIMIT 200
            """)
    }

    /// At most `limit` accounts whose address comes after `email`, by address. Index: `users_email`.
    package static func members(after email: String, limit: Int, in tx: any Transaction) throws -> [Member] {
        try tx.all(
            Member.self,
            """
            SELECT id, email, created_at
            FROM users
            WHERE email > \(email)
            ORDER BY email
            LIMIT \(limit)
            """)
    }

    /// Deletes at most 500 invitations that have run out; true when there may be more. Index: `invitation_expires`.
    static func prune(in tx: any Transaction) throws -> Bool {
        try tx.run(
            """
            DELETE FROM invitation
            WHERE token_hash IN (
                SELECT token_hash
                FROM invitation
                WHERE expires_at <= \(tx.now)
                ORDER BY expires_at, token_hash
                LIMIT 500)
            """) == 500
    }

    /// Long enough for a holiday week, and short enough that a forgotten mail opens nothing.
    static let lifetime: Duration = .seconds(7 * 86_400)
}
