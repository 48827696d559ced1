import Delivery
import Storage
import Timestamps

/// Reads and writes sessions.
package enum SessionQueries {
    /// The session of a token that is neither unused for ``lifetime`` nor older than ``longest``; nil when there is none.
    static func find(tokenHash: [UInt8], in tx: any Transaction) throws -> Session? {
        let row = try tx.rows(
            """
            SELECT s.*, \(person)
            FROM session s
            LEFT JOIN team_member m ON m.id = s.user_id
            JOIN users u ON u.id = COALESCE(m.user_id, s.user_id)
            WHERE s.token_hash = \(tokenHash) AND s.expires_at > \(tx.now) AND s.created_at > \(tx.now - longest)
            """
        ).first
        return try row.map { row in
            let account: UserID = try row.get("account")
            return try session(row, ownsServer: FirstRunQueries.isOwner(account, in: tx))
        }
    }

    /// The sessions of somebody that have not run out, at most 200, those in use first. Index: `session_of_user`.
    package static func list(of userID: UserID, in tx: any Transaction) throws -> [Session] {
        try tx.rows(
            """
            SELECT s.*, \(person)
            FROM session s
            LEFT JOIN team_member m ON m.id = s.user_id
            JOIN users u ON u.id = COALESCE(m.user_id, s.user_id)
            WHERE s.user_id = \(userID) AND s.expires_at > \(tx.now) AND s.created_at > \(tx.now - longest)
            ORDER BY s.last_seen_at DESC, s.token_hash
            LIMIT 200
            """
        ).map { try session($0, ownsServer: false) }
    }

    /// Whose session it is, and what they see: of an account `u`, and of a member `m` of it.
    private static let person: SQL =
        "u.id AS account, u.email AS account_email, u.timezone, m.email AS member_email, m.role"

    private static func session(_ row: Row, ownsServer: Bool) throws -> Session {
        let memberEmail: String? = try row.find("member_email")
        let role = try memberEmail == nil ? .owner : TeamRole(row: row)
        return Session(
            tokenHash: try row.get("token_hash"),
            person: Person(id: try row.get("user_id"), account: try row.get("account"), memberEmail: memberEmail),
            role: role, email: try memberEmail ?? row.get("account_email"), timezone: try row.get("timezone"),
            formToken: try row.get("form_token"), createdAt: try row.get("created_at"),
            lastSeenAt: try row.get("last_seen_at"), address: try row.get("address"), agent: try row.get("agent"),
            isOwner: ownsServer && role == .owner)
    }

    /// Stores a session that begins.
    static func insert(
        tokenHash: [UInt8], formToken: String, of personID: UserID, _ visitor: Visitor, in tx: any Transaction
    ) throws {
        try tx.run(
            """
            INSERT INTO session (
                token_hash, user_id, form_token, created_at, last_seen_at, expires_at, address, agent)
            VALUES (
                \(tokenHash), \(personID), \(formToken), \(tx.now), \(tx.now), \(tx.now + lifetime),
                \(visitor.address), \(visitor.agent))
            """)
    }

    /// Notes that the session is in use, and lets it last for another ``lifetime``.
    static func touch(tokenHash: [UInt8], in tx: any Transaction) throws {
        try tx.run(
            """
            UPDATE session
            SET last_seen_at = \(tx.now), expires_at = \(tx.now + lifetime)
            WHERE token_hash = \(tokenHash)
            """)
    }

    /// Ends a session; nothing happens when there is none.
    package static func delete(tokenHash: [UInt8], in tx: any Transaction) throws {
        try tx.run("DELETE FROM session WHERE token_hash = \(tokenHash)")
        wakeStreams(in: tx)
    }

    /// Ends every session of somebody. Index: `session_of_user`.
    static func deleteAll(of userID: UserID, in tx: any Transaction) throws {
        try tx.run("DELETE FROM session WHERE user_id = \(userID)")
        wakeStreams(in: tx)
    }

    /// Has open pages look at once whether their session is still there.
    private static func wakeStreams(in tx: any Transaction) {
        tx.wake(.events)
    }

    /// Deletes at most 500 sessions that have run out; true when there may be more. Index: `session_expires`.
    static func prune(in tx: any Transaction) throws -> Bool {
        try tx.run(
            """
            DELETE FROM session
            WHERE token_hash IN (
                SELECT token_hash
                FROM session
                WHERE expires_at <= \(tx.now)
                ORDER BY expires_at, token_hash
                LIMIT 500)
            """) == 500
    }

    /// How long a session lasts that is not used.
    static let lifetime: Duration = .seconds(30 * 86_400)

    /// How long a session lasts that is used every day: 90 days. A stolen cookie can also be used every day.
    static let longest: Duration = .seconds(90 * 86_400)
}
