import JSON
import Timestamps

/// A call on the phone was missed: the data of `message.call.missed`.
///
/// The properties stand in the order of the wire.
public struct MissedCall: Sendable, Hashable, Decodable {
    /// The id of the message that stands for the call, a UUID in lower case.
    public var messageID: String
    /// The id of the user whose phone it is.
    public var userID: String
    /// The phone's own number in E.164 form.
    public var owner: String
    /// The other party: an E.164 number, a short code, or a sender name such as `MTN`.
    public var contact: String
    /// When the phone rang, by its own clock.
    public var timestamp: Timestamp
    /// The slot of the phone.
    public var sim: SIM

    /// Makes the data of an event from all of its members.
    public init(
        messageID: String, userID: String, owner: String, contact: String, timestamp: Timestamp, sim: SIM
    ) {
        self.messageID = messageID
        self.userID = userID
        self.owner = owner
        self.contact = contact
        self.timestamp = timestamp
        self.sim = sim
    }

    enum CodingKeys: String, CodingKey {
        case messageID = "message_id"
        case userID = "user_id"
        case owner
        case contact
        case timestamp
        case sim
    }
}

extension MissedCall: EventData {
    package var message: MessageFacts? {
        MessageFacts(id: messageID, requestID: nil, content: nil, isEncrypted: false)
    }

    package var awkward: Self {
        var data = self
        data.contact = Sample.awkwardContact
        return data
    }

    package func title(of type: EventType) -> String {
        "Missed call from \(contact) to \(owner)"
    }

    package func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("message_id", messageID)
            o.field("user_id", userID)
            o.field("owner", owner)
            o.field("contact", contact)
            o.field("timestamp", timestamp)
            o.field("sim", sim)
        }
    }
}

extension EventDeclaration {
    static let callMissed = EventDeclaration(
        .callMissed, EventPayload.callMissed, "The phone missed a call.",
        fields: [.messageID, .userID, .owner, .contact, .timestamp, .sim],
        id: "e5f60718-2a3b-4c4d-9e5f-60718293a405", source: "/v1/messages/calls/missed", at: "2026-07-22T11:00:00.4Z",
        sample: MissedCall(
            messageID: "5d2f8d1c-43f9-4f6a-a9b0-0f4b8d3f1a22", userID: Sample.user, owner: Sample.owner,
            contact: Sample.contact, timestamp: Sample.time("2026-07-22T10:59:41.12Z"), sim: .sim1))
}
