import Delivery
import HTTPSMSWebhooks
import JSON
import Storage
import Timestamps

/// A sign of life of a phone.
package struct Heartbeat: Sendable {
    let id: ID<Heartbeat>
    /// The phone's number; it need not be registered.
    let owner: String
    /// The app's version, as its `X-Client-Version` header tells; empty when it does not.
    package let version: String
    /// Whether the phone was charging.
    package let isCharging: Bool
    let userID: UserID
    /// When the server heard it.
    let timestamp: Timestamp
}

extension Heartbeat: JSONWritable {
    /// As httpSMS shows it.
    package func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("id", id.text)
            o.field("owner", owner)
            o.field("version", version)
            o.field("charging", isCharging)
            o.field("user_id", userID.text)
            o.field("timestamp", timestamp)
        }
    }
}

extension Heartbeat: RowDecodable {
    package init(row: Row) throws {
        id = try row.get("id")
        owner = try row.get("owner")
        version = try row.get("version")
        isCharging = try row.get("charging")
        userID = try row.get("user_id")
        timestamp = try row.get("timestamp")
    }
}

/// The heartbeats of a phone within a stretch of time.
package struct HeartbeatStep: Sendable, Hashable {
    /// The first of the step.
    package let firstAt: Timestamp
    /// The last of the step.
    package let lastAt: Timestamp
    /// At least 1.
    package let count: Int64
    /// How many of them said that the phone was charging.
    package let chargingCount: Int64
}

extension HeartbeatStep: RowDecodable {
    package init(row: Row) throws {
        firstAt = try row.get("first_at")
        lastAt = try row.get("last_at")
        count = try row.get("count")
        chargingCount = try row.get("charging_count")
    }
}

/// `presence.check_at` is when the sweep looks again. A heartbeat moves only `last_heartbeat_at`, so that it costs no
/// index; the sweep re-arms the check from there.
enum HeartbeatMigrations {
    static let all: [Migration] = [
        Migration(
            "heartbeats-1",
            [
                """
                CREATE TABLE heartbeat (
                    id \(.text) PRIMARY KEY,
                    owner \(.text) NOT NULL,
                    version \(.text) NOT NULL,
                    charging \(.int64) NOT NULL,
                    user_id \(.text) NOT NULL,
                    timestamp \(.int64) NOT NULL
                ) \(.strict)
                """,
                "CREATE INDEX heartbeat_owner ON heartbeat (user_id, owner, timestamp)",
                """
                CREATE TABLE presence (
                    phone_id \(.text) PRIMARY KEY,
                    user_id \(.text) NOT NULL,
                    owner \(.text) NOT NULL,
                    monitor_id \(.text) NOT NULL,
                    last_heartbeat_at \(.int64) NOT NULL,
                    check_at \(.int64) NOT NULL,
                    online \(.int64) NOT NULL
                ) \(.strict)
                """,
                "CREATE INDEX presence_check ON presence (check_at, phone_id) WHERE online = 1",
                """
                CREATE TABLE server_life (
                    id \(.int64) PRIMARY KEY,
                    alive_at \(.int64) NOT NULL
                ) \(.strict)
                """,
            ]),
        Migration(
            "heartbeats-2",
            [
                "ALTER TABLE presence ADD COLUMN wake_at \(.int64)",
                "CREATE INDEX presence_wake ON presence (wake_at, phone_id) WHERE wake_at IS NOT NULL",
            ]),
    ]
}
