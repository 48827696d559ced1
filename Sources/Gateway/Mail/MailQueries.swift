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
            ])
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

    /// Takes the mail that is due longest, which nobody else takes for the time that an attempt may last; nil when none is due. Index:
    /// `mail_due`.
    static func take(in tx: any Transaction) throws -> (mail: Mail, attempt: Int, createdAt: Timestamp)? {
        let row = try tx.rows(
            """
            SELECT *
            FROM mail
            WHERE due_at <= \(tx.now)
            ORDER BY due_at, id
            LIMIT 1
            \(.forUpdateSkipLocked)
            """
        ).first
        guard let row else { return nil }
        let mail = Mail(
            id: try row.get("id"), recipient: try row.get("recipient"), subject: try row.get("subject"),
            body: try row.get("body"))
        let attempt: Int = try row.get("attempt")
        try tx.run(
            "UPDATE mail SET due_at = \(tx.now + .seconds(300)), attempt = attempt + 1 WHERE id = \(mail.id)")
        return (mail, attempt.clampedAdding(1), try row.get("created_at"))
    }

    static func delete(_ id: MailID, in tx: any Transaction) throws {
        try tx.run("DELETE FROM mail WHERE id = \(id)")
    }

    static func postpone(_ id: MailID, until time: Timestamp, in tx: any Transaction) throws {
        try tx.run("UPDATE mail SET due_at = \(time) WHERE id = \(id)")
    }
}
