import JSON
import Timestamps

/// A phone went silent for an hour, or was heard again: the data of `phone.heartbeat.offline` and `phone.heartbeat.online`.
///
/// The properties stand in the order of the wire.
public struct PhoneHeartbeat: Sendable, Hashable, Decodable {
    /// The id of the phone, a UUID in lower case.
    public var phoneID: String
    /// The id of the user whose phone it is.
    public var userID: String
    /// When the server last heard the phone; for `online`, the heartbeat that just arrived.
    public var lastHeartbeatTimestamp: Timestamp
    /// When the server noticed, by its own clock.
    public var timestamp: Timestamp
    /// The id of the phone's heartbeat monitor, a UUID in lower case.
    public var monitorID: String
    /// The phone's own number in E.164 form.
    public var owner: String

    /// Makes the data of an event from all of its members.
    public init(
        phoneID: String, userID: String, lastHeartbeatTimestamp: Timestamp, timestamp: Timestamp, monitorID: String,
        owner: String
    ) {
        self.phoneID = phoneID
        self.userID = userID
        self.lastHeartbeatTimestamp = lastHeartbeatTimestamp
        self.timestamp = timestamp
        self.monitorID = monitorID
        self.owner = owner
    }

    enum CodingKeys: String, CodingKey {
        case phoneID = "phone_id"
        case userID = "user_id"
        case lastHeartbeatTimestamp = "last_heartbeat_timestamp"
        case timestamp
        case monitorID = "monitor_id"
        case owner
    }
}

extension PhoneHeartbeat: JSONWritable {
    package func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("phone_id", phoneID)
            o.field("user_id", userID)
            o.field("last_heartbeat_timestamp", lastHeartbeatTimestamp)
            o.field("timestamp", timestamp)
            o.field("monitor_id", monitorID)
            o.field("owner", owner)
        }
    }
}
