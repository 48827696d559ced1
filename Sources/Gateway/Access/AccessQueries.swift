import Delivery
import Storage
import Timestamps

/// Reads and writes passwords, and counts attempts to sign in.
enum AccessQueries {
    /// Somebody as far as signing in needs them.
    struct Account: Sendable {
        let person: Person
        /// The address as it is stored: letters go there, and never to what somebody typed.
        let email: String
        /// Nil for a member, who has no key.
        let apiKeyHash: [UInt8]?
        /// Nil when no password was ever set.
        let passwordHash: String?
    }

    /// Who signs in with an e-mail address, whatever the case of its letters: whoever made an account, or else a member of
    /// one; nil when nobody does. Where two accounts were made that differ in case, before that counted as the same, each
    /// is found by its own spelling. Index: `users_email_folded`.
    static func account(email: String, in tx: any Transaction) throws -> Account? {
        let row = try tx.rows(
            """
            SELECT u.id, u.email, u.api_key_hash, p.password_hash
            FROM users u
            LEFT JOIN user_password p ON p.user_id = u.id
            WHERE LOWER(u.email) = \(email.lowercased())
            ORDER BY CASE WHEN u.email = \(email) THEN 0 ELSE 1 END, u.id
            LIMIT 1
            """
        ).first
        if let row {
            return Account(
                person: Person(try row.get("id")), email: try row.get("email"), apiKeyHash: try row.get("api_key_hash"),
                passwordHash: try row.find("password_hash"))
        }
        return try TeamQueries.find(email: email, in: tx).map { member in
            Account(
                person: Person(member), email: member.email, apiKeyHash: nil,
                passwordHash: try passwordHash(of: member.id, in: tx))
        }
    }

    /// Has one transaction after the other let somebody begin to sign in with `email`: addresses are in two tables, which no
    /// constraint spans. Whoever is about to store one locks it first of all, and looks with ``account(email:in:)`` then.
    static func lock(email: String, in tx: any Transaction) throws {
        _ = try tx.rows("SELECT \(.nameLock) \(email.lowercased()) \(.ofName) AS value")
    }

    /// What is stored of somebody's password; nil when none was ever set.
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

    /// Ends all sessions of somebody, and forgets their browsers.
    static func signOut(_ userID: UserID, in tx: any Transaction) throws {
        try SessionQueries.deleteAll(of: userID, in: tx)
        try KnownBrowserQueries.deleteAll(of: userID, in: tx)
    }

    /// Forgets how somebody signs in.
    static func delete(of userID: UserID, in tx: any Transaction) throws {
        try signOut(userID, in: tx)
        try tx.run("DELETE FROM user_password WHERE user_id = \(userID)")
    }

    /// Counts one more attempt and gives its number within 15 minutes; nil when there were as many as `bound` allows, which
    /// leaves the count as it was.
    ///
    /// A count from the future is one from before the clock was set back. It holds for at most another 15 minutes, as the
    /// clocks of nodes differ a little; one that is further away begins again.
    static func countAttempt(_ bound: SignInBound, in tx: any Transaction) throws -> Int64? {
        let (now, from, to) = (tx.now, tx.now - window, tx.now + window)
        let number: Int64? = try tx.rows(
            """
            INSERT INTO sign_in_attempt (subject, started_at, attempts)
            VALUES (\(bound.digest), \(now), 1)
            ON CONFLICT (subject) DO UPDATE SET
                attempts = CASE
                    WHEN sign_in_attempt.started_at > \(from) AND sign_in_attempt.started_at < \(to)
                    THEN sign_in_attempt.attempts + 1 ELSE 1 END,
                started_at = CASE
                    WHEN sign_in_attempt.started_at > \(from) AND sign_in_attempt.started_at < \(to)
                    THEN sign_in_attempt.started_at ELSE excluded.started_at END
            WHERE sign_in_attempt.started_at <= \(from) OR sign_in_attempt.started_at >= \(to)
                OR sign_in_attempt.attempts < \(bound.limit)
            RETURNING attempts
            """
        ).first?.get("attempts")
        // A look at so many rows is made at one new count in 256; digests cannot be chosen to avoid it for long.
        if number == 1, bound.digest.first == 0 { try forgetOldest(in: tx) }
        return number
    }

    /// Forgets the oldest counts above ``countsKept``, at most 5,000. Index: `sign_in_attempt_started`.
    static func forgetOldest(in tx: any Transaction) throws {
        try tx.run(
            """
            DELETE FROM sign_in_attempt
            WHERE subject IN (
                SELECT subject
                FROM sign_in_attempt
                ORDER BY started_at DESC, subject
                LIMIT 5000 OFFSET \(countsKept))
            """)
    }

    /// Forgets the attempts that `bound` counts.
    static func forgetAttempts(_ bound: SignInBound, in tx: any Transaction) throws {
        try tx.run("DELETE FROM sign_in_attempt WHERE subject = \(bound.digest)")
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

    /// What attempts are counted over: 15 minutes.
    private static let window: Duration = .seconds(900)

    /// 50,000 counts are some 5 MB. Whoever makes more has tens of thousands of networks, and brings the oldest counts to an
    /// end early.
    private static let countsKept = 50_000
}
