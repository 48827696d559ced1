import Delivery
import Storage
import Timestamps

/// Reads and writes passwords, and counts attempts to sign in.
enum AccessQueries {
    /// An account as far as signing in needs it.
    struct Account: Sendable {
        let id: UserID
        let apiKeyHash: [UInt8]
        /// Nil when no password was ever set.
        let passwordHash: String?
    }

    /// The account of an e-mail address, whatever the case of its letters; nil when there is none. Where two were made
    /// that differ in case, before that counted as the same, each is found by its own spelling. Index: `users_email_folded`.
    static func account(email: String, in tx: any Transaction) throws -> Account? {
        let row = try tx.rows(
            """
            SELECT u.id, u.api_key_hash, p.password_hash
            FROM users u
            LEFT JOIN user_password p ON p.user_id = u.id
            WHERE LOWER(u.email) = \(email.lowercased())
            ORDER BY CASE WHEN u.email = \(email) THEN 0 ELSE 1 END, u.id
            LIMIT 1
            """
        ).first
        return try row.map { row in
            Account(
                id: try row.get("id"), apiKeyHash: try row.get("api_key_hash"),
                passwordHash: try row.find("password_hash"))
        }
    }

    /// What is stored of a user's password; nil when none was ever set.
    static func passwordHash(of userID: UserID, in tx: any Transaction) throws -> String? {
        try tx.value("SELECT password_hash AS value FROM user_password WHERE user_id = \(userID)")
    }

    /// Stores a password where there is none; false when there is one.
    static func insertPassword(_ hash: String, of userID: UserID, in tx: any Transaction) throws -> Bool {
        try tx.run(
            """
            INSERT INTO user_password (user_id, password_hash, changed_at)
            VALUES (\(userID), \(hash), \(tx.now))
            ON CONFLICT (user_id) DO NOTHING
            """) == 1
    }

    /// Stores a password in place of `old`; false when another was set meanwhile.
    static func replacePassword(
        _ old: String, by hash: String, of userID: UserID, in tx: any Transaction
    ) throws -> Bool {
        try tx.run(
            """
            UPDATE user_password
            SET password_hash = \(hash), changed_at = \(tx.now)
            WHERE user_id = \(userID) AND password_hash = \(old)
            """) == 1
    }

    /// Forgets how somebody signs in.
    static func delete(of userID: UserID, in tx: any Transaction) throws {
        try SessionQueries.deleteAll(of: userID, in: tx)
        try tx.run("DELETE FROM user_password WHERE user_id = \(userID)")
    }

    /// Counts one more attempt for `subject` and gives how many there were within the last 15 minutes.
    static func countAttempt(of subject: [UInt8], in tx: any Transaction) throws -> Int64 {
        try tx.rows(
            """
            INSERT INTO sign_in_attempt (subject, started_at, attempts)
            VALUES (\(subject), \(tx.now), 1)
            ON CONFLICT (subject) DO UPDATE SET
                attempts = CASE WHEN sign_in_attempt.started_at <= \(tx.now - window) THEN 1
                    ELSE sign_in_attempt.attempts + 1 END,
                started_at = CASE WHEN sign_in_attempt.started_at <= \(tx.now - window) THEN excluded.started_at
                    ELSE sign_in_attempt.started_at END
            RETURNING attempts
            """
        ).first?.get("attempts") ?? 0
    }

    /// Forgets the attempts of `subject`.
    static func forgetAttempts(of subject: [UInt8], in tx: any Transaction) throws {
        try tx.run("DELETE FROM sign_in_attempt WHERE subject = \(subject)")
    }

    /// Deletes at most 500 counts that mean nothing any more; true when there may be more. Index:
    /// `sign_in_attempt_started`.
    static func prune(in tx: any Transaction) throws -> Bool {
        try tx.run(
            """
            DELETE FROM sign_in_attempt
            WHERE subject IN (
                SELECT subject
                FROM sign_in_attempt
                WHERE started_at <= \(tx.now - window)
                ORDER BY started_at, subject
                LIMIT 500)
            """) == 500
    }

    /// What attempts are counted over.
    private static let window: Duration = .seconds(900)
}
