import Delivery
import HTTPSMSWebhooks
import JSON
import Storage
import Timestamps

/// The id of a device.
package typealias DeviceID = ID<Device>

/// An Android phone with the SMSGate app, paired with an account: it opens a stream, fetches what it has to send and posts what
/// it receives, without Firebase.
///
/// Each SIM card that has a number here is a ``Phone``, whose row names the device.
package struct Device: Sendable {
    /// What the paths of the app's requests begin with, as the app's own server has it.
    package static let path = "/api/mobile/v1"

    /// Its id.
    package let id: DeviceID
    /// Whose it is.
    package let userID: UserID
    /// What the app calls it, such as `samsung/a52`.
    package let name: String
    /// Nil until the app said so in a request.
    package let appVersion: AppVersion?
    /// The phone's SIM cards as it told them, as JSON: an array of objects.
    let simCards: String
    let simCardCount: Int
    /// Percent; nil until a ping told.
    package let battery: Int?
    /// Whether it is charging; nil until it said so.
    package let isCharging: Bool?
    /// By how much the phone's clock is behind ours, negative when it is ahead; nil until it is known.
    package let clockError: Duration?
    /// Whether the last post was signed with our key; nil before the first.
    package let isSignatureRight: Bool?
    /// Whether the app has a Firebase token of its maker: then it opens no stream, as its channel is set to "Auto".
    package let usesFirebase: Bool
    /// When it was paired.
    package let registeredAt: Timestamp
    /// Within a minute.
    package let lastSeenAt: Timestamp?
    /// When it asked for messages last; nil for never.
    package let pulledAt: Timestamp?
    /// When it opened a stream last.
    package let streamedAt: Timestamp?
    /// When it asked which webhooks to call last; nil for never.
    package let webhooksAt: Timestamp?
    /// When it asked for its settings last; nil for never.
    package let settingsAt: Timestamp?
    /// When somebody asked for the SMS in the phone's inbox last; nil for never.
    package let inboxAskedAt: Timestamp?
    /// Where it may post to, sealed.
    let inboundToken: [UInt8]
    /// Sealed.
    let signingKey: [UInt8]
    /// Its numbers, by slot; at most two.
    package var numbers: [Binding] = []

    /// A number of a device.
    package struct Binding: Sendable, Hashable {
        /// The phone that stands for the number.
        package let phoneID: PhoneID
        /// E.164.
        package let number: String
        /// As Android counts for people: 1 or 2.
        let slot: Int
        /// In which slot it is.
        package let sim: SIM
        /// Nil when it was never heard.
        let isOnline: Bool?
        /// When the number was heard last; nil for never.
        package let lastHeartbeatAt: Timestamp?
        /// How long an attempt of a message from it may take.
        let messageExpiration: Duration
    }

    /// Whether it can open a stream, so that it is told of a message at once.
    package var opensStream: Bool { !usesFirebase && streamedAt != nil }
}

extension Device: RowDecodable {
    package init(row: Row) throws {
        id = try row.get("id")
        userID = try row.get("user_id")
        name = try row.get("name")
        appVersion = try row.find("app_version")
        simCards = try row.get("sim_cards")
        simCardCount = try row.get("sim_card_count")
        battery = try row.find("battery")
        isCharging = try row.find("charging")
        clockError = try row.find("clock_error")
        isSignatureRight = try row.find("signature_ok")
        usesFirebase = try row.get("uses_firebase")
        registeredAt = try row.get("registered_at")
        lastSeenAt = try row.find("last_seen_at")
        pulledAt = try row.find("pulled_at")
        streamedAt = try row.find("streamed_at")
        webhooksAt = try row.find("webhooks_at")
        settingsAt = try row.find("settings_at")
        inboxAskedAt = try row.find("inbox_asked_at")
        inboundToken = try row.get("inbound_token")
        signingKey = try row.get("signing_key")
    }
}

extension Device.Binding: RowDecodable {
    package init(row: Row) throws {
        phoneID = try row.get("id")
        number = try row.get("phone_number")
        slot = try row.get("device_slot")
        sim = try row.get("sim")
        isOnline = try row.find("online")
        lastHeartbeatAt = try row.find("last_heartbeat_at")
        messageExpiration = try row.get("message_expiration")
    }
}

extension Device: JSONWritable {
    /// An item of `GET /v1/devices`: no secrets.
    package func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("id", id.text)
            o.field("name", name)
            o.field("app_version", appVersion?.text)
            o.array("numbers", of: numbers) { json, number in
                json.object { o in
                    o.field("sim", number.sim.rawValue)
                    o.field("phone_number", number.number)
                    o.field("phone_id", number.phoneID.text)
                }
            }
            o.raw("sim_cards", Array(simCards.utf8))
            if let battery {
                o.object("battery") { o in
                    o.field("percent", battery)
                    o.field("charging", isCharging ?? false)
                }
            } else {
                o.null("battery")
            }
            o.field("transport", opensStream ? "stream" : "poll")
            o.field("signature_ok", isSignatureRight)
            o.field("clock_error", clockError.map { $0.milliseconds / 1_000 })
            o.field("last_seen_at", lastSeenAt)
            o.field("registered_at", registeredAt)
        }
    }
}

/// The tables of devices. `phone.device_id` and `phone.device_slot` say which device has a number.
///
/// `device_offer` has a row for each message that a device was given, until its report ends it: see ``DeviceOffer``.
enum DeviceMigrations {
    static let all: [Migration] = [
        Migration(
            "devices-1",
            [
                """
                CREATE TABLE device (
                    id \(.text) PRIMARY KEY,
                    user_id \(.text) NOT NULL,
                    name \(.text) NOT NULL,
                    inbound_hash \(.blob) NOT NULL,
                    inbound_token \(.blob) NOT NULL,
                    signing_key \(.blob) NOT NULL,
                    private_token_hash \(.blob) NOT NULL,
                    uses_firebase \(.int64) NOT NULL,
                    app_version \(.text),
                    sim_cards \(.text) NOT NULL,
                    sim_card_count \(.int64) NOT NULL,
                    battery \(.int64),
                    charging \(.int64),
                    clock_error \(.int64),
                    signature_ok \(.int64),
                    last_seen_at \(.int64),
                    pulled_at \(.int64),
                    streamed_at \(.int64),
                    webhooks_at \(.int64),
                    settings_at \(.int64),
                    nudged_at \(.int64),
                    registered_at \(.int64) NOT NULL,
                    created_at \(.int64) NOT NULL
                ) \(.strict)
                """,
                "CREATE INDEX device_user ON device (user_id, created_at, id)",
                "CREATE UNIQUE INDEX device_inbound ON device (inbound_hash)",
                "CREATE UNIQUE INDEX device_private ON device (private_token_hash)",
                "CREATE INDEX device_nudged ON device (nudged_at, id) WHERE nudged_at IS NOT NULL",
                """
                CREATE TABLE device_token (
                    token_hash \(.blob) PRIMARY KEY,
                    device_id \(.text) NOT NULL,
                    generation \(.int64) NOT NULL
                ) \(.strict)
                """,
                "CREATE UNIQUE INDEX device_token_device ON device_token (device_id, generation)",
                """
                CREATE TABLE device_pairing (
                    id \(.text) PRIMARY KEY,
                    user_id \(.text) NOT NULL,
                    name \(.text) NOT NULL,
                    code_hash \(.blob) NOT NULL,
                    private_token_hash \(.blob) NOT NULL,
                    numbers \(.text) NOT NULL,
                    expires_at \(.int64) NOT NULL
                ) \(.strict)
                """,
                "CREATE UNIQUE INDEX device_pairing_code ON device_pairing (code_hash)",
                "CREATE UNIQUE INDEX device_pairing_token ON device_pairing (private_token_hash)",
                "CREATE INDEX device_pairing_user ON device_pairing (user_id, expires_at, id)",
                "CREATE INDEX device_pairing_expires ON device_pairing (expires_at, id)",
                """
                CREATE TABLE device_offer (
                    message_id \(.text) PRIMARY KEY,
                    device_id \(.text) NOT NULL,
                    state \(.text) NOT NULL,
                    offered_at \(.int64) NOT NULL,
                    valid_until \(.int64) NOT NULL,
                    ask_at \(.int64),
                    questions \(.int64) NOT NULL
                ) \(.strict)
                """,
                "CREATE INDEX device_offer_device ON device_offer (device_id, state, offered_at, message_id)",
                "CREATE INDEX device_offer_ask ON device_offer (device_id, ask_at, message_id) WHERE ask_at IS NOT NULL",
                "CREATE INDEX device_offer_valid ON device_offer (valid_until, message_id)",
                "ALTER TABLE phone ADD COLUMN device_id \(.text)",
                "ALTER TABLE phone ADD COLUMN device_slot \(.int64)",
            ],
            indexes: [
                TableIndex("phone_device", on: "phone", "(device_id, device_slot) WHERE device_id IS NOT NULL")
            ]),
        Migration("devices-2", ["ALTER TABLE device_pairing ADD COLUMN device_id \(.text)"]),
        Migration("devices-3", ["ALTER TABLE device ADD COLUMN inbox_asked_at \(.int64)"]),
    ]
}
