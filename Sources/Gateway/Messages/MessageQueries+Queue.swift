import Delivery
import Storage
import Timestamps

/// The queue of a phone: see ``MessagePlanner``.
extension MessageQueries {
    /// A message's place in the queue of its phone.
    struct Place: Sendable, RowDecodable {
        let id: MessageID
        let turn: Int64

        init(id: MessageID, turn: Int64) {
            self.id = id
            self.turn = turn
        }

        init(row: Row) throws {
            id = try row.get("id")
            turn = try row.get("turn")
        }
    }

    /// The first `limit` places. Index: `message_queue`, which holds all that is asked.
    static func places(of phone: Phone, limit: Int, in tx: any Transaction) throws -> [Place] {
        try tx.all(
            Place.self,
            """
            SELECT id, turn
            FROM message
            WHERE user_id = \(phone.userID) AND owner = \(phone.phoneNumber) AND turn IS NOT NULL
                AND planned_at IS NOT NULL
            ORDER BY turn, id
            LIMIT \(limit)
            """)
    }

    /// The first `limit` messages, as rows, locked; without those that another transaction holds. Index: `message_queue`.
    static func head(of phone: Phone, limit: Int, in tx: any Transaction) throws -> [Row] {
        try tx.rows(
            """
            SELECT *, \(contentBytes) AS byte_count
            FROM message
            WHERE user_id = \(phone.userID) AND owner = \(phone.phoneNumber) AND turn IS NOT NULL
                AND planned_at IS NOT NULL
            ORDER BY turn, id
            LIMIT \(limit)
            \(.forUpdateSkipLocked)
            """)
    }

    /// Whether nothing waits. Index: `message_queue`.
    static func isQueueEmpty(of phone: Phone, in tx: any Transaction) throws -> Bool {
        try places(of: phone, limit: 1, in: tx).isEmpty
    }

    /// The turn of the last message of a lane, which is a batch, or nil for single messages; nil when none of it waits. Index:
    /// `message_lane`.
    static func lastTurn(ofLane batch: String?, of phone: Phone, in tx: any Transaction) throws -> Int64? {
        let lane: SQL = batch.map { "batch = \($0)" } ?? "batch IS NULL"
        return try tx.value(
            """
            SELECT MAX(turn) AS value
            FROM message
            WHERE user_id = \(phone.userID) AND owner = \(phone.phoneNumber) AND \(lane) AND turn IS NOT NULL
                AND planned_at IS NOT NULL
            """)
    }

    /// The time that was forecast for the last message of the queue. Index: `message_queue`.
    static func lastPlanned(of phone: Phone, in tx: any Transaction) throws -> Timestamp? {
        try tx.value(
            """
            SELECT planned_at AS value
            FROM message
            WHERE user_id = \(phone.userID) AND owner = \(phone.phoneNumber) AND turn IS NOT NULL
                AND planned_at IS NOT NULL
            ORDER BY turn DESC, id DESC
            LIMIT 1
            """)
    }

    /// Puts the next attempt of a message into the queue.
    static func queue(_ id: MessageID, turn: Int64, plannedAt time: Timestamp, in tx: any Transaction) throws {
        try tx.run("UPDATE message SET planned_at = \(time), turn = \(turn), paced = 1 WHERE id = \(id)")
    }

    /// Has what waits for a phone that is gone end at the times that were forecast for it.
    static func leaveQueue(of phone: Phone, in tx: any Transaction) throws {
        try tx.run(
            """
            UPDATE message
            SET turn = NULL
            WHERE user_id = \(phone.userID) AND owner = \(phone.phoneNumber) AND turn IS NOT NULL
                AND planned_at IS NOT NULL
            """)
    }
}
