import JSON
import Timestamps

/// An SMS arrived on the phone: the data of `message.phone.received`.
///
/// The properties stand in the order of the wire.
public struct MessageReceived: Sendable, Hashable, Decodable {
    /// The id of the message, a UUID in lower case.
    public var messageID: String
    /// The id of the user whose phone it is.
    public var userID: String
    /// The phone's own number in E.164 form.
    public var owner: String
    /// Whether ``content`` is end-to-end encrypted.
    public var isEncrypted: Bool
    /// The other party: an E.164 number, a short code, or a sender name such as `MTN`.
    public var contact: String
    /// When the phone received the SMS, by its own clock.
    public var timestamp: Timestamp
    /// The text, as it was submitted or received: ciphertext when encrypted.
    public var content: String
    /// The slot of the phone.
    public var sim: SIM
    /// The URLs of the attachments; empty when there are none.
    public var attachments: [String]

    /// Makes the data of an event from all of its members.
    public init(
        messageID: String, userID: String, owner: String, isEncrypted: Bool, contact: String, timestamp: Timestamp,
        content: String, sim: SIM, attachments: [String]
    ) {
        self.messageID = messageID
        self.userID = userID
        self.owner = owner
        self.isEncrypted = isEncrypted
        self.contact = contact
        self.timestamp = timestamp
        self.content = content
        self.sim = sim
        self.attachments = attachments
    }

    enum CodingKeys: String, CodingKey {
        case messageID = "message_id"
        case userID = "user_id"
        case owner
        case isEncrypted = "encrypted"
        case contact
        case timestamp
        case content
        case sim
        case attachments
    }

    /// Decodes the data; `attachments` may be null or absent, as other httpSMS servers send it, and is then empty.
    public init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: CodingKeys.self)
        messageID = try members.decode(String.self, forKey: .messageID)
        userID = try members.decode(String.self, forKey: .userID)
        owner = try members.decode(String.self, forKey: .owner)
        isEncrypted = try members.decode(Bool.self, forKey: .isEncrypted)
        contact = try members.decode(String.self, forKey: .contact)
        timestamp = try members.decode(Timestamp.self, forKey: .timestamp)
        content = try members.decode(String.self, forKey: .content)
        sim = try members.decode(SIM.self, forKey: .sim)
        attachments = try members.decodeIfPresent([String].self, forKey: .attachments) ?? []
    }
}

extension MessageReceived: EventData {
    package var message: MessageFacts? {
        MessageFacts(
            id: messageID, requestID: nil, content: content, isEncrypted: isEncrypted, attachments: attachments)
    }

    package var awkward: Self {
        var data = self
        data.content = Sample.awkwardText
        data.contact = Sample.awkwardContact
        return data
    }

    package func title(of type: EventType) -> String {
        "SMS from \(contact) to \(owner)"
    }

    package func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("message_id", messageID)
            o.field("user_id", userID)
            o.field("owner", owner)
            o.field("encrypted", isEncrypted)
            o.field("contact", contact)
            o.field("timestamp", timestamp)
            o.field("content", content)
            o.field("sim", sim)
            o.field("attachments", attachments)
        }
    }
}

extension EventDeclaration {
    static let messageReceived = EventDeclaration(
        .messageReceived, EventPayload.messageReceived, "The phone received an SMS.",
        fields: [.messageID, .userID, .owner, .encrypted, .contact, .timestamp, .content, .sim, .attachments],
        id: "f4aed1d3-ab4f-42b9-b9dd-9fc7182f7197", source: "/v1/messages/receive", at: "2026-07-22T10:15:30.524331Z",
        sample: MessageReceived(
            messageID: Sample.received, userID: Sample.user, owner: Sample.owner, isEncrypted: false,
            contact: Sample.contact, timestamp: Sample.time("2026-07-22T10:15:29.814Z"), content: "Hello", sim: .sim1,
            attachments: [
                "https://api.example.com/v1/attachments/\(Sample.user)/\(Sample.received)/0/photo.jpg"
            ]))
}
