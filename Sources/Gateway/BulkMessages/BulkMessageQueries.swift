import Delivery
import Storage
import Timestamps

/// Reads and writes uploads. Their messages carry `request_id` as `batch`, which is their lane in the queue of a phone.
enum BulkMessageQueries {
    /// Stores an upload under the first free id at `time` or after, and gives that.
    static func insert(
        fileName: String, userID: UserID, at time: Timestamp, in tx: any Transaction
    ) throws -> String {
        var moment = time
        while true {
            let id = BulkMessage.requestID(fileName: fileName, at: moment)
            let inserted = try tx.run(
                """
                INSERT INTO bulk_message (user_id, request_id, created_at)
                VALUES (\(userID), \(id), \(tx.now))
                ON CONFLICT (user_id, request_id) DO NOTHING
                """)
            if inserted == 1 { return id }
            moment = moment + .milliseconds(1)
        }
    }

    /// The last ten uploads that have messages left, newest first. Indexes: `bulk_message_user`, `message_batch`.
    static func latest(userID: UserID, in tx: any Transaction) throws -> [BulkMessage] {
        let rows = try tx.rows(
            """
            SELECT request_id, created_at
            FROM bulk_message b
            WHERE user_id = \(userID)
                AND EXISTS (SELECT 1 FROM message WHERE user_id = \(userID) AND batch = b.request_id)
            ORDER BY created_at DESC, request_id DESC
            LIMIT 10
            """)
        return try rows.map { row in
            try upload(row.get("request_id"), createdAt: row.get("created_at"), userID: userID, in: tx)
        }
    }

    /// The upload `requestID` of `userID`; nil when there is none.
    static func find(_ requestID: String, userID: UserID, in tx: any Transaction) throws -> BulkMessage? {
        let createdAt: Timestamp? = try tx.value(
            "SELECT created_at AS value FROM bulk_message WHERE user_id = \(userID) AND request_id = \(requestID)")
        return try createdAt.map { try upload(requestID, createdAt: $0, userID: userID, in: tx) }
    }

    /// Counts the messages of an upload. Index: `message_batch`.
    private static func upload(
        _ requestID: String, createdAt: Timestamp, userID: UserID, in tx: any Transaction
    ) throws -> BulkMessage {
        let counts: [(MessageStatus, Int)] = try tx.all(
            """
            SELECT status, COUNT(*) AS total
            FROM message
            WHERE user_id = \(userID) AND batch = \(requestID)
            GROUP BY status
            """
        ) { (try $0.get("status"), try $0.get("total")) }
        return BulkMessage(
            requestID: requestID, createdAt: createdAt,
            counts: Dictionary(counts, uniquingKeysWith: { $1 }))
    }

    /// The messages of an upload in the order of its rows, of one status where that is not nil. Index: `message_batch`.
    static func messages(
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
}
