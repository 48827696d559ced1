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

extension MessageFailed: JSONWritable {
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
