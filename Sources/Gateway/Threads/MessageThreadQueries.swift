import Delivery
import Storage
import Timestamps

/// Reads and writes threads. They follow messages in the transaction that writes a message, and are written nowhere else
/// but where a user marks them.
package enum MessageThreadQueries {
    /// Brings the thread of `message` up to date, and makes it when it is new: its last message is the one with the
    /// highest order timestamp, not the one that was written last. Index: `message_thread_parties`.
    ///
    /// What comes in (`isNew` and inbound) is unread, and brings an archived thread back where the phone says so. A new
    /// thread of an outgoing message is read.
    ///
    /// A last message that is later than now and not planned was stored while the server's clock was ahead: any message
    /// takes its place, or nobody would see those that come until then.
    ///
    /// What pages sort by follows the last message that is not planned, in the same way.
    static func follow(_ message: Message, isNew: Bool, in tx: any Transaction) throws {
        let isInbound = isNew && message.type != .mobileTerminated
        let recent = message.isRecent ? min(message.orderTimestamp, tx.now) : Timestamp(seconds: 0)
        let isLastRecent: SQL = """
            (\(message.isRecent) = 1 AND (excluded.recent_at >= COALESCE(message_thread.recent_at, 0)
                OR message_thread.recent_at > \(tx.now)))
            """
        let isLast: SQL = """
            (excluded.order_timestamp >= message_thread.order_timestamp
                OR excluded.last_message_id = message_thread.last_message_id
                OR message_thread.order_timestamp > \(tx.now) AND message_thread.status <> \(MessageStatus.pending))
            """
        try tx.run(
            """
            INSERT INTO message_thread (
                id, user_id, owner, contact, is_archived, is_read, color, status, last_message_content,
                last_message_id, created_at, updated_at, order_timestamp, search_text, recent_at, recent_content,
                recent_status)
            VALUES (
                \(MessageThreadID(at: tx.now)), \(message.userID), \(message.owner), \(message.contact), 0,
                \(!isInbound), \(MessageThread.color(of: message.contact)), \(message.status),
                \(message.threadContent), \(message.id), \(tx.now), \(tx.now), \(message.orderTimestamp),
                \(message.threadSearchText), \(recent), \(message.threadContent), \(message.status))
            ON CONFLICT (user_id, owner, contact) DO UPDATE SET
                is_read = CASE WHEN \(isInbound) = 1 THEN 0 ELSE message_thread.is_read END,
                is_archived = CASE
                    WHEN \(isInbound) = 1 AND EXISTS (
                        SELECT 1
                        FROM phone
                        WHERE user_id = \(message.userID) AND phone_number = \(message.owner) AND unarchive_thread = 1)
                    THEN 0
                    ELSE message_thread.is_archived END,
                status = CASE WHEN \(isLast) THEN excluded.status ELSE message_thread.status END,
                last_message_content = CASE WHEN \(isLast) THEN excluded.last_message_content
                    ELSE message_thread.last_message_content END,
                search_text = CASE WHEN \(isLast) THEN excluded.search_text ELSE message_thread.search_text END,
                last_message_id = CASE WHEN \(isLast) THEN excluded.last_message_id
                    ELSE message_thread.last_message_id END,
                order_timestamp = CASE WHEN \(isLast) THEN excluded.order_timestamp
                    ELSE message_thread.order_timestamp END,
                recent_at = CASE WHEN \(isLastRecent) THEN excluded.recent_at ELSE message_thread.recent_at END,
                recent_content = CASE WHEN \(isLastRecent) THEN excluded.recent_content
                    ELSE message_thread.recent_content END,
                recent_status = CASE WHEN \(isLastRecent) THEN excluded.recent_status
                    ELSE message_thread.recent_status END,
                updated_at = excluded.updated_at
            """)
    }

    /// Shows the message before `message`, which was just deleted, when that was the last one; a thread without messages
    /// goes. Indexes: `message_conversation`, `message_thread_parties`.
    static func forget(_ message: Message, in tx: any Transaction) throws {
        try forget(
            message.id, isRecent: message.isRecent, userID: message.userID, owner: message.owner,
            contact: message.contact, in: tx)
    }

    /// The same for the message `id` of two parties, which perhaps came or went; nil for one that nobody knows.
    static func forget(
        _ id: MessageID?, isRecent: Bool, userID: UserID, owner: String, contact: String, in tx: any Transaction
    ) throws {
        let isThread: SQL = "user_id = \(userID) AND owner = \(owner) AND contact = \(contact)"
        // A second one, should the first be unreadable.
        let last = try tx.all(
            Message.self,
            """
            SELECT *
            FROM message
            WHERE \(isThread) AND \(ThreadErasureQueries.isLeft("message"))
            ORDER BY order_timestamp DESC, id DESC
            LIMIT 2
            """
        ).first
        guard let last else {
            let gone = try tx.rows("DELETE FROM message_thread WHERE \(isThread) RETURNING id")
            for row in gone { try ThreadWorkQueries.forget(row.get("id"), in: tx) }
            return
        }
        try tx.run(
            """
            UPDATE message_thread
            SET status = \(last.status), last_message_content = \(last.threadContent), last_message_id = \(last.id),
                order_timestamp = \(last.orderTimestamp), updated_at = \(tx.now),
                search_text = \(last.threadSearchText)
            WHERE \(isThread) AND last_message_id = \(id)
            """)
        guard isRecent else { return }
        let recent = try tx.first(
            Message.self,
            """
            SELECT *
            FROM message
            WHERE \(isThread) AND (type <> 'mobile-terminated' OR send_attempt_count > 0
                OR scheduled_send_time IS NULL AND batch IS NULL)
                AND \(ThreadErasureQueries.isLeft("message"))
            ORDER BY order_timestamp DESC, id DESC
            LIMIT 1
            """)
        try tx.run(
            """
            UPDATE message_thread
            SET recent_at = \(recent?.orderTimestamp ?? Timestamp(seconds: 0)),
                recent_content = \(recent?.threadContent), recent_status = \(recent?.status)
            WHERE \(isThread)
            """)
    }

    /// The conversations that pages show, of `owner`, nil for all phones, that `assignee` looks after, nil for all, and of them the
    /// unread ones only if asked for: the one with the last message that came or went first. Those with planned messages only are
    /// not among them. Index: `message_thread_recent`, which has the owner, too, or `message_thread_unread`.
    package static func inbox(
        of userID: UserID, owner: String?, assignee: String? = nil, isArchived: Bool, isUnreadOnly: Bool = false,
        page: Page, in tx: any Transaction
    ) throws -> [MessageThread] {
        let ofUnread: SQL = isUnreadOnly ? "AND is_read = 0" : ""
        let ofOwner: SQL = owner.map { "AND owner = \($0)" } ?? ""
        let ofAssignee: SQL =
            assignee.map {
                "AND id IN (SELECT thread_id FROM thread_assignment WHERE user_id = \(userID) AND assignee = \($0))"
            } ?? ""
        return try tx.all(
            MessageThread.self,
            """
            SELECT *
            FROM message_thread
            WHERE user_id = \(userID) AND is_archived = \(isArchived)
                AND COALESCE(recent_at, order_timestamp) > 0 \(ofOwner) \(ofAssignee) \(ofUnread)
            ORDER BY COALESCE(recent_at, order_timestamp) DESC, id DESC
            LIMIT \(page.limit) OFFSET \(page.skip)
            """)
    }

    /// The threads of `owner`, the one with the newest message first; only those whose last message, or a number,
    /// contains `page.query`. Indexes: `message_thread_order`, `message_thread_unfolded`.
    static func list(
        userID: UserID, owner: String, isArchived: Bool, page: Page, in tx: any Transaction
    ) throws -> [MessageThread] {
        let query = SearchQuery(page.query) { [owner] }
        var filter: SQL = ""
        // Where the phone's own number contains it, all are found.
        if !query.isInNumber(owner) {
            let unfolded = try SearchFillQueries.threads(of: userID, with: query, in: tx)
            filter = "AND (\(query.condition(folded: "search_text", number: "contact")) OR id IN \(list: unfolded))"
        }
        return try tx.all(
            MessageThread.self,
            """
            SELECT *
            FROM message_thread
            WHERE user_id = \(userID) AND owner = \(owner) AND is_archived = \(isArchived)
                \(filter)
            ORDER BY order_timestamp DESC, id DESC
            LIMIT \(page.limit) OFFSET \(page.skip)
            """)
    }

    /// How many threads are unread and not archived, of all phones, at most 1,000. Index: `message_thread_unread`.
    package static func unreadCount(of userID: UserID, in tx: any Transaction) throws -> Int {
        try tx.value(
            """
            SELECT COUNT(*) AS value
            FROM (
                SELECT user_id
                FROM message_thread
                WHERE user_id = \(userID) AND is_read = 0 AND is_archived = 0
                LIMIT 1000) AS unread
            """) ?? 0
    }

    /// The thread `id` of `userID`, locked.
    package static func find(_ id: MessageThreadID, userID: UserID, in tx: any Transaction) throws -> MessageThread? {
        try tx.first(
            MessageThread.self, "SELECT * FROM message_thread WHERE id = \(id) AND user_id = \(userID) \(.forUpdate)")
    }

    /// The thread of a message's two parties. Index: `message_thread_parties`.
    package static func find(
        owner: String, contact: String, userID: UserID, in tx: any Transaction
    ) throws -> MessageThread? {
        try tx.first(
            MessageThread.self,
            """
            SELECT *
            FROM message_thread
            WHERE user_id = \(userID) AND owner = \(owner) AND contact = \(contact)
            """)
    }

    /// Marks a thread; nil leaves a mark as it is. Gives the thread as it is then; nil when there is none.
    static func mark(
        _ id: MessageThreadID, userID: UserID, isArchived: Bool?, isRead: Bool?, in tx: any Transaction
    ) throws -> MessageThread? {
        try tx.first(
            MessageThread.self,
            """
            UPDATE message_thread
            SET is_archived = COALESCE(\(isArchived), is_archived), is_read = COALESCE(\(isRead), is_read),
                updated_at = \(tx.now)
            WHERE id = \(id) AND user_id = \(userID)
            RETURNING *
            """)
    }
}
