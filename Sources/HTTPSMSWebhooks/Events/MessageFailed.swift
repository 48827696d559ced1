import JSON
import Timestamps

/// The phone could not send an SMS: the data of `message.send.failed`.
///
/// The properties stand in the order of the wire.
public struct MessageFailed: Sendable, Hashable, Decodable {
    /// The id of the message, a UUID in lower case; `id` on the wire.
    public var messageID: String
    /// Why sending failed, such as `NO_SERVICE`.
    public var errorMessage: String
    /// The id of the user whose phone it is.
    public var userID: String
    /// The phone's own number in E.164 form.
    public var owner: String
    /// The id that the API client gave the message when it was submitted; nil when it gave none.
    public var requestID: String?
    /// The other party: an E.164 number, a short code, or a sender name such as `MTN`.
    public var contact: String
    /// When sending failed, by the clock of whoever noticed: mostly the phone.
    public var timestamp: Timestamp
    /// Whether ``content`` is end-to-end encrypted.
    public var isEncrypted: Bool
    /// The text, as it was submitted or received: ciphertext when encrypted.
    public var content: String
    /// The slot of the phone.
    public var sim: SIM

    /// Makes the data of an event from all of its members.
    public init(
        messageID: String, errorMessage: String, userID: String, owner: String, requestID: String?, contact: String,
        timestamp: Timestamp, isEncrypted: Bool, content: String, sim: SIM
    ) {
        self.messageID = messageID
        self.errorMessage = errorMessage
        self.userID = userID
        self.owner = owner
        self.requestID = requestID
        self.contact = contact
        self.timestamp = timestamp
        self.isEncrypted = isEncrypted
        self.content = content
        self.sim = sim
    }

    enum CodingKeys: String, CodingKey {
        case messageID = "id"
        case errorMessage = "error_message"
        case userID = "user_id"
        case owner
        case requestID = "request_id"
        case contact
        case timestamp
        case isEncrypted = "encrypted"
        case content
        case sim
    }
}

extension MessageFailed: EventData {
    package var message: MessageFacts? {
        MessageFacts(id: messageID, requestID: requestID, content: content, isEncrypted: isEncrypted)
    }

    package var awkward: Self {
        var data = self
        data.content = Sample.awkwardText
        data.errorMessage = Sample.awkwardText
        return data
    }

    package func title(of type: EventType) -> String {
        "SMS from \(owner) to \(contact) failed: \(errorMessage)"
    }

    package func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("id", messageID)
            o.field("error_message", errorMessage)
            o.field("user_id", userID)
            o.field("owner", owner)
            o.field("request_id", requestID)
            o.field("contact", contact)
            o.field("timestamp", timestamp)
            o.field("encrypted", isEncrypted)
            o.field("content", content)
            o.field("sim", sim)
        }
    }
}

extension EventDeclaration {
    static let messageFailed = EventDeclaration(
        .messageFailed, EventPayload.messageFailed, "The phone could not send an SMS.",
        fields: [
            .id, .text("error_message", "Why, as the phone says"), .userID, .owner, .requestID, .contact, .timestamp,
            .encrypted, .content, .sim,
        ],
        id: "c1d2e3f4-0a1b-4c2d-8e3f-4a5b6c7d8e03", source: "/v1/messages/\(Sample.sent)/events",
        at: "2026-07-22T10:16:02.55Z",
        sample: MessageFailed(
            messageID: Sample.sent, errorMessage: "NO_SERVICE", userID: Sample.user, owner: Sample.owner,
            requestID: nil, contact: Sample.contact, timestamp: Sample.time("2026-07-22T10:16:02.1Z"),
            isEncrypted: false, content: "Hi", sim: .sim1))
}
