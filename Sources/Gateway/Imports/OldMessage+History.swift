import HTTPSMSWebhooks
import Storage
import Timestamps
import Wire

/// Whose conversation a message is in, as this server writes the two numbers.
package struct Parties: Hashable, Sendable {
    /// Our phone.
    package let owner: String
    /// The other party.
    package let contact: String

    /// Reads numbers as a phone's report is read, so that one person is one conversation; nil for an owner that no phone has.
    init?(owner: String, contact: String) {
        guard !owner.isEmpty, owner.utf8.count <= Self.longest, contact.utf8.count <= Self.longest else { return nil }
        var notes = ReportNotes()
        let number = PhoneNumber.address(owner.storable)
        (self.owner, self.contact) = (number, notes.contact(contact.storable, owner: number))
    }

    /// In bytes; the name of a sender has a few dozen.
    private static let longest = 1_024
}

extension Message {
    /// The `source` of what was imported; no request has this path.
    static let importSource = "/import"
}

extension OldMessage {
    /// What becomes of a message of another server.
    enum History: Sendable {
        /// It is over there, and is kept here.
        case over(Message)
        /// The other server still has to send it. Here it would be sent a second time, or look as if somebody would.
        case waits
        /// Nothing can be made of it, and why.
        case unusable(String)
    }

    /// How it is stored here, as `id`; nil for the id that it has there.
    ///
    /// | there | here |
    /// |---|---|
    /// | `pending`, `scheduled`, `sending`, touched within 30 days | waits |
    /// | the same, older: no server waits for so long | `failed`, with a note |
    /// | an outgoing message of another status | `failed`, with a note |
    /// | an inbound one of another status | `received`, with a note |
    /// | a time before 2000 or more than a day ahead | the next best time of the message, and what was said as that of the phone |
    /// | a longer text than a phone may report | cut, with a note |
    func history(as given: MessageID? = nil, of userID: UserID, at now: Timestamp) -> History {
        guard let own = MessageID(id) else { return .unusable("it has no id") }
        guard let kind = MessageType(rawValue: type) else {
            return .unusable("its type is '\(type.firstScalars(Self.longestName))'")
        }
        guard let parties = Parties(owner: owner, contact: contact) else {
            return .unusable("it has no number of a phone")
        }
        let shown = self.status.firstScalars(Self.longestName).storable
        var notes: [String] = []
        let status: MessageStatus
        switch (kind, MessageStatus(rawValue: self.status)) {
        case (.mobileTerminated, .sent?): status = .sent
        case (.mobileTerminated, .delivered?): status = .delivered
        case (.mobileTerminated, .failed?): status = .failed
        case (.mobileTerminated, .expired?): status = .expired
        case (.mobileTerminated, .pending?), (.mobileTerminated, .scheduled?), (.mobileTerminated, .sending?):
            if let last = lastTouch(at: now), last > now - Self.longestWait { return .waits }
            status = .failed
            notes.append("still '\(shown)' on the old server when it was imported, and not sent by this one")
        case (.mobileTerminated, _):
            status = .failed
            notes.append("its status was '\(shown)' on the old server")
        case (_, .received?): status = .received
        default:
            status = .received
            notes.append("its status was '\(shown)' on the old server")
        }
        return .over(message(as: given ?? own, userID: userID, parties, kind, status, notes, at: now))
    }

    private func message(
        as id: MessageID, userID: UserID, _ parties: Parties, _ type: MessageType, _ status: MessageStatus,
        _ notes: [String], at now: Timestamp
    ) -> Message {
        // The server's own times first.
        let times = [
            createdAt, requestReceivedAt, orderTimestamp, receivedAt, updatedAt, lastAttemptedAt, scheduledAt, sentAt,
            scheduledSendTime, deliveredAt, expiredAt, failedAt,
        ]
        let base = times.lazy.compactMap { $0?.believed(at: now) }.first ?? now
        let disbelieved = times.lazy.compactMap { $0?.disbelieved(at: now) }.first
        func time(_ told: PhoneTime?) -> Timestamp? { told.map { $0.believed(at: now) ?? base } }
        let (text, textNotes) = keptContent()
        let (urls, urlNotes) = keptAttachments()
        let reasons = [failureReason?.storable.firstScalars(Self.longestReason)].compactMap(\.self).filter {
            !$0.isEmpty
        }
        let remarks = reasons + notes + textNotes + urlNotes
        let requestID = requestID?.storable.firstBytes(Self.longestRequestID)
        let created = time(createdAt) ?? base
        let updated = time(updatedAt) ?? created
        let isOutgoing = type == .mobileTerminated
        return Message(
            id: id, requestID: requestID?.isEmpty == true ? nil : requestID, owner: parties.owner, userID: userID,
            contact: parties.contact, content: text, attachments: urls, isEncrypted: isEncrypted, type: type,
            status: status, sim: SIM(lenient: sim), sendTime: sendTime.map { Duration.nanoseconds(max(0, $0)) },
            requestReceivedAt: time(requestReceivedAt) ?? base, createdAt: created, updatedAt: updated,
            orderTimestamp: min(time(orderTimestamp) ?? base, now), lastAttemptedAt: time(lastAttemptedAt),
            scheduledAt: time(scheduledAt), sentAt: time(sentAt), scheduledSendTime: time(scheduledSendTime),
            deliveredAt: time(deliveredAt), expiredAt: time(expiredAt),
            failedAt: time(failedAt) ?? (status == .failed ? updated : nil),
            sendAttemptCount: Self.count(sendAttemptCount),
            maxSendAttempts: isOutgoing ? Self.count(maxSendAttempts) : 0,
            receivedAt: time(receivedAt), failureReason: remarks.isEmpty ? nil : remarks.joined(separator: "; "),
            source: Message.importSource, eventCount: 0, disbelievedTime: disbelieved?.storable)
    }

    /// When something happened to it last, of the times that can be right; nil when none can.
    private func lastTouch(at now: Timestamp) -> Timestamp? {
        [createdAt, updatedAt, requestReceivedAt, orderTimestamp, scheduledSendTime, lastAttemptedAt]
            .compactMap { $0?.believed(at: now) }.max()
    }

    private func keptContent() -> (String, [String]) {
        let longest = InboundOperations.SMS.longestContent
        let text = content.storable
        let count = text.utf8.count
        guard count > longest else { return (text, []) }
        return (text.firstBytes(longest), ["the text had \(count) bytes, of which the first \(longest) are kept"])
    }

    /// The addresses as they are: the files stay where they are. They are stored one a line.
    private func keptAttachments() -> ([String], [String]) {
        let urls = attachments.filter { !$0.isEmpty }
        let kept = urls.prefix(Self.mostAttachments).filter { url in
            url.utf8.count <= Self.longestURL && !url.utf8.contains { $0 < 0x20 }
        }
        let lost = urls.count - kept.count
        return (kept.map(\.storable), lost > 0 ? ["\(lost) attachments have no usable address"] : [])
    }

    private static func count(_ told: Int64) -> Int { Int(clamping: min(max(0, told), 1_000)) }

    /// An SMS waits for its time for 20 days at most, and then some minutes for the phone (httpSMS, message_handler_validator.go).
    static let longestWait: Duration = .seconds(30 * 86_400)
    /// In characters, of a word that we do not know.
    private static let longestName = 40
    /// In characters; a phone's reason has a line.
    private static let longestReason = 2_000
    /// In bytes, as in requests.
    private static let longestRequestID = 255
    /// An MMS has ten at most.
    private static let mostAttachments = 100
    /// In bytes, as of callback URLs.
    private static let longestURL = 2_048
}
