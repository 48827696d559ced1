import Delivery
import HTTPSMSWebhooks
import JSON
import Storage
import Timestamps
import Wire

/// The id of a phone.
package typealias PhoneID = ID<Phone>

/// An Android phone, or one of its SIM cards: a number of the user's own.
package struct Phone: Sendable {
    /// Its id.
    package let id: PhoneID
    let userID: UserID
    /// Where pushes reach it, see ``PushAddress``; nil when it never told.
    var fcmToken: String?
    /// Which device has the number; never beside a token.
    package var deviceID: DeviceID?
    /// E.164, unique for a user.
    package let phoneNumber: String
    /// 0 to 60; 0 is no pacing.
    package var messagesPerMinute: Int
    /// Which SIM has the number.
    package var sim: SIM
    /// At which hours it sends; nil for all.
    package var messageSendScheduleID: String?
    /// 1 to 5.
    package var maxSendAttempts: Int
    /// How long a handed out message may take.
    package var messageExpiration: Duration
    /// Sent to whoever called and was not answered; nil sends nothing.
    package var missedCallAutoReply: String?
    /// Whether an SMS brings an archived conversation back.
    package var unarchiveThread: Bool
    /// When the number became known.
    package let createdAt: Timestamp
    /// When it changed last.
    package var updatedAt: Timestamp
    /// The time of the last paced message that was handed out; nil before the first.
    var pacedAt: Timestamp?
    /// The turn of the last message that was handed out: those that come get later ones. See ``MessagePlanner``.
    var turn: Int64 = 0
    /// When the head of its queue may go, at the earliest; nil when nothing waits.
    var nextAt: Timestamp?
    /// Why it cannot be pushed to; nil when nothing is known to be wrong.
    package var pushError: String?
    /// When it last asked for a message that nothing had told it of, noted once a day; or when it logged in without a token,
    /// which only a program that asks by itself does. See ``PhoneReach``.
    var askedAt: Timestamp?
    /// Until when any key of the account may take the number; nil when nobody consented to that.
    package private(set) var moveAllowedUntil: Timestamp?

    /// A phone with httpSMS's defaults.
    init(id: PhoneID, userID: UserID, phoneNumber: String, at now: Timestamp) {
        self.id = id
        self.userID = userID
        self.phoneNumber = phoneNumber
        messagesPerMinute = 10
        sim = .sim1
        maxSendAttempts = 2
        messageExpiration = Self.defaultExpiration
        unarchiveThread = false
        createdAt = now
        updatedAt = now
    }

    static let defaultExpiration: Duration = .seconds(600)
    /// The longest that a phone may ask for; 3,600 s in httpSMS.
    static let longestExpiration: Duration = .seconds(3_600)
}

extension Phone {
    /// How a phone is told that a message waits for it.
    package enum Transport: Hashable, Sendable {
        /// A push to the app.
        case push(PushAddress)
        /// The stream of the SMSGate app, or its next poll.
        case device(DeviceID)
        /// Not at all: no app of either kind has logged in, or the one that had is gone.
        case none
    }

    /// Whether one of these services pushes to it.
    func isPushed(by kinds: Set<PushKind>) -> Bool {
        if case .push(let address) = transport { kinds.contains(address.kind) } else { false }
    }

    /// Has what waits for it go at once.
    mutating func dropPace() { (messagesPerMinute, messageSendScheduleID) = (0, nil) }

    /// A phone has a device or a token.
    package var transport: Transport {
        if let deviceID { return .device(deviceID) }
        return fcmToken.map { .push(PushAddress(text: $0)) } ?? .none
    }
}

extension Phone: JSONWritable {
    /// httpSMS's shape, and `push_error` after it.
    package func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("id", id.text)
            o.field("user_id", userID.text)
            o.field("fcm_token", fcmToken)
            o.field("phone_number", phoneNumber)
            o.field("messages_per_minute", messagesPerMinute)
            o.field("sim", sim.rawValue)
            o.field("message_send_schedule_id", messageSendScheduleID)
            o.field("max_send_attempts", maxSendAttempts)
            o.field("message_expiration_seconds", messageExpiration.components.seconds)
            o.field("missed_call_auto_reply", missedCallAutoReply)
            o.field("unarchive_thread", unarchiveThread)
            o.field("created_at", createdAt)
            o.field("updated_at", updatedAt)
            o.field("push_error", pushError)
        }
    }
}

extension Phone: RowDecodable {
    package init(row: Row) throws {
        id = try row.get("id")
        userID = try row.get("user_id")
        fcmToken = try row.find("fcm_token")
        deviceID = try row.find("device_id")
        phoneNumber = try row.get("phone_number")
        messagesPerMinute = try row.get("messages_per_minute")
        sim = try row.get("sim")
        messageSendScheduleID = try row.find("message_send_schedule_id")
        maxSendAttempts = try row.get("max_send_attempts")
        messageExpiration = try row.get("message_expiration")
        missedCallAutoReply = try row.find("missed_call_auto_reply")
        unarchiveThread = try row.get("unarchive_thread")
        createdAt = try row.get("created_at")
        updatedAt = try row.get("updated_at")
        pacedAt = try row.find("paced_at")
        turn = try row.get("turn")
        nextAt = try row.find("next_at")
        pushError = try row.find("push_error")
        askedAt = try row.find("asked_at")
        moveAllowedUntil = try row.find("move_allowed_until")
    }
}

extension SIM: SQLEnum {
    /// Anything that does not name the second slot is the first SIM (K10); apps that forward also write `sim2`.
    init(lenient text: String?) {
        self = Self.slot(text) == 2 ? .sim2 : .sim1
    }

    /// The slot that a text names, from 1: `SIM2`, `sim2`, `2`, `SIM2_carrier`. Nil when it names none, such as `DEFAULT`.
    static func slot(_ text: String?) -> Int? {
        let text = (text ?? "").firstScalars(longestSlot).trimmed.lowercased()
        let number = (text.hasPrefix("sim") ? text.dropFirst(3) : text[...]).drop { " _-#".contains($0) }
        let digits = number.prefix { $0.isASCII && $0.isNumber }
        // More digits are a phone number.
        return digits.count <= 2 ? Int(digits) : nil
    }

    private static let longestSlot = 32
}

enum PhoneMigrations {
    static let all: [Migration] = [
        Migration(
            "phones-1",
            [
                """
                CREATE TABLE phone (
                    id \(.text) PRIMARY KEY,
                    user_id \(.text) NOT NULL,
                    phone_number \(.text) NOT NULL,
                    fcm_token \(.text),
                    messages_per_minute \(.int64) NOT NULL,
                    sim \(.text) NOT NULL,
                    message_send_schedule_id \(.text),
                    max_send_attempts \(.int64) NOT NULL,
                    message_expiration \(.int64) NOT NULL,
                    missed_call_auto_reply \(.text),
                    unarchive_thread \(.int64) NOT NULL,
                    created_at \(.int64) NOT NULL,
                    updated_at \(.int64) NOT NULL
                ) \(.strict)
                """,
                "CREATE UNIQUE INDEX phone_number ON phone (user_id, phone_number)",
            ]),
        Migration(
            "phones-2",
            [
                "ALTER TABLE phone ADD COLUMN paced_at \(.int64)",
                "ALTER TABLE phone ADD COLUMN push_error \(.text)",
            ]),
        Migration(
            "phones-3",
            [
                // Until when another key may take the number, as the account consented.
                "ALTER TABLE phone ADD COLUMN move_allowed_until \(.int64)",
                """
                CREATE TABLE phone_move (
                    id \(.text) PRIMARY KEY,
                    user_id \(.text) NOT NULL,
                    phone_number \(.text) NOT NULL,
                    from_key_id \(.text) NOT NULL,
                    from_key_name \(.text) NOT NULL,
                    to_key_id \(.text) NOT NULL,
                    to_key_name \(.text) NOT NULL,
                    reason \(.text) NOT NULL,
                    moved_at \(.int64) NOT NULL
                ) \(.strict)
                """,
                "CREATE INDEX phone_move_number ON phone_move (user_id, phone_number, moved_at, id)",
            ]),
        Migration(
            "phones-4",
            [
                "ALTER TABLE phone ADD COLUMN turn \(.int64) NOT NULL DEFAULT 0",
                // 0: each is looked at once, whether anything waits for it.
                "ALTER TABLE phone ADD COLUMN next_at \(.int64) DEFAULT 0",
            ], indexes: [TableIndex("phone_next", on: "phone", "(next_at, id) WHERE next_at IS NOT NULL")]),
        Migration("phones-5", ["ALTER TABLE phone ADD COLUMN asked_at \(.int64)"]),
    ]
}
