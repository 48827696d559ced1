import JSON
import Timestamps

/// The phone sent an SMS: the data of `message.phone.sent`.
///
/// The properties stand in the order of the wire.
public struct MessageSent: Sendable, Hashable, Decodable {
    /// The id of the message, a UUID in lower case; `id` on the wire.
    public var messageID: String
    /// The id of the user whose phone it is.
    public var userID: String
    /// The id that the API client gave the message when it was submitted; nil when it gave none.
    public var requestID: String?
    /// The phone's own number in E.164 form.
    public var owner: String
    /// The other party: an E.164 number, a short code, or a sender name such as `MTN`.
    public var contact: String
    /// Whether ``content`` is end-to-end encrypted.
    public var isEncrypted: Bool
    /// When the phone sent the SMS, by its own clock.
    public var timestamp: Timestamp
    /// The text, as it was submitted or received: ciphertext when encrypted.
    public var content: String
    /// The slot of the phone.
    public var sim: SIM

    /// Makes the data of an event from all of its members.
    public init(
        messageID: String, userID: String, requestID: String?, owner: String, contact: String, isEncrypted: Bool,
        timestamp: Timestamp, content: String, sim: SIM
    ) {
        self.messageID = messageID
        self.userID = userID
        self.requestID = requestID
        self.owner = owner
        self.contact = contact
        self.isEncrypted = isEncrypted
        self.timestamp = timestamp
        self.content = content
        self.sim = sim
    }

    enum CodingKeys: String, CodingKey {
        case messageID = "id"
        case userID = "user_id"
        case requestID = "request_id"
        case owner
        case contact
        case isEncrypted = "encrypted"
        case timestamp
        case content
        case sim
    }
}

extension MessageSent: EventData {
    package var message: MessageFacts? {
        MessageFacts(id: messageID, requestID: requestID, content: content, isEncrypted: isEncrypted)
    }

    package var awkward: Self {
        var data = self
        data.content = Sample.awkwardText
        return data
    }

    package func title(of type: EventType) -> String {
        "SMS from \(owner) to \(contact) was sent"
    }

    package func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("id", messageID)
            o.field("user_id", userID)
            o.field("request_id", requestID)
            o.field("owner", owner)
            o.field("contact", contact)
            o.field("encrypted", isEncrypted)
            o.field("timestamp", timestamp)
            o.field("content", content)
            o.field("sim", sim)
        }
    }
}

extension EventDeclaration {
    static let messageSent = EventDeclaration(
        .messageSent, EventPayload.messageSent, "The phone sent an SMS.",
        fields: [.id, .userID, .requestID, .owner, .contact, .encrypted, .timestamp, .content, .sim],
        id: "7a3a2b38-7d39-4a6e-9e1f-0d9a4c3c9a01", source: "/v1/messages/\(Sample.sent)/events",
        at: "2026-07-22T10:16:02.1002Z",
        sample: MessageSent(
            messageID: Sample.sent, userID: Sample.user, requestID: nil, owner: Sample.owner,
            contact: Sample.contact, isEncrypted: false, timestamp: Sample.time("2026-07-22T10:16:01.902Z"),
            content: "Hi", sim: .sim1))
}
