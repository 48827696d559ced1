import Delivery
import Storage
import Timestamps

/// Folds the texts of rows that have none yet: those of before searches folded, and those that a server of the version
/// before writes during an upgrade. Until then searches fold them as they read.
enum SearchFillQueries {
    /// One transaction: folds at most 500 messages or threads, and at most 512 KiB of their texts, which takes some 50 ms.
    /// Indexes: `message_unfolded`, `message_thread_unfolded`.
    static func step(in tx: any Transaction) throws -> Sweep.Outcome {
        let waiting = try tx.rows(
            """
            SELECT id, CAST(\(SQL.byteCount(of: "content")) AS BIGINT) AS byte_count
            FROM message
            WHERE search_text IS NULL
            ORDER BY user_id, created_at, id
            LIMIT \(batch)
            \(.forUpdateSkipLocked)
            """)
        let ids: [MessageID] = try waiting.fitting(bytes: batchBytes).map { try $0.get("id") }
        let messages = try tx.rows(
            """
            SELECT id, user_id, event_count, content, contact, failure_reason, request_id
            FROM message
            WHERE id IN \(list: ids)
            """)
        try tx.runBatch(
            messages.flatMap { row in
                let (id, text) = (try row.get("id", as: MessageID.self), try messageText(row))
                return [
                    "UPDATE message SET search_text = \(text) WHERE id = \(id)",
                    SearchIndexQueries.add(id, version: try row.get("event_count"), userID: try row.get("user_id")),
                ] as [SQL]
            })
        if ids.count < waiting.count || waiting.count == batch { return Sweep.Outcome(mayHaveMore: true, nextDue: nil) }
        let others = try tx.rows(
            """
            SELECT id, CAST(\(SQL.byteCount(of: "last_message_content")) AS BIGINT) AS byte_count
            FROM message_thread
            WHERE search_text IS NULL
            ORDER BY user_id, id
            LIMIT \(batch)
            \(.forUpdateSkipLocked)
            """)
        let threadIDs: [MessageThreadID] = try others.fitting(bytes: batchBytes).map { try $0.get("id") }
        let threads = try tx.rows(
            "SELECT id, last_message_content, contact FROM message_thread WHERE id IN \(list: threadIDs)")
        try tx.runBatch(
            threads.map { row in
                let (id, text) = (try row.get("id", as: MessageThreadID.self), try threadText(row))
                return "UPDATE message_thread SET search_text = \(text) WHERE id = \(id)"
            })
        return Sweep.Outcome(mayHaveMore: threads.count < others.count || others.count == batch, nextDue: nil)
    }

    /// The account's messages that are not folded yet and contain what is looked for, by their fields. Index:
    /// `message_unfolded`.
    ///
    /// - Throws: `StorageError`: `unavailable` when there are too many for one statement.
    static func messages(
        of userID: UserID, in tx: any Transaction,
        where isFound: (_ content: String, _ contact: String, Row) throws -> Bool
    ) throws -> [MessageID] {
        var found: [MessageID] = []
        var position: (Timestamp, MessageID)?
        while true {
            let after: SQL = position.map { "AND (created_at, id) > (\($0.0), \($0.1))" } ?? ""
            let rows = try tx.rows(
                """
                SELECT id, created_at, content, contact, failure_reason, request_id
                FROM message
                WHERE user_id = \(userID) AND search_text IS NULL \(after)
                ORDER BY created_at, id
                LIMIT \(batch)
                """)
            for row in rows where try isFound(row.get("content"), row.get("contact"), row) {
                found.append(try row.get("id"))
            }
            try check(found.count)
            guard rows.count == batch, let last = rows.last else { return found }
            position = (try last.get("created_at"), try last.get("id"))
        }
    }

    /// The account's threads that are not folded yet and contain `query`. Index: `message_thread_unfolded`.
    ///
    /// - Throws: `StorageError`: `unavailable` when there are too many for one statement.
    static func threads(of userID: UserID, with query: SearchQuery, in tx: any Transaction) throws -> [MessageThreadID]
    {
        var found: [MessageThreadID] = []
        var position: MessageThreadID?
        while true {
            let after: SQL = position.map { "AND id > \($0)" } ?? ""
            let rows = try tx.rows(
                """
                SELECT id, last_message_content, contact
                FROM message_thread
                WHERE user_id = \(userID) AND search_text IS NULL \(after)
                ORDER BY id
                LIMIT \(batch)
                """)
            for row in rows {
                let content: String? = try row.find("last_message_content")
                if try query.isIn(content ?? "") || query.isInNumber(row.get("contact")) {
                    found.append(try row.get("id"))
                }
            }
            try check(found.count)
            guard rows.count == batch, let last = rows.last else { return found }
            position = try last.get("id")
        }
    }

    private static func check(_ count: Int) throws {
        guard count <= most else {
            throw StorageError.unavailable("the messages are being prepared for searches: try again in a few minutes")
        }
    }

    private static func messageText(_ row: Row) throws -> String {
        SearchText.of(
            content: try row.get("content"), contact: try row.get("contact"),
            failureReason: try row.find("failure_reason"), requestID: try row.find("request_id"))
    }

    private static func threadText(_ row: Row) throws -> String {
        SearchText.of(threadContent: try row.find("last_message_content") ?? "", contact: try row.get("contact"))
    }

    /// Rows in one transaction, or in one look.
    private static let batch = 500
    /// What the texts of one transaction have together, in bytes.
    private static let batchBytes = 512 << 10
    /// Ids in one statement, which has them twice with those of the index: SQLite takes 32,766 values.
    static let most = 4_000
}
