import Delivery
import Storage
import Timestamps

/// Reads and writes pushes.
package enum PushQueries {
    /// Stores a push that is due at once.
    static func insert(_ push: Push, in tx: any Transaction) throws {
        try tx.run(
            """
            INSERT INTO push (
                id, user_id, phone_id, message_id, attempt, state, lifetime, tries, due_at, created_at)
            VALUES (
                \(push.id), \(push.userID), \(push.phoneID), \(push.messageID), \(push.attempt),
                \(Push.State.waiting), \(push.lifetime), 0, \(push.createdAt), \(push.createdAt))
            """)
        tx.wake(.pushes)
    }

    /// The accounts that have a push that is due, the one that waits for longest first, at most 500. Index: `push_account`, by a
    /// loose scan: it steps from account to account.
    static func usersWithDue(in tx: any Transaction) throws -> [UserID] {
        try tx.rows(
            """
            WITH RECURSIVE waiting (user_id) AS (
                SELECT MIN(user_id) FROM push
                WHERE due_at IS NOT NULL
                UNION ALL
                SELECT (SELECT MIN(p.user_id) FROM push p
                        WHERE p.due_at IS NOT NULL AND p.user_id > waiting.user_id)
                FROM waiting
                WHERE waiting.user_id IS NOT NULL
            )
            SELECT user_id, due_at
            FROM (
                SELECT w.user_id, (
                    SELECT MIN(due_at) FROM push
                    WHERE due_at IS NOT NULL AND user_id = w.user_id) AS due_at
                FROM waiting w
                WHERE w.user_id IS NOT NULL) AS heads
            WHERE due_at <= \(tx.now)
            ORDER BY due_at, user_id
            LIMIT 500
            """
        ).map { try $0.get("user_id") }
    }

    /// At most `limit` pushes of an account that are due, as rows, longest first. Index: `push_account`.
    ///
    /// What was tried before is due once `lead` more has passed, by which the clock was set forward: it may be being sent.
    static func due(of userID: UserID, limit: Int, lead: Duration = .zero, in tx: any Transaction) throws -> [Row] {
        if limit <= 0 { return [] }
        return try tx.rows(
            """
            SELECT *
            FROM push
            WHERE user_id = \(userID) AND due_at IS NOT NULL
                AND due_at <= CASE WHEN tries = 0 THEN \(tx.now) ELSE \(tx.now - lead) END
            ORDER BY due_at, id
            LIMIT \(limit)
            \(.forUpdateSkipLocked)
            """)
    }

    /// Counts a push as tried; it is due again at `leaseEnd` should nobody say what came of it.
    static func claim(_ row: Row, until leaseEnd: Timestamp, in tx: any Transaction) throws -> Push {
        var push = try Push(row: row)
        push.tryCount = push.tryCount.clampedAdding(1)
        try tx.run("UPDATE push SET due_at = \(leaseEnd), tries = \(push.tryCount) WHERE id = \(push.id)")
        return push
    }

    /// Leaves a push alone until then.
    static func postpone(_ id: PushID, until time: Timestamp, in tx: any Transaction) throws {
        try tx.run("UPDATE push SET due_at = \(time) WHERE id = \(id)")
    }

    /// Ends a push that was tried as often as `push` says; false when another try was faster.
    @discardableResult
    static func end(
        _ push: Push, as state: Push.State, error: String? = nil, in tx: any Transaction
    ) throws -> Bool {
        try tx.run(
            """
            UPDATE push
            SET state = \(state), due_at = NULL, last_error = \(error), completed_at = \(tx.now)
            WHERE id = \(push.id) AND state = \(Push.State.waiting) AND tries = \(push.tryCount)
            """) == 1
    }

    /// Has a push tried again at `dueAt`.
    static func retry(_ push: Push, at dueAt: Timestamp, error: String, in tx: any Transaction) throws {
        try tx.run(
            """
            UPDATE push
            SET due_at = \(dueAt), last_error = \(error)
            WHERE id = \(push.id) AND state = \(Push.State.waiting) AND tries = \(push.tryCount)
            """)
        tx.wake(.pushes)
    }

    /// What came of a push so far.
    package struct Outcome: RowDecodable {
        /// The message's attempt, from 1.
        package let attempt: Int
        /// How far it got.
        package let state: Push.State
        /// When it ended; nil while it waits.
        package let completedAt: Timestamp?
        /// Of the last try; nil when that went well, or before it.
        package let lastError: String?
        /// When it is tried again; nil when it ended.
        package let dueAt: Timestamp?

        package init(row: Row) throws {
            attempt = try row.get("attempt")
            state = try row.get("state")
            completedAt = try row.find("completed_at")
            lastError = try row.find("last_error")
            dueAt = try row.find("due_at")
        }
    }

    /// What came of the pushes of a message, its first attempt first, at most 20. Index: `push_attempt`.
    package static func outcomes(of messageID: MessageID, in tx: any Transaction) throws -> [Outcome] {
        try tx.all(
            Outcome.self,
            """
            SELECT attempt, state, completed_at, last_error, due_at
            FROM push
            WHERE message_id = \(messageID)
            ORDER BY attempt
            LIMIT 20
            """)
    }

    /// When the next push is due. Index: `push_due`.
    static func nextDue(in tx: any Transaction) throws -> Timestamp? {
        try tx.value("SELECT MIN(due_at) AS value FROM push WHERE due_at IS NOT NULL")
    }

    /// Pushes again what was handed out to `phone` a minute ago or more and not fetched: it is there, and may have missed
    /// the push. At most 100 at a time. Indexes: `message_scheduled`, `push_attempt`.
    static func repeatOutstanding(of phone: Phone, in tx: any Transaction) throws {
        let changed = try tx.run(
            """
            UPDATE push
            SET state = \(Push.State.waiting), due_at = \(tx.now), completed_at = NULL
            WHERE id IN (
                SELECT p.id
                FROM message m
                JOIN push p ON p.message_id = m.id AND p.attempt = m.send_attempt_count
                WHERE m.user_id = \(phone.userID) AND m.owner = \(phone.phoneNumber) AND m.status = 'scheduled'
                    AND p.message_id IS NOT NULL AND p.state = \(Push.State.sent)
                    AND p.completed_at <= \(tx.now - .seconds(60))
                ORDER BY p.id
                LIMIT 100)
            """)
        if changed > 0 { tx.wake(.pushes) }
    }

    /// Has a phone that had no token before told of what was handed out and not fetched, at most 100. What another app of its
    /// number was told of, and did not fetch, is its own now. Indexes: `message_scheduled`, `push_attempt`.
    static func pushOutstanding(of phone: Phone, in tx: any Transaction) throws {
        let messages = try DeviceOfferQueries.outstanding(
            userID: phone.userID, owners: [phone.phoneNumber], limit: 100, in: tx)
        for message in messages {
            let lifetime = message.expiresAt.map { $0 - tx.now } ?? phone.messageExpiration
            let push = Push.message(message, to: phone, lifetime: lifetime, at: tx.now)
            try tx.run(
                """
                INSERT INTO push (
                    id, user_id, phone_id, message_id, attempt, state, lifetime, tries, due_at, created_at)
                VALUES (
                    \(push.id), \(push.userID), \(push.phoneID), \(push.messageID), \(push.attempt),
                    \(Push.State.waiting), \(push.lifetime), 0, \(push.createdAt), \(push.createdAt))
                ON CONFLICT (message_id, attempt) WHERE message_id IS NOT NULL DO UPDATE SET
                    state = excluded.state, phone_id = excluded.phone_id, due_at = excluded.due_at,
                    lifetime = excluded.lifetime, created_at = excluded.created_at, completed_at = NULL
                """)
        }
        if !messages.isEmpty { tx.wake(.pushes) }
    }

    /// Deletes at most 500 pushes older than `cutoff`; true when there may be more. Their ids carry their time, so the
    /// primary key finds them.
    static func prune(before cutoff: Timestamp, in tx: any Transaction) throws -> Bool {
        let floor = UUIDText.version7(at: cutoff, high: 0, low: 0)
        return try tx.run(
            """
            DELETE FROM push
            WHERE id IN (SELECT id FROM push WHERE id < \(floor) AND due_at IS NULL ORDER BY id LIMIT 500)
            """) == 500
    }
}
