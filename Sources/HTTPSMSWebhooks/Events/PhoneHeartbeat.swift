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

extension PhoneHeartbeat: EventData {
    package var message: MessageFacts? { nil }
    package var awkward: Self { self }

    package func title(of type: EventType) -> String {
        type == .heartbeatOnline
            ? "Phone \(owner) is online again"
            : "Phone \(owner) is offline, last heard at \(lastHeartbeatTimestamp.rfc3339)"
    }

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

extension EventDeclaration {
    static let heartbeatOffline = EventDeclaration(
        .heartbeatOffline, EventPayload.heartbeatOffline,
        "The phone was silent for one hour, or as long as the server is set to wait.", fields: heartbeat,
        id: "06172839-4a5b-4c6d-8e7f-8091a2b3c406", source: "/v1/heartbeats", at: "2026-07-22T12:20:00.1Z",
        sample: sample("2026-07-22T11:10:00.123456Z", "2026-07-22T12:20:00.09Z"))

    static let heartbeatOnline = EventDeclaration(
        .heartbeatOnline, EventPayload.heartbeatOnline,
        "The server heard a heartbeat of a phone that was offline.", fields: heartbeat,
        id: "17283940-5b6c-4d7e-8f80-91a2b3c4d508", source: "/v1/heartbeats", at: "2026-07-22T13:00:00.2Z",
        sample: sample("2026-07-22T13:00:00.150432Z", "2026-07-22T13:00:00.19Z"))

    private static let heartbeat: [Field] = [
        .text("phone_id", "The phone", format: "uuid"), .userID,
        .text("last_heartbeat_timestamp", "When it was heard last", format: "date-time"), .timestamp,
        .text("monitor_id", "Stays with the phone", format: "uuid"), .owner,
    ]

    private static func sample(_ last: String, _ at: String) -> PhoneHeartbeat {
        PhoneHeartbeat(
            phoneID: "32343a19-da5e-4b1b-a767-3298a73703ca", userID: Sample.user,
            lastHeartbeatTimestamp: Sample.time(last), timestamp: Sample.time(at),
            monitorID: "9a0f1e2d-3c4b-4a59-8687-96a5b4c3d207", owner: Sample.owner)
    }
}
