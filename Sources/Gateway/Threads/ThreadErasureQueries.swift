import Delivery
import Storage
import Timestamps

/// Deletes threads with their messages, a part in each transaction: a thousand texts of 124 KB in one held up everybody's
/// writes for 12 s.
///
/// The first transaction takes the thread away and as many messages as it may, which is all of nearly every thread. Where some
/// are left, a row of `thread_erasure` says up to which id the messages of two parties are as good as gone: whoever reads
/// messages for somebody leaves them out, and a sweep deletes them, also after a restart. What counts messages may count them
/// until then. A message that comes meanwhile has a higher id, and begins a new thread.
enum ThreadErasureQueries {
    /// The messages of two parties that are to go.
    private struct Erasure {
        let userID: UserID
        let owner: String
        let contact: String
        /// The highest of their ids.
        let last: String

        var parties: SQL { "user_id = \(userID) AND owner = \(owner) AND contact = \(contact)" }
    }

    /// Deletes a thread; false when there is none. Index: `message_conversation`.
    static func begin(_ id: MessageThreadID, userID: UserID, in tx: any Transaction) throws -> Bool {
        guard let thread = try MessageThreadQueries.find(id, userID: userID, in: tx) else { return false }
        try tx.run("DELETE FROM message_thread WHERE id = \(thread.id)")
        try ThreadWorkQueries.forget(thread.id, in: tx)
        let last: String? = try tx.value(
            """
            SELECT MAX(id) AS value
            FROM message
            WHERE user_id = \(userID) AND owner = \(thread.owner) AND contact = \(thread.contact)
            """)
        guard let last else { return true }
        let erasure = Erasure(userID: userID, owner: thread.owner, contact: thread.contact, last: last)
        if try erase(erasure, in: tx) {
            try end(erasure, in: tx)
            return true
        }
        // All that is there goes, also what an earlier deletion has left.
        try tx.run(
            """
            INSERT INTO thread_erasure (user_id, owner, contact, last_id, due_at)
            VALUES (\(userID), \(thread.owner), \(thread.contact), \(last), \(tx.now))
            ON CONFLICT (user_id, owner, contact) DO UPDATE SET last_id = excluded.last_id
            """)
        tx.wake(.erasures)
        return true
    }

    /// One transaction of the sweep: deletes a part of what is left of one thread. Index: `thread_erasure_due`.
    static func step(in tx: any Transaction) throws -> Sweep.Outcome {
        let row = try tx.rows(
            """
            SELECT user_id, owner, contact, last_id
            FROM thread_erasure
            ORDER BY due_at, user_id, owner, contact
            LIMIT 1
            \(.forUpdateSkipLocked)
            """
        ).first
        guard let row else { return Sweep.Outcome(mayHaveMore: false, nextDue: nil) }
        let erasure = Erasure(
            userID: try row.get("user_id"), owner: try row.get("owner"), contact: try row.get("contact"),
            last: try row.get("last_id"))
        if try erase(erasure, in: tx) {
            try end(erasure, in: tx)
        } else {
            // Behind the others, so that a large one does not hold them up.
            try tx.run("UPDATE thread_erasure SET due_at = \(tx.now) WHERE \(erasure.parties)")
        }
        return Sweep.Outcome(mayHaveMore: true, nextDue: nil)
    }

    /// That a row of `message`, called `message` in the statement, is not of a deleted thread. By the primary key of
    /// `thread_erasure`, which is nearly always empty.
    ///
    /// Not `NOT EXISTS`, of which PostgreSQL may make a join that gives no order, and so sort all messages of an account.
    static func isLeft(_ message: SQL) -> SQL {
        """
        \(message).id > COALESCE((
            SELECT e.last_id
            FROM thread_erasure e
            WHERE e.user_id = \(message).user_id AND e.owner = \(message).owner AND e.contact = \(message).contact), '')
        """
    }

    /// Changes one row when `message`, which is new, would pass for one of a thread that is being deleted, as the clock was set
    /// back or another node's is behind. Then ``makeRoom(for:in:)`` is called for.
    static func meets(_ message: Message) -> SQL {
        """
        UPDATE thread_erasure
        SET due_at = due_at
        WHERE user_id = \(message.userID) AND owner = \(message.owner) AND contact = \(message.contact)
            AND last_id >= \(message.id)
        """
    }

    /// Deletes all that is left of the thread that was there before `message`, which is new and stays.
    static func makeRoom(for message: Message, in tx: any Transaction) throws {
        let last: String? = try tx.value(
            """
            SELECT last_id AS value
            FROM thread_erasure
            WHERE user_id = \(message.userID) AND owner = \(message.owner) AND contact = \(message.contact)
            """)
        guard let last else { return }
        let erasure = Erasure(userID: message.userID, owner: message.owner, contact: message.contact, last: last)
        while try !erase(erasure, sparing: message.id, in: tx) {}
        try end(erasure, in: tx)
    }

    /// Deletes the newest messages that there is room for, as they may still wait to be sent; true when none are left. Index:
    /// `message_conversation`.
    private static func erase(
        _ erasure: Erasure, sparing spared: MessageID? = nil, in tx: any Transaction
    ) throws -> Bool {
        var room = DeletionRoom()
        let isOthers: SQL = spared.map { "AND id <> \($0)" } ?? ""
        let ids: [MessageID] = try Deletion(
            "message", key: "id", byteCount: MessageQueries.byteCount,
            where: "\(erasure.parties) AND id <= \(erasure.last) \(isOthers)", order: "order_timestamp DESC, id DESC"
        ).rows(&room, in: tx).map { try $0.get("id") }
        if ids.isEmpty { return true }
        let withAttachments = try tx.rows("SELECT id FROM message WHERE id IN \(list: ids) AND attachments <> ''")
        for row in withAttachments { try AttachmentQueries.discard(of: row.get("id"), in: tx) }
        for device in try DeviceOfferQueries.cancel(ids, in: tx).sorted() {
            try PhoneDeviceQueries.nudge(device, in: tx)
        }
        try tx.run("DELETE FROM message WHERE id IN \(list: ids)")
        return !room.isFull
    }

    /// Ends the erasure. A message that was handed out or came too late meanwhile has brought the thread back: it shows what is
    /// left, or goes.
    private static func end(_ erasure: Erasure, in tx: any Transaction) throws {
        try tx.run("DELETE FROM thread_erasure WHERE \(erasure.parties)")
        let thread = try MessageThreadQueries.find(
            owner: erasure.owner, contact: erasure.contact, userID: erasure.userID, in: tx)
        guard let thread else { return }
        try MessageThreadQueries.forget(
            thread.lastMessageID, isRecent: true, userID: erasure.userID, owner: erasure.owner,
            contact: erasure.contact, in: tx)
    }

    static let migrations: [Migration] = [
        Migration(
            "thread-erasure-1",
            [
                """
                CREATE TABLE thread_erasure (
                    user_id \(.text) NOT NULL,
                    owner \(.text) NOT NULL,
                    contact \(.text) NOT NULL,
                    last_id \(.text) NOT NULL,
                    due_at \(.int64) NOT NULL,
                    PRIMARY KEY (user_id, owner, contact)
                ) \(.strict)
                """,
                "CREATE INDEX thread_erasure_due ON thread_erasure (due_at, user_id, owner, contact)",
            ])
    ]
}
