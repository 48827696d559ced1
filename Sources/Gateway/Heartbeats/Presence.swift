import Storage
import Timestamps

/// What the server knows of a phone's being there: made at its first heartbeat, so that a phone that was never heard is
/// neither online nor offline.
package struct Presence: Sendable, Hashable {
    let phoneID: PhoneID
    let userID: UserID
    let owner: String
    /// Stays with the phone; part of both events.
    let monitorID: String
    /// When the phone was heard last.
    package let lastHeartbeatAt: Timestamp
    /// Whether it counts as online.
    package let isOnline: Bool
}

extension Presence: RowDecodable {
    package init(row: Row) throws {
        phoneID = try row.get("phone_id")
        userID = try row.get("user_id")
        owner = try row.get("owner")
        monitorID = try row.get("monitor_id")
        lastHeartbeatAt = try row.get("last_heartbeat_at")
        isOnline = try row.get("online")
    }
}
