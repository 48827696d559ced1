import JSON
import Timestamps

/// An SMS reached the recipient's phone: the data of `message.phone.delivered`.
///
/// The properties stand in the order of the wire.
public struct MessageDelivered: Sendable, Hashable, Decodable {
    /// The id of the message, a UUID in lower case; `id` on the wire.
    public var messageID: String
    /// The phone's own number in E.164 form.
    public var owner: String
    /// The other party: an E.164 number, a short code, or a sender name such as `MTN`.
    public var contact: String
    /// The id that the API client gave the message when it was submitted; nil when it gave none.
    public var requestID: String?
    /// The id of the user whose phone it is.
    public var userID: String
    /// Whether ``content`` is end-to-end encrypted.
    public var isEncrypted: Bool
    /// When the delivery report arrived on the phone, by its own clock.
    public var timestamp: Timestamp
    /// The text, as it was submitted or received: ciphertext when encrypted.
    public var content: String
    /// The slot of the phone.
    public var sim: SIM

    /// Makes the data of an event from all of its members.
    public init(
        messageID: String, owner: String, contact: String, requestID: String?, userID: String, isEncrypted: Bool,
        timestamp: Timestamp, content: String, sim: SIM
    ) {
        self.messageID = messageID
        self.owner = owner
        self.contact = contact
        self.requestID = requestID
        self.userID = userID
        self.isEncrypted = isEncrypted
        self.timestamp = timestamp
        self.content = content
        self.sim = sim
    }

    enum CodingKeys: String, CodingKey {
        case messageID = "id"
        case owner
        case contact
        case requestID = "request_id"
        case userID = "user_id"
        case isEncrypted = "encrypted"
        case timestamp
        case content
        case sim
    }
}

extension MessageDelivered: EventData {
    package var message: MessageFacts? {
        MessageFacts(id: messageID, requestID: requestID, content: content, isEncrypted: isEncrypted)
    }

    package var awkward: Self {
        var data = self
        data.content = Sample.awkwardText
        return data
    }

    package func title(of type: EventType) -> String {
        "SMS from \(owner) to \(contact) was delivered"
    }

    package func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("id", messageID)
            o.field("owner", owner)
            o.field("contact", contact)
            o.field("request_id", requestID)
            o.field("user_id", userID)
            o.field("encrypted", isEncrypted)
            o.field("timestamp", timestamp)
            o.field("content", content)
            o.field("sim", sim)
        }
    }
}

extension EventDeclaration {
    static let messageDelivered = EventDeclaration(
        .messageDelivered, EventPayload.messageDelivered, "An SMS was delivered to the recipient's phone.",
        fields: [.id, .owner, .contact, .requestID, .userID, .encrypted, .timestamp, .content, .sim],
        id: "b2a1f2b0-1d0f-4a35-8f6b-5a3c2f9b7c02", source: "/v1/messages/\(Sample.sent)/events",
        at: "2026-07-22T10:16:06.3Z",
        sample: MessageDelivered(
            messageID: Sample.sent, owner: Sample.owner, contact: Sample.contact, requestID: "order-17",
            userID: Sample.user, isEncrypted: false, timestamp: Sample.time("2026-07-22T10:16:05.771Z"),
            content: "Hi", sim: .sim1))
}
