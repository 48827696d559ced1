import Delivery
import Storage
import Timestamps

/// Reads and writes uploads. Their messages carry `request_id` as `batch`, which is their lane in the queue of a phone.
package enum BulkMessageQueries {
    /// Stores an upload under the first free id at `time` or after, and gives that.
    static func insert(
        fileName: String, digest: String, leftOut: [LeftOutRow] = [], userID: UserID, at time: Timestamp,
        in tx: any Transaction
    ) throws -> String {
        var moment = time
        while true {
            let id = BulkMessage.requestID(fileName: fileName, at: moment)
            let inserted = try tx.run(
                """
                INSERT INTO bulk_message (user_id, request_id, created_at, digest, left_out)
                VALUES (\(userID), \(id), \(tx.now), \(digest), \(LeftOutRow.text(of: leftOut)))
                ON CONFLICT (user_id, request_id) DO NOTHING
                """)
            if inserted == 1 { return id }
            moment = moment + .milliseconds(1)
        }
    }

    /// The last ten uploads that have messages left, newest first. Indexes: `bulk_message_user`, `message_batch`.
    package static func latest(userID: UserID, in tx: any Transaction) throws -> [BulkMessage] {
        let rows = try tx.rows(
            """
            SELECT *
            FROM bulk_message b
            WHERE user_id = \(userID) AND (
                cancelled > 0
                OR EXISTS (SELECT 1 FROM message WHERE user_id = \(userID) AND batch = b.request_id))
            ORDER BY created_at DESC, request_id DESC
            LIMIT 10
            """)
        return try rows.map { try upload($0, userID: userID, in: tx) }
    }

    /// The upload `requestID` of `userID`; nil when there is none.
    package static func find(_ requestID: String, userID: UserID, in tx: any Transaction) throws -> BulkMessage? {
        let row = try tx.rows("SELECT * FROM bulk_message WHERE user_id = \(userID) AND request_id = \(requestID)")
            .first
        return try row.map { try upload($0, userID: userID, in: tx) }
    }

    /// The last upload that asked for the same; nil when there was none. Index: `bulk_message_digest`.
    static func find(digest: String, userID: UserID, in tx: any Transaction) throws -> BulkMessage? {
        let row = try tx.rows(
            """
            SELECT *
            FROM bulk_message
            WHERE user_id = \(userID) AND digest = \(digest)
            ORDER BY created_at DESC, request_id DESC
            LIMIT 1
            """
        ).first
        return try row.map { try upload($0, userID: userID, in: tx) }
    }

    /// Counts the messages of an upload. Index: `message_batch`.
    private static func upload(_ row: Row, userID: UserID, in tx: any Transaction) throws -> BulkMessage {
        let requestID: String = try row.get("request_id")
        let counts: [(MessageStatus, Int)] = try tx.all(
            """
            SELECT status, COUNT(*) AS total
            FROM message
            WHERE user_id = \(userID) AND batch = \(requestID)
            GROUP BY status
            """
        ) { (try $0.get("status"), try $0.get("total")) }
        var batch = BulkMessage(
            requestID: requestID, createdAt: try row.get("created_at"),
            counts: Dictionary(counts, uniquingKeysWith: { $1 }))
        batch.isPaused = try row.get("paused")
        batch.startsAt = try row.find("starts_at")
        batch.cancelled = try row.get("cancelled")
        batch.leftOut = LeftOutRow.rows(try row.get("left_out"))
        batch.lastAt = try tx.value(
            """
            SELECT MAX(planned_at) AS value
            FROM message
            WHERE user_id = \(userID) AND batch = \(requestID) AND status = \(MessageStatus.pending)
            """)
        return batch
    }

    /// The messages of an upload in the order of its rows, of one status where that is not nil. Index: `message_batch`.
    package static func messages(
        of requestID: String, status: MessageStatus?, userID: UserID, page: Page, in tx: any Transaction
    ) throws -> [Message] {
        let filter: SQL = status.map { "AND status = \($0)" } ?? ""
        return try tx.all(
            Message.self,
            """
            SELECT *
            FROM message
            WHERE user_id = \(userID) AND batch = \(requestID) \(filter)
            ORDER BY id
            LIMIT \(page.limit) OFFSET \(page.skip)
            """)
    }

    /// The messages of an upload that failed or expired, in the order of its rows, but for those that somebody has dealt with.
    /// Indexes: `message_batch`, the primary key of `attention_done`.
    package static func failed(of requestID: String, userID: UserID, in tx: any Transaction) throws -> [Message] {
        try tx.all(
            Message.self,
            """
            SELECT m.*
            FROM message m
            LEFT JOIN attention_done d ON d.user_id = m.user_id AND d.subject = 'message:' || m.id
            WHERE m.user_id = \(userID) AND m.batch = \(requestID) AND m.status IN ('failed', 'expired')
                AND m.planned_at IS NULL AND d.subject IS NULL
            ORDER BY m.id
            LIMIT \(BulkSheet.maximumRows)
            """)
    }
}
