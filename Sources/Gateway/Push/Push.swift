import Delivery
import JSON
import Storage
import Timestamps

typealias PushID = ID<Push>

/// One thing that a phone is told through a service: that a message waits for it, or that it should report itself.
///
/// | state | means |
/// |---|---|
/// | waiting | due at `due_at`; while it is being sent, that is when it is tried again if we crash |
/// | sent | the service took it |
/// | failed | the service will not take it; the message failed |
/// | cancelled | its message needs it no more, or its time is over |
package struct Push: Sendable {
    let id: PushID
    let userID: UserID
    let phoneID: PhoneID
    /// What the phone should fetch; nil asks for a heartbeat.
    let messageID: MessageID?
    /// The message's attempt, from 1: there is one push for each; 0 without a message.
    let attempt: Int
    let createdAt: Timestamp
    /// How long the service keeps it for a phone that is not there: after that the attempt is over.
    let lifetime: Duration
    /// How often it was tried.
    var tryCount = 0

    /// How far a push got.
    package enum State: String, Sendable, SQLEnum {
        case waiting, sent, failed, cancelled
    }

    /// Tells the phone that `message` waits, for the attempt that just began.
    static func message(_ message: Message, to phone: Phone, lifetime: Duration, at now: Timestamp) -> Push {
        Push(
            id: PushID(at: now), userID: phone.userID, phoneID: phone.id, messageID: message.id,
            attempt: message.sendAttemptCount, createdAt: now, lifetime: lifetime)
    }

    /// Asks the phone for a heartbeat.
    static func heartbeat(to phone: Phone, at now: Timestamp) -> Push {
        Push(
            id: PushID(at: now), userID: phone.userID, phoneID: phone.id, messageID: nil, attempt: 0, createdAt: now,
            lifetime: HeartbeatOperations.wakeUpAfter)
    }
}

extension Push {
    /// What the app is told, in its own keys.
    func addData(to o: inout JSONObjectWriter) {
        if let messageID {
            o.field("KEY_MESSAGE_ID", messageID.text)
        } else {
            o.field("KEY_HEARTBEAT_ID", createdAt.rfc3339)
        }
    }
}

extension Push: RowDecodable {
    package init(row: Row) throws {
        id = try row.get("id")
        userID = try row.get("user_id")
        phoneID = try row.get("phone_id")
        messageID = try row.find("message_id")
        attempt = try row.get("attempt")
        createdAt = try row.get("created_at")
        lifetime = try row.get("lifetime")
        tryCount = try row.get("tries")
    }
}

enum PushMigrations {
    static let all: [Migration] = [
        Migration(
            "push-1",
            [
                """
                CREATE TABLE push (
                    id \(.text) PRIMARY KEY,
                    user_id \(.text) NOT NULL,
                    phone_id \(.text) NOT NULL,
                    message_id \(.text),
                    attempt \(.int64) NOT NULL,
                    state \(.text) NOT NULL,
                    lifetime \(.int64) NOT NULL,
                    tries \(.int64) NOT NULL,
                    due_at \(.int64),
                    last_error \(.text),
                    created_at \(.int64) NOT NULL,
                    completed_at \(.int64)
                ) \(.strict)
                """,
                "CREATE INDEX push_due ON push (due_at, id) WHERE due_at IS NOT NULL",
                "CREATE UNIQUE INDEX push_attempt ON push (message_id, attempt) WHERE message_id IS NOT NULL",
            ]),
        Migration(
            "push-2", [],
            indexes: [TableIndex("push_account", on: "push", "(user_id, due_at, id) WHERE due_at IS NOT NULL")]),
    ]
}
