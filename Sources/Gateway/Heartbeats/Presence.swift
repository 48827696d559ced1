import Storage
import Timestamps

/// What the server knows of a phone's being there: made at its first heartbeat, so that a phone that was never heard is
/// neither online nor offline.
struct Presence: Sendable, Hashable {
    let phoneID: PhoneID
    let userID: UserID
    let owner: String
    /// Stays with the phone; part of both events.
    let monitorID: String
    let lastHeartbeatAt: Timestamp
    let isOnline: Bool
}

extension Presence: RowDecodable {
    init(row: Row) throws {
        phoneID = try row.get("phone_id")
        userID = try row.get("user_id")
        owner = try row.get("owner")
        monitorID = try row.get("monitor_id")
        lastHeartbeatAt = try row.get("last_heartbeat_at")
        isOnline = try row.get("online")
    }
}
