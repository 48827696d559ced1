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

extension MissedCall: JSONWritable {
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
