import Delivery
import HTTPSMSWebhooks
import JSON
import Storage
import Timestamps

/// The id of a conversation.
package typealias MessageThreadID = ID<MessageThread>

/// All messages between one of our phones and one other party, as a list of conversations shows them.
package struct MessageThread: Sendable {
    /// Its id.
    package let id: MessageThreadID
    /// The account's own number, in E.164.
    package let owner: String
    /// The other party.
    package let contact: String
    /// Whether it is put away.
    package let isArchived: Bool
    /// Whether all that came was looked at.
    package let isRead: Bool
    let userID: UserID
    /// One of ``colors``.
    let color: String
    /// Of the last message.
    let status: MessageStatus
    let lastMessageContent: String?
    let lastMessageID: MessageID?
    let createdAt: Timestamp
    let updatedAt: Timestamp
    /// Of the last message, which is the one with the highest.
    let orderTimestamp: Timestamp
    /// When the last message came or went that is not planned; 1970 when there is none.
    package let recentAt: Timestamp
    /// The text of that message.
    package let recentContent: String?
    /// Where that message stands.
    package let recentStatus: MessageStatus

    /// What httpSMS colours contacts with.
    static let colors = [
        "deep-purple", "indigo", "blue", "red", "pink", "purple", "light-blue", "cyan", "teal", "green", "light-green",
        "lime", "yellow", "amber", "orange", "deep-orange", "brown",
    ]

    /// The colour of a contact: the same for each of our phones, and after a thread was deleted and came back.
    static func color(of contact: String) -> String {
        // FNV-1a, 32 bits: any hash that does not change from run to run.
        let hash = contact.utf8.reduce(2_166_136_261 as UInt32) { ($0 ^ UInt32(truncatingIfNeeded: $1)) &* 16_777_619 }
        return colors[Int(hash % UInt32(clamping: colors.count))]
    }
}

extension Message {
    /// What its thread shows.
    var threadContent: String { type == .missedCall ? "Missed phone call" : content }

    /// What searches for its thread look through.
    var threadSearchText: String { SearchText.of(threadContent: threadContent, contact: contact) }
}

extension MessageThread: JSONWritable {
    /// As httpSMS shows it.
    package func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("id", id.text)
            o.field("owner", owner)
            o.field("contact", contact)
            o.field("is_archived", isArchived)
            o.field("is_read", isRead)
            o.field("user_id", userID.text)
            o.field("color", color)
            o.field("status", status.rawValue)
            o.field("last_message_content", lastMessageContent)
            o.field("last_message_id", lastMessageID?.text)
            o.field("created_at", createdAt)
            o.field("updated_at", updatedAt)
            o.field("order_timestamp", orderTimestamp)
        }
    }
}

extension MessageThread: RowDecodable {
    package init(row: Row) throws {
        id = try row.get("id")
        owner = try row.get("owner")
        contact = try row.get("contact")
        isArchived = try row.get("is_archived")
        isRead = try row.get("is_read")
        userID = try row.get("user_id")
        color = try row.get("color")
        status = try row.get("status")
        lastMessageContent = try row.find("last_message_content")
        lastMessageID = try row.find("last_message_id")
        createdAt = try row.get("created_at")
        updatedAt = try row.get("updated_at")
        orderTimestamp = try row.get("order_timestamp")
        recentAt = try row.find("recent_at") ?? orderTimestamp
        recentContent = try row.find("recent_content") ?? lastMessageContent
        recentStatus = try row.find("recent_status") ?? status
    }
}

enum MessageThreadMigrations {
    static let all: [Migration] = [
        Migration(
            "threads-1",
            [
                """
                CREATE TABLE message_thread (
                    id \(.text) PRIMARY KEY,
                    user_id \(.text) NOT NULL,
                    owner \(.text) NOT NULL,
                    contact \(.text) NOT NULL,
                    is_archived \(.int64) NOT NULL,
                    is_read \(.int64) NOT NULL,
                    color \(.text) NOT NULL,
                    status \(.text) NOT NULL,
                    last_message_content \(.text),
                    last_message_id \(.text),
                    created_at \(.int64) NOT NULL,
                    updated_at \(.int64) NOT NULL,
                    order_timestamp \(.int64) NOT NULL
                ) \(.strict)
                """,
                "CREATE UNIQUE INDEX message_thread_parties ON message_thread (user_id, owner, contact)",
                """
                CREATE INDEX message_thread_order
                ON message_thread (user_id, owner, is_archived, order_timestamp, id)
                """,
                // Of every conversation that is there already; the thread takes the id of its last message.
                """
                INSERT INTO message_thread (
                    id, user_id, owner, contact, is_archived, is_read, color, status, last_message_content,
                    last_message_id, created_at, updated_at, order_timestamp)
                SELECT m.id, m.user_id, m.owner, m.contact, 0, 1, 'indigo', m.status,
                    CASE WHEN m.type = 'call/missed' THEN 'Missed phone call' ELSE m.content END, m.id, m.created_at,
                    m.updated_at, m.order_timestamp
                FROM message m
                WHERE NOT EXISTS (
                    SELECT 1
                    FROM message n
                    WHERE n.user_id = m.user_id AND n.owner = m.owner AND n.contact = m.contact
                        AND (n.order_timestamp, n.id) > (m.order_timestamp, m.id))
                """,
            ]),
        Migration(
            "threads-unread-1", [],
            indexes: [
                TableIndex(
                    "message_thread_unread", on: "message_thread",
                    "(user_id, is_archived) WHERE is_read = 0")
            ]),
        // The last message that came or went; 0 when there is none. NULL where an older version wrote the row: the last of all.
        Migration(
            "threads-recent-1",
            [
                "ALTER TABLE message_thread ADD COLUMN recent_at \(.int64)",
                "ALTER TABLE message_thread ADD COLUMN recent_content \(.text)",
                "ALTER TABLE message_thread ADD COLUMN recent_status \(.text)",
            ],
            indexes: [
                TableIndex(
                    "message_thread_recent", on: "message_thread",
                    "(user_id, is_archived, COALESCE(recent_at, order_timestamp), id, owner)")
            ]),
    ]
}
