import Delivery
import Storage
import Timestamps

/// Reads and writes what was imported from another server.
///
/// `inbound_digest` has a row for each message that was ever imported, which outlives it: one that was deleted here does not
/// come back with the next import.
enum ImportQueries {
    /// A message that may be what is imported.
    struct Known: Sendable {
        let userID: UserID
        let owner: String
        let contact: String
        let type: MessageType
        let status: MessageStatus
        let source: String
        let updatedAt: Timestamp
        let eventCount: Int
    }

    /// Under which ids the digests among `digests` were imported. Index: the primary key.
    static func imported(_ digests: [[UInt8]], in tx: any Transaction) throws -> [[UInt8]: MessageID] {
        let rows = try tx.rows(
            "SELECT digest, message_id FROM inbound_digest WHERE digest IN \(list: digests)")
        return try rows.reduce(into: [:]) { $0[try $1.get("digest")] = try $1.get("message_id") as MessageID }
    }

    /// Those of `ids` that are there, of any account. Index: the primary key.
    static func known(_ ids: [MessageID], in tx: any Transaction) throws -> [MessageID: Known] {
        let rows = try tx.rows(
            """
            SELECT id, user_id, owner, contact, type, status, source, updated_at, event_count
            FROM message
            WHERE id IN \(list: ids)
            """)
        return try rows.reduce(into: [:]) { known, row in
            known[try row.get("id")] = Known(
                userID: try row.get("user_id"), owner: try row.get("owner"), contact: try row.get("contact"),
                type: try row.get("type"), status: try row.get("status"), source: try row.get("source"),
                updatedAt: try row.get("updated_at"), eventCount: try row.get("event_count"))
        }
    }

    /// Whether a conversation of the account is being deleted, see ``ThreadErasureQueries``. Index: the primary key.
    static func isErasing(_ userID: UserID, in tx: any Transaction) throws -> Bool {
        try !tx.rows(
            "SELECT owner FROM thread_erasure WHERE user_id = \(userID) ORDER BY owner, contact LIMIT 1"
        ).isEmpty
    }

    /// Stores messages that were not there: no event, no quota, nothing for a phone to do.
    ///
    /// - Throws: `StorageError`: `unavailable` when somebody else stored one of them meanwhile; nothing is kept then.
    static func insert(_ messages: [(message: Message, digest: [UInt8])], in tx: any Transaction) throws {
        let changed = try tx.runBatch(
            messages.flatMap { message, digest -> [SQL] in
                [claim(digest, for: message.id), insert(message), SearchIndexQueries.add(message)]
            })
        // An index entry may be there already, of a message that was deleted.
        let isStored = changed.enumerated().allSatisfy { index, count in index % 3 == 2 || count == 1 }
        guard isStored else {
            throw StorageError.unavailable("the same messages are being imported elsewhere: run the import again")
        }
    }

    /// Stores how far a message of before got meanwhile, if it still is as it was; false when it moved.
    static func update(_ message: Message, from known: Known, in tx: any Transaction) throws -> Bool {
        let changed = try tx.run(
            """
            UPDATE message
            SET status = \(message.status), send_time = \(message.sendTime), updated_at = \(message.updatedAt),
                order_timestamp = \(message.orderTimestamp), last_attempted_at = \(message.lastAttemptedAt),
                scheduled_at = \(message.scheduledAt), sent_at = \(message.sentAt),
                delivered_at = \(message.deliveredAt), expired_at = \(message.expiredAt),
                failed_at = \(message.failedAt), send_attempt_count = \(message.sendAttemptCount),
                failure_reason = \(message.failureReason), event_count = event_count + 1,
                disbelieved_time = \(message.disbelievedTime), search_text = \(SearchText.of(message))
            WHERE id = \(message.id) AND source = \(known.source) AND status = \(known.status)
                AND updated_at = \(known.updatedAt) AND event_count = \(known.eventCount)
            """)
        guard changed == 1 else { return false }
        let version = known.eventCount.clampedAdding(1)
        try tx.run(SearchIndexQueries.add(message.id, version: version, userID: message.userID))
        return true
    }

    /// Gives a conversation that was not there before the marks it had on the other server, and its id there where that is free.
    static func mark(
        _ parties: Parties, as thread: OldThread, createdAt: Timestamp, userID: UserID, in tx: any Transaction
    ) throws {
        let id = MessageThreadID(thread.id)
        let color = MessageThread.colors.contains(thread.color) ? thread.color : nil
        try tx.run(
            """
            UPDATE message_thread
            SET is_archived = \(thread.isArchived), is_read = \(thread.isRead), color = COALESCE(\(color), color),
                created_at = \(createdAt),
                id = CASE WHEN EXISTS (SELECT 1 FROM message_thread AS other WHERE other.id = \(id))
                    THEN id ELSE COALESCE(\(id), id) END
            WHERE user_id = \(userID) AND owner = \(parties.owner) AND contact = \(parties.contact)
            """)
    }

    private static func claim(_ digest: [UInt8], for id: MessageID) -> SQL {
        "INSERT INTO inbound_digest (digest, message_id) VALUES (\(digest), \(id)) ON CONFLICT (digest) DO NOTHING"
    }

    private static func insert(_ message: Message) -> SQL {
        """
        INSERT INTO message (
            id, request_id, owner, user_id, contact, content, attachments, encrypted, type, status, sim, send_time,
            request_received_at, created_at, updated_at, order_timestamp, last_attempted_at, scheduled_at, sent_at,
            scheduled_send_time, delivered_at, expired_at, failed_at, send_attempt_count, max_send_attempts,
            received_at, failure_reason, source, event_count, disbelieved_time, search_text)
        VALUES (
            \(message.id), \(message.requestID), \(message.owner), \(message.userID), \(message.contact),
            \(message.content), \(message.attachments.joined(separator: "\n")), \(message.isEncrypted),
            \(message.type), \(message.status), \(message.sim), \(message.sendTime), \(message.requestReceivedAt),
            \(message.createdAt), \(message.updatedAt), \(message.orderTimestamp), \(message.lastAttemptedAt),
            \(message.scheduledAt), \(message.sentAt), \(message.scheduledSendTime), \(message.deliveredAt),
            \(message.expiredAt), \(message.failedAt), \(message.sendAttemptCount), \(message.maxSendAttempts),
            \(message.receivedAt), \(message.failureReason), \(message.source), \(message.eventCount),
            \(message.disbelievedTime), \(SearchText.of(message)))
        ON CONFLICT (id) DO NOTHING
        """
    }
}
