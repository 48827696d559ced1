import HTTPSMSWebhooks
import JSON
import NIOHTTP1

/// An SMS that is to be sent.
package struct OutgoingSMS: Sendable {
    /// The number of a phone of the account.
    package var from: String
    /// The recipient.
    package var to: String
    /// The text.
    package var content: String
    /// URLs of files.
    package var attachments: [String]
    /// What the sender calls the message; nil for nothing.
    package var requestID: String?
    /// When it is to be sent, RFC 3339; nil for now.
    package var sendAt: String?
    /// A URL that its events are sent to, beside the webhooks; nil for none.
    package var callbackURL: String?
    /// What the text is encrypted with, end to end; nil sends it in clear.
    package var passphrase: String?

    /// Describes a message.
    package init(
        from: String, to: String, content: String, attachments: [String] = [], requestID: String? = nil,
        sendAt: String? = nil, callbackURL: String? = nil, passphrase: String? = nil
    ) {
        self.from = from
        self.to = to
        self.content = content
        self.attachments = attachments
        self.requestID = requestID
        self.sendAt = sendAt
        self.callbackURL = callbackURL
        self.passphrase = passphrase
    }
}

extension ServerClient {
    /// Hands a message to the server, which sends it through the phone.
    package func send(_ message: OutgoingSMS) async throws -> ClientOutput {
        var body = Body(message: message, content: message.content)
        if let passphrase = message.passphrase {
            body.content = try MessageCipher(passphrase: passphrase).encrypt(message.content)
        }
        let answer = try await call(.POST, "/v1/messages/send", body)
        let sent: RemoteMessage = try answer.decode()
        let text = TextList([
            ("id", sent.id), ("from", sent.owner), ("to", sent.contact), ("status", sent.status),
            ("request id", sent.requestId), ("send at", sent.scheduledSendTime),
        ]).text
        return ClientOutput(text: text, json: answer.data)
    }

    /// Who the key belongs to; how a key is tried out.
    package func user() async throws -> ClientOutput {
        struct RemoteUser: Decodable {
            let id: String
            let email: String
        }
        let answer = try await call(.GET, "/v1/users/me")
        let user: RemoteUser = try answer.decode()
        let text = TextList([
            ("id", user.id), ("email", user.email), ("server", settings.url), ("key of", settings.keySource),
        ]).text
        return ClientOutput(text: text, json: answer.data)
    }

    private struct RemoteMessage: Decodable {
        let id: String
        let owner: String
        let contact: String
        let status: String
        let requestId: String?
        let scheduledSendTime: String?
    }

    private struct Body: JSONWritable {
        let message: OutgoingSMS
        var content: String

        func write(to json: inout JSONWriter) {
            json.object { o in
                o.field("from", message.from)
                o.field("to", message.to)
                o.field("content", content)
                if !message.attachments.isEmpty { o.field("attachments", message.attachments) }
                o.field("encrypted", message.passphrase != nil)
                if let requestID = message.requestID { o.field("request_id", requestID) }
                if let sendAt = message.sendAt { o.field("send_at", sendAt) }
                if let callbackURL = message.callbackURL { o.field("callback_url", callbackURL) }
            }
        }
    }
}
