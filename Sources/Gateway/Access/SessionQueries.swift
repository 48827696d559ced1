import Delivery
import Storage
import Timestamps

/// Reads and writes sessions.
package enum SessionQueries {
    /// The session of a token that is neither unused for ``lifetime`` nor older than ``longest``; nil when there is none.
    static func find(tokenHash: [UInt8], in tx: any Transaction) throws -> Session? {
        let row = try tx.rows(
            """
            SELECT s.*, u.email, u.timezone
            FROM session s
            JOIN users u ON u.id = s.user_id
            WHERE s.token_hash = \(tokenHash) AND s.expires_at > \(tx.now) AND s.created_at > \(tx.now - longest)
            """
        ).first
        return try row.map { row in
            let userID: UserID = try row.get("user_id")
            return try session(row, isOwner: FirstRunQueries.isOwner(userID, in: tx))
        }
    }

    /// The sessions of a user that have not run out, at most 200, those in use first. Index: `session_of_user`.
    package static func list(of userID: UserID, in tx: any Transaction) throws -> [Session] {
        try tx.rows(
            """
            SELECT s.*, u.email, u.timezone
            FROM session s
            JOIN users u ON u.id = s.user_id
            WHERE s.user_id = \(userID) AND s.expires_at > \(tx.now) AND s.created_at > \(tx.now - longest)
            ORDER BY s.last_seen_at DESC, s.token_hash
            LIMIT 200
            """
        ).map { try session($0, isOwner: false) }
    }

    private static func session(_ row: Row, isOwner: Bool) throws -> Session {
        Session(
            tokenHash: try row.get("token_hash"), userID: try row.get("user_id"), email: try row.get("email"),
            timezone: try row.get("timezone"), formToken: try row.get("form_token"),
            createdAt: try row.get("created_at"),
            lastSeenAt: try row.get("last_seen_at"), address: try row.get("address"), agent: try row.get("agent"),
            isOwner: isOwner)
    }

    static func insert(_ session: Session, in tx: any Transaction) throws {
        try tx.run(
            """
            INSERT INTO session (
                token_hash, user_id, form_token, created_at, last_seen_at, expires_at, address, agent)
            VALUES (
                \(session.tokenHash), \(session.userID), \(session.formToken), \(session.createdAt),
                \(session.lastSeenAt), \(session.createdAt + lifetime), \(session.address), \(session.agent))
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

    /// Ends every session of a user. Index: `session_of_user`.
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
