import Storage
import Timestamps
import Wire

extension MessageOperations {
    /// What a client wants sent.
    package struct Draft: Sendable {
        /// The account's own number, canonical.
        package let from: String
        /// The recipient, canonical.
        package let to: String
        /// The text.
        package let content: String
        let attachments: [String]
        let isEncrypted: Bool
        let requestID: String?
        let sendAt: Timestamp?

        /// Says it all: `from` and `to` are canonical, and no attachment is blank.
        package init(
            from: String, to: String, content: String, attachments: [String], isEncrypted: Bool, requestID: String?,
            sendAt: Timestamp?
        ) {
            (self.from, self.to, self.content, self.attachments) = (from, to, content, attachments)
            (self.isEncrypted, self.requestID, self.sendAt) = (isEncrypted, requestID, sendAt)
        }
    }
}

extension MessageOperations.Draft {
    /// What was asked for, with numbers made canonical and without blank attachments; nil is as good as
    /// empty.
    package init(
        reading from: String?, to: String?, content: String?, attachments: [String]?, isEncrypted: Bool?,
        requestID: String?, sendAt: Timestamp?
    ) {
        let requestID = (requestID ?? "").trimmed
        let owner = PhoneNumber.address(from ?? "")
        self.init(
            from: owner, to: PhoneNumber.contact(to ?? "", owner: owner), content: content ?? "",
            attachments: (attachments ?? []).map(\.trimmed).filter { !$0.isEmpty }, isEncrypted: isEncrypted ?? false,
            requestID: requestID.isEmpty ? nil : requestID, sendAt: sendAt)
    }

    /// The same to the same once more, at `time`; nil for at once.
    package init(again message: Message, at time: Timestamp? = nil) {
        self.init(
            from: message.owner, to: message.contact, content: message.content, attachments: message.attachments,
            isEncrypted: message.isEncrypted, requestID: message.requestID, sendAt: time)
    }

    /// Tries the rules for a message to one recipient.
    ///
    /// - Throws: ``Refusal`` `.invalid`.
    package func check(at now: Timestamp) throws(Refusal) {
        var errors = FieldErrors()
        errors.require("from", from)
        errors.requirePhoneNumber("from", from)
        errors.require("to", to)
        errors.requireContact("to", to)
        errors.require("content", content)
        errors.requireCharacters("content", content, max: 2_048)
        errors.requireAttachmentURLs("attachments", attachments)
        errors.requireBytes("request_id", requestID ?? "", max: 255)
        if let sendAt, sendAt - now > Self.furthestSendAt {
            errors.add("send_at", "the scheduled time cannot be more than 20 days (480 hours) in the future")
        }
        try errors.check("validation errors while sending message")
    }

    /// How far ahead a message may be planned: 20 days, as in httpSMS.
    private static let furthestSendAt: Duration = .seconds(480 * 3_600)
}
