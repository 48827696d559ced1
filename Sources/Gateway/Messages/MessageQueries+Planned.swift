import Delivery
import Storage
import Timestamps

/// Messages that wait for a time of their own, and can be changed until then.
extension MessageQueries {
    /// Those of `userID` from `owner`, nil for all phones, the next one first. Index: `message_planned_for`.
    package static func planned(
        of userID: UserID, owner: String?, page: Page, in tx: any Transaction
    ) throws -> [Message] {
        let ofOwner: SQL = owner.map { "AND owner = \($0)" } ?? ""
        return try tx.all(
            Message.self,
            """
            SELECT *
            FROM message
            WHERE user_id = \(userID) AND scheduled_send_time IS NOT NULL AND planned_at IS NOT NULL
                AND send_attempt_count = 0 \(ofOwner)
            ORDER BY planned_at, id
            LIMIT \(page.limit) OFFSET \(page.skip)
            """)
    }

    /// How many there are, of all phones, at most 1,000. Index: `message_planned_for`.
    package static func plannedCount(of userID: UserID, in tx: any Transaction) throws -> Int {
        try tx.value(
            """
            SELECT COUNT(*) AS value
            FROM (
                SELECT send_attempt_count
                FROM message
                WHERE user_id = \(userID) AND scheduled_send_time IS NOT NULL AND planned_at IS NOT NULL
                LIMIT 1000) AS planned
            WHERE send_attempt_count = 0
            """) ?? 0
    }

    /// Stores another text or time of a planned message; false when it was handed out meanwhile.
    static func plan(_ message: Message, in tx: any Transaction) throws -> Bool {
        let changed = try tx.run(
            """
            UPDATE message
            SET content = \(message.content), scheduled_send_time = \(message.scheduledSendTime),
                planned_at = \(message.plannedAt), order_timestamp = \(message.orderTimestamp),
                event_count = \(message.eventCount), search_text = \(SearchText.of(message)), updated_at = \(tx.now)
            WHERE id = \(message.id) AND status = \(MessageStatus.pending) AND planned_at IS NOT NULL
                AND send_attempt_count = 0
            """)
        guard changed == 1 else { return false }
        try tx.run(SearchIndexQueries.add(message))
        try MessageThreadQueries.follow(message, isNew: false, in: tx)
        tx.wake(.messages)
        return true
    }
}
