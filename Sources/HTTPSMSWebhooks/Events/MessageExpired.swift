import JSON
import Timestamps

/// The phone did not send an SMS in time: the data of `message.send.expired`.
///
/// The properties stand in the order of the wire.
public struct MessageExpired: Sendable, Hashable, Decodable {
    /// The id of the message, a UUID in lower case.
    public var messageID: String
    /// The phone's own number in E.164 form.
    public var owner: String
    /// How many times the message has been handed to the phone so far, from 1.
    public var sendAttemptCount: Int
    /// Whether no further attempt will be made.
    public var isFinal: Bool
    /// The id that the API client gave the message when it was submitted; nil when it gave none.
    public var requestID: String?
    /// The other party: an E.164 number, a short code, or a sender name such as `MTN`.
    public var contact: String
    /// Whether ``content`` is end-to-end encrypted.
    public var isEncrypted: Bool
    /// The id of the user whose phone it is.
    public var userID: String
    /// When the attempt expired, by the clock of the server.
    public var timestamp: Timestamp
    /// The text, as it was submitted or received: ciphertext when encrypted.
    public var content: String
    /// The slot of the phone.
    public var sim: SIM

    /// Makes the data of an event from all of its members.
    public init(
        messageID: String, owner: String, sendAttemptCount: Int, isFinal: Bool, requestID: String?, contact: String,
        isEncrypted: Bool, userID: String, timestamp: Timestamp, content: String, sim: SIM
    ) {
        self.messageID = messageID
        self.owner = owner
        self.sendAttemptCount = sendAttemptCount
        self.isFinal = isFinal
        self.requestID = requestID
        self.contact = contact
        self.isEncrypted = isEncrypted
        self.userID = userID
        self.timestamp = timestamp
        self.content = content
        self.sim = sim
    }

    enum CodingKeys: String, CodingKey {
        case messageID = "message_id"
        case owner
        case sendAttemptCount = "send_attempt_count"
        case isFinal = "is_final"
        case requestID = "request_id"
        case contact
        case isEncrypted = "encrypted"
        case userID = "user_id"
        case timestamp
        case content
        case sim
    }
}

extension MessageExpired: EventData {
    package var message: MessageFacts? {
        MessageFacts(id: messageID, requestID: requestID, content: content, isEncrypted: isEncrypted)
    }

    package var awkward: Self {
        var data = self
        data.content = Sample.awkwardText
        return data
    }

    package func title(of type: EventType) -> String {
        "SMS from \(owner) to \(contact) was not sent in time\(isFinal ? "" : " and will be tried again")"
    }

    package func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("message_id", messageID)
            o.field("owner", owner)
            o.field("send_attempt_count", sendAttemptCount)
            o.field("is_final", isFinal)
            o.field("request_id", requestID)
            o.field("contact", contact)
            o.field("encrypted", isEncrypted)
            o.field("user_id", userID)
            o.field("timestamp", timestamp)
            o.field("content", content)
            o.field("sim", sim)
        }
    }
}

extension EventDeclaration {
    static let messageExpired = EventDeclaration(
        .messageExpired, EventPayload.messageExpired, "An SMS expired before the phone sent it.",
        fields: [
            .messageID, .owner, .value("send_attempt_count", "integer", "Attempts so far"),
            .value("is_final", "boolean", "Whether no attempt follows"), .requestID, .contact, .encrypted, .userID,
            .timestamp, .content, .sim,
        ],
        id: "d0c9b8a7-6f5e-4d4c-8b3a-291807f6e504", source: "/v1/messages/send", at: "2026-07-22T10:26:00.000812Z",
        sample: MessageExpired(
            messageID: Sample.sent, owner: Sample.owner, sendAttemptCount: 1, isFinal: false, requestID: nil,
            contact: Sample.contact, isEncrypted: false, userID: Sample.user,
            timestamp: Sample.time("2026-07-22T10:26:00.00079Z"), content: "Hi", sim: .sim1))
}
