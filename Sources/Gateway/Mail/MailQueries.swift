import Delivery
import Storage
import Timestamps

/// `mail`: e-mail that was not handed in yet.
enum MailQueries {
    static let migrations: [Migration] = [
        Migration(
            "mail-1",
            [
                """
                CREATE TABLE mail (
                    id \(.text) PRIMARY KEY,
                    user_id \(.text) NOT NULL,
                    recipient \(.text) NOT NULL,
                    subject \(.text) NOT NULL,
                    body \(.text) NOT NULL,
                    attempt \(.int64) NOT NULL,
                    due_at \(.int64) NOT NULL,
                    created_at \(.int64) NOT NULL
                ) \(.strict)
                """,
                "CREATE INDEX mail_due ON mail (due_at, id)",
                "CREATE INDEX mail_user ON mail (user_id, id)",
            ]),
        // One that answers whose turn it is from its own entries.
        Migration(
            "mail-2", ["DROP INDEX mail_due", "DROP INDEX mail_user"],
            indexes: [TableIndex("mail_turn", on: "mail", "(user_id, due_at, attempt)")]),
    ]

    /// Hands an e-mail to ``MailSender``; one too many is dropped, as 200 tell no more than the first.
    static func insert(_ mail: Mail, userID: UserID, in tx: any Transaction) throws {
        let waiting: Int =
            try tx.value("SELECT COUNT(*) AS value FROM mail WHERE user_id = \(userID)") ?? 0
        guard waiting < 200, Mail.isAddress(mail.recipient) else { return }
        try tx.run(
            """
            INSERT INTO mail (id, user_id, recipient, subject, body, attempt, due_at, created_at)
            VALUES (
                \(mail.id), \(userID), \(mail.recipient), \(mail.subject), \(mail.body), 0, \(tx.now), \(tx.now))
            """)
        tx.wake(.mails)
    }

    /// Mail that was taken to be handed in.
    struct Taken: Sendable {
        let mail: Mail
        let userID: UserID
        /// From 1.
        let attempt: Int
        let createdAt: Timestamp
    }

    /// The accounts that have mail that is due, those with mail that was never tried first, then those that wait for longest, at
    /// most 500. Index: `mail_turn`, by a loose scan: it steps from account to account, of which each has 200 entries at most.
    static func usersWithDue(in tx: any Transaction) throws -> (fresh: [UserID], tried: [UserID]) {
        let heads: [(userID: UserID, isFresh: Bool)] = try tx.rows(
            """
            WITH RECURSIVE waiting (user_id) AS (
                SELECT MIN(user_id) FROM mail
                UNION ALL
                SELECT (SELECT MIN(m.user_id) FROM mail m WHERE m.user_id > waiting.user_id)
                FROM waiting
                WHERE waiting.user_id IS NOT NULL
            )
            SELECT user_id, due_at, fresh_at
            FROM (
                SELECT w.user_id,
                    (SELECT MIN(due_at) FROM mail WHERE user_id = w.user_id) AS due_at,
                    (SELECT MIN(due_at) FROM mail WHERE user_id = w.user_id AND attempt <= 0) AS fresh_at
                FROM waiting w
                WHERE w.user_id IS NOT NULL) AS heads
            WHERE due_at <= \(tx.now)
            ORDER BY CASE WHEN fresh_at <= \(tx.now) THEN 0 ELSE 1 END, due_at, user_id
            LIMIT 500
            """
        ).map { row in
            let freshAt = try row.find("fresh_at", as: Timestamp.self)
            return (userID: try row.get("user_id"), isFresh: freshAt.map { $0 <= tx.now } ?? false)
        }
        return (heads.filter { $0.isFresh }.map { $0.userID }, heads.filter { !$0.isFresh }.map { $0.userID })
    }

    /// Takes the mail of an account that is due longest, which nobody else takes for the time that an attempt may last; nil when
    /// none is due. What was never tried goes first. Of the first ten, those that cannot be read wait an hour, so that they keep no
    /// other back. Index: `mail_turn`.
    static func take(of userID: UserID, in tx: any Transaction) throws -> Taken? {
        let due = try tx.rows(
            """
            SELECT *
            FROM mail
            WHERE user_id = \(userID) AND due_at <= \(tx.now)
            ORDER BY CASE WHEN attempt <= 0 THEN 0 ELSE 1 END, due_at, id
            LIMIT 10
            \(.forUpdateSkipLocked)
            """)
        for row in due {
            var taken: Taken?
            try tx.each([row]) { row in
                let mail = Mail(
                    id: try row.get("id"), recipient: try row.get("recipient"), subject: try row.get("subject"),
                    body: try row.get("body"))
                let attempt = max(try row.get("attempt", as: Int.self), 0).clampedAdding(1)
                let createdAt: Timestamp = try row.get("created_at")
                try tx.run(
                    "UPDATE mail SET due_at = \(tx.now + .seconds(300)), attempt = \(attempt) WHERE id = \(mail.id)")
                taken = Taken(mail: mail, userID: userID, attempt: attempt, createdAt: createdAt)
            } passOver: { row, error in
                let id: String = try row.get("id")
                try tx.run("UPDATE mail SET due_at = \(tx.now + UnreadableRows.pause) WHERE id = \(id)")
                tx.unreadable.note("mail", id, error, in: tx)
            }
            if let taken { return taken }
        }
        return nil
    }

    static func delete(_ id: MailID, in tx: any Transaction) throws {
        try tx.run("DELETE FROM mail WHERE id = \(id)")
    }

    static func postpone(_ id: MailID, until time: Timestamp, in tx: any Transaction) throws {
        try tx.run("UPDATE mail SET due_at = \(time) WHERE id = \(id)")
    }
}
