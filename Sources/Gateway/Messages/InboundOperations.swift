import Delivery
import HTTPSMSWebhooks
import Secrets
import Storage
import Synchronization
import Timestamps

/// Takes in what comes to a phone: SMS and missed calls. A phone that repeats itself gets its first answer again.
struct InboundOperations: Sendable {
    let store: any Store
    let attachments: AttachmentStorage
    let quotas: Quotas
    let clock: any WallClock
    /// What attachment URLs begin with, given what a trusted proxy says.
    let appURL: @Sendable (_ told: String?) -> String

    /// What a phone received.
    struct SMS: Sendable {
        let owner: String
        let contact: String
        /// Of any length; what is kept of it, see ``longestContent``.
        var content: String
        let isEncrypted: Bool
        let sim: SIM
        /// By the phone's clock; nil when it did not say.
        let timestamp: PhoneTime?
        /// Nil for those that cannot be read.
        let attachments: [InboundAttachment?]
        let notes: ReportNotes
        var recognition = Recognition.byTime
        /// What the sender of the report calls it, the same on each try, within its kind; nil when it has no name.
        var reportID: [String]?

        /// The same with its text cut to ``longestContent``, and the note that says so; none for a text that is no longer.
        func cut() -> (sms: SMS, notes: [String]) {
            let count = content.utf8.count
            guard count > Self.longestContent else { return (self, []) }
            var cut = self
            // Half a character at its end becomes U+FFFD.
            cut.content = String(decoding: content.utf8.prefix(Self.longestContent), as: UTF8.self)
            return (cut, ["the text had \(count) bytes, of which the first \(Self.longestContent) are kept"])
        }

        /// 128 KiB: more than the 255 parts of the longest SMS hold, also encrypted and in base64.
        static let longestContent = 128 << 10
    }

    /// How a report is known again that is repeated. Owner, contact, content and SIM are the same in any case.
    enum Recognition: Sendable {
        /// By the time that it tells. One that tells none is never a repetition.
        case byTime
        /// By what its sender calls it, which also names the sender.
        case byID(String)
        /// For ten minutes from the first one, as nothing else tells them apart.
        case byAge
    }

    /// A call that nobody took.
    struct Call: Sendable {
        let owner: String
        let contact: String
        let sim: SIM
        /// By the phone's clock; nil when it did not say.
        let timestamp: PhoneTime?
        let notes: ReportNotes
    }

    /// Stores an inbound SMS and tells webhooks; files are durable before the message is.
    ///
    /// The same owner, contact, timestamp, content and SIM are the same SMS, answered with the first message; see
    /// ``Recognition`` for senders that have no timestamp, or another way.
    func receive(
        _ sms: SMS, userID: UserID, source: String, origin: RequestOrigin, receipt: Receipt<Message>
    ) async throws -> Message {
        let (sms, cut) = sms.cut()
        let now = clock.now()
        let id = MessageID(at: now)
        let eventID = EventID(at: now)
        let kept = AttachmentRules.keep(sms.attachments, of: id)
        try await attachments.prepare(kept.files)
        let bytes = kept.files.reduce(0) { $0 + $1.data.count }
        let urls = kept.files.map { $0.attachment.url(base: appURL(origin.baseURL), userID: userID, message: id) }
        let ending = BodyEnding()
        let message: Message
        do {
            message = try await store.write(for: userID) { tx in
                let answered = try receipt.keep(in: tx) {
                    func message(_ attachments: [String], _ attachmentNotes: [String]) -> Message {
                        Message(
                            incoming: .mobileOriginated, id: id, userID: userID, owner: sms.owner,
                            contact: sms.contact, content: sms.content, attachments: attachments,
                            isEncrypted: sms.isEncrypted, sim: sms.sim, timestamp: sms.timestamp,
                            notes: sms.notes.texts + cut + attachmentNotes, source: source, at: tx.now)
                    }
                    let whole = message(urls, kept.notes)
                    if let reportID = sms.reportID, let first = try first(whole, named: reportID, in: tx) {
                        return first
                    }
                    let parts = [sms.content, sms.sim.rawValue]
                    if let first = try first(whole, sms, parts: parts, in: tx) { return first }
                    // After the look for a repeat, which takes no more space.
                    let isKept = try quotas.take(attachmentBytes: bytes, userID: userID, in: tx)
                    let message = isKept ? whole : message([], [Self.overQuota])
                    try MessageQueries.insert(message, in: tx)
                    if isKept { try attachments.insert(kept.files, userID: userID, in: tx) }
                    try message.emit(message.arrivalPayload, id: eventID, source: source, in: tx)
                    return message
                }
                ending.reach()
                return answered
            }
        } catch {
            // Otherwise it may be committed, as when the answer to a COMMIT is lost: its files stay, and if it is not, the sweep
            // for files without a message takes them.
            if !ending.isReached { await attachments.abandon(kept.files) }
            throw error
        }
        if message.id == id, !message.attachments.isEmpty { return message }
        if message.id != id { try await attachments.supply(kept.files, to: message, in: store) }
        await attachments.abandon(kept.files)
        return message
    }

    private static let overQuota =
        "attachments were not kept: the account has kept as many bytes as it may in one day"

    private static let noReply =
        "no automatic reply was sent: the account has sent as many messages as it may in one day"

    /// Stores a missed call, tells webhooks, and sends the phone's auto-reply when it has one. Where the account may send no more
    /// today, the call says that there was none.
    func missCall(
        _ call: Call, userID: UserID, source: String, receipt: Receipt<Message>
    ) async throws -> Message {
        let now = clock.now()
        let id = MessageID(at: now)
        let replyID = MessageID(at: now)
        let eventID = EventID(at: now)
        return try await store.write(for: userID) { tx in
            try receipt.keep(in: tx) {
                var message = Message(
                    incoming: .missedCall, id: id, userID: userID, owner: call.owner, contact: call.contact,
                    content: "", attachments: [], isEncrypted: false, sim: call.sim, timestamp: call.timestamp,
                    notes: call.notes.texts, source: source, at: tx.now)
                let parts = [call.sim.rawValue]
                if let first = try first(message, told: call.timestamp, kind: "call", parts: parts, in: tx) {
                    return first
                }
                let phone = try PhoneQueries.find(number: call.owner, userID: userID, in: tx)
                // The account is locked before the thread that the call belongs to.
                if phone?.missedCallAutoReply != nil { try quotas.lock(userID, in: tx) }
                try MessageQueries.insert(message, in: tx)
                // A name or a hidden number cannot be written to.
                if let phone, let reply = phone.missedCallAutoReply, PhoneNumber.isContact(call.contact) {
                    let answer = Message(
                        outgoing: replyID, from: phone, to: call.contact, content: reply,
                        requestID: "missed-call-\(id)", source: source, at: tx.now)
                    do {
                        _ = try MessagePlanner.add([answer], from: phone, within: quotas, in: tx)
                    } catch let refusal as Refusal where refusal.kind == .tooMany {
                        message = try MessageQueries.note(Self.noReply, on: message, in: tx)
                    }
                }
                try message.emit(message.arrivalPayload, id: eventID, source: source, in: tx)
                return message
            }
        }
    }

    /// The message that `message` repeats, which `sms` became; nil when it is new.
    private func first(
        _ message: Message, _ sms: SMS, parts: [String], in tx: any Transaction
    ) throws -> Message? {
        let identity = [message.userID.text, message.owner, message.contact]
        switch sms.recognition {
        case .byTime: return try first(message, told: sms.timestamp, kind: "sms", parts: parts, in: tx)
        case .byID(let name): return try first(message, named: ["sms id"] + identity + [name] + parts, in: tx)
        case .byAge:
            return try first(message, named: ["sms lately"] + identity + parts, within: Self.lately, in: tx)
        }
    }

    /// Apps that repeat a request do so a few times within minutes; people rarely write the same twice in that time.
    private static let lately: Duration = .seconds(600)

    /// The message that `message` repeats; nil when it is new, or its time is not known, as then nothing tells repeats.
    ///
    /// A repeated message that was deleted is answered as it was, and not made again.
    private func first(
        _ message: Message, told timestamp: PhoneTime?, kind: String, parts: [String], in tx: any Transaction
    ) throws -> Message? {
        guard let timestamp else { return nil }
        return try first(
            message, named: [kind, message.userID.text, message.owner, message.contact, timestamp.identity] + parts,
            in: tx)
    }

    /// The message that arrived under this name before, no longer than `age` ago; nil when it is new.
    private func first(
        _ message: Message, named parts: [String], within age: Duration? = nil, in tx: any Transaction
    ) throws -> Message? {
        let digest = SHA256Digest.bytes(parts: parts)
        let known =
            if let age {
                try MessageQueries.claimDigest(digest, for: message.id, within: age, in: tx)
            } else {
                try MessageQueries.claimDigest(digest, for: message.id, in: tx)
            }
        guard let first = known else { return nil }
        return try MessageQueries.find(first, userID: message.userID, in: tx) ?? message.with(id: first)
    }
}

extension Message {
    /// The same message under another id, without its attachments.
    fileprivate func with(id: MessageID) -> Message {
        Message(
            incoming: type, id: id, userID: userID, owner: owner, contact: contact, content: content, attachments: [],
            isEncrypted: isEncrypted, sim: sim, timestamp: PhoneTime(requestReceivedAt), notes: [], source: source,
            at: createdAt)
    }
}

/// Whether the body of a transaction ever came to its end. Until then nothing of it can be committed; from then on only the store's
/// success says that it is, and nothing says that it is not.
private final class BodyEnding: Sendable {
    private let reached = Mutex(false)

    /// Notes that a run is at its end.
    func reach() { reached.withLock { $0 = true } }

    /// Whether a run was.
    var isReached: Bool { reached.withLock { $0 } }
}
