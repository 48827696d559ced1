import Delivery
import HTTPSMSWebhooks
import Hummingbird
import Storage
import Timestamps
import Wire

/// `/v1/messages` for phones. What a phone reports of a number of its own is not refused for its
/// content, as the phone would forget it: whatever is odd about it is noted with the message.
struct PhoneMessageRoutes {
    let operations: MessageOperations
    let inbound: InboundOperations

    /// Adds the routes; `receiving` takes the one with long bodies.
    func add(to group: RouterGroup<PhoneContext>, receiving: RouterGroup<PhoneContext>) {
        group.get("/v1/messages/outstanding", use: outstanding)
        receiving.post("/v1/messages/receive", use: receive)
        group.post("/v1/messages/calls/missed", use: missedCall)
        group.post("/v1/messages/:messageID/events", use: report)
    }

    private func outstanding(_ request: Request, _ context: PhoneContext) async throws -> Reply {
        let text = (QueryParameters(request)["message_id"] ?? "").trimmed
        var errors = FieldErrors()
        errors.require("message_id", text)
        let id = errors.requireID("message_id", text, of: MessageID.self)
        try errors.check("validation errors while fetching outstanding messages")
        guard let id, let message = try await operations.fetchOutstanding(id, identity: context.identity) else {
            throw Refusal.absent("Cannot find outstanding message with ID [\(text)]")
        }
        return Reply("outstanding message fetched successfully", message)
    }

    private struct ReceiveRequest: Decodable {
        let to: ToldText?
        let from: ToldText?
        let content: ToldText?
        let sim: ToldText?
        let encrypted: ToldText?
        let timestamp: ToldText?
        let attachments: ToldList<InboundAttachment>?

        static let others = ["to", "from", "sim", "encrypted", "timestamp", "attachments"]
    }

    private func receive(_ request: Request, _ context: PhoneContext) async throws -> Reply {
        let body = try await request.decodeReport(
            ReceiveRequest.self, freeText: "content", besides: ReceiveRequest.others, in: context,
            limit: Self.receiveLimit)
        let owner = try Self.owner(body.to, or: "validation errors while receiving message")
        let content = body.content?.text ?? ""
        var notes = ReportNotes()
        let contact = notes.contact(body.from?.text, owner: owner)
        if content.isEmpty, body.attachments?.elements.isEmpty ?? true {
            // The app tells so of an MMS that it was only notified of (ReceivedReceiver.kt, WAP_PUSH_RECEIVED).
            notes.add(body.attachments == nil ? "the SMS has no text" : "MMS, not downloaded by the phone")
        }
        notes.look(at: content + contact)
        let sms = InboundOperations.SMS(
            owner: owner, contact: contact, content: content,
            isEncrypted: ["true", "1"].contains(body.encrypted?.text),
            sim: SIM(lenient: body.sim?.text), timestamp: PhoneTime(body.timestamp),
            attachments: body.attachments?.elements ?? [], notes: notes)
        try await context.identity.authorizeReport(to: owner, in: inbound.store)
        let receipt = context.receipt(of: Message.self) { Reply("message received successfully", $0) }
        let message = try await inbound.receive(
            sms, userID: context.userID, source: request.uri.path, origin: context.origin, receipt: receipt)
        return receipt.reply(message)
    }

    /// The phone's own number, which is all that a report must have.
    ///
    /// - Throws: ``Refusal`` `.invalid` with `message`.
    private static func owner(_ told: ToldText?, or message: String) throws -> String {
        let (owner, isE164) = PhoneNumber.ownNumber(told?.text ?? "")
        var errors = FieldErrors()
        errors.require("to", owner)
        errors.requirePhoneNumber("to", isE164: isE164)
        try errors.check(message)
        return owner
    }

    private struct MissedCallRequest: Decodable {
        let to: ToldText?
        let from: ToldText?
        let sim: ToldText?
        let timestamp: ToldText?
    }

    private func missedCall(_ request: Request, _ context: PhoneContext) async throws -> Reply {
        let body = try await request.decodeReport(
            MissedCallRequest.self, freeText: "from", besides: ["to", "sim", "timestamp"], in: context)
        let owner = try Self.owner(body.to, or: "validation errors while storing missed call event")
        var notes = ReportNotes()
        let contact = notes.contact(body.from?.text, owner: owner)
        notes.look(at: contact)
        let call = InboundOperations.Call(
            owner: owner, contact: contact, sim: SIM(lenient: body.sim?.text), timestamp: PhoneTime(body.timestamp),
            notes: notes)
        try await context.identity.authorizeReport(to: owner, in: inbound.store)
        let receipt = context.receipt(of: Message.self) { Reply("missed call event stored successfully", $0) }
        let message = try await inbound.missCall(
            call, userID: context.userID, source: request.uri.path, receipt: receipt)
        return receipt.reply(message)
    }

    private struct ReportRequest: Decodable {
        let eventName: ToldText?
        let reason: ToldText?
        let timestamp: ToldText?
    }

    private func report(_ request: Request, _ context: PhoneContext) async throws -> Response {
        // The app puts the reason between quotes as it is (HttpSmsApiService.kt, sendEvent).
        let body = try await request.decodeReport(
            ReportRequest.self, freeText: "reason", besides: ["event_name", "timestamp"], in: context)
        // The parts of a long SMS are reported as `<uuid>.<n>`; only the last one, without a dot, counts (K5).
        if context.parameters.get("messageID")?.contains(".") == true { return .noContent }
        var errors = FieldErrors()
        let name = body.eventName?.text ?? ""
        errors.require("event_name", name)
        errors.requireOne("event_name", name, of: ["SENT", "FAILED", "DELIVERED"])
        let text = context.parameters.get("messageID") ?? ""
        let id = errors.requireID("messageID", text, of: MessageID.self)
        try errors.check("validation errors while storing event")
        guard let id else { throw Refusal.absent("cannot find message with ID [\(text)]") }
        let report: MessageReport =
            switch name {
            case "SENT": .sent
            case "DELIVERED": .delivered
            default: .failed(reason: Self.failureReason(body.reason?.text))
            }
        let message = try await operations.report(
            report, on: id, at: PhoneTime(body.timestamp), identity: context.identity, source: request.uri.path)
        return Reply("message event stored successfully", message).response(from: request, context: context)
    }

    /// The reason as httpSMS words it, cut to 4,096 characters: the app gives a line, and lists have all of it.
    private static func failureReason(_ reason: String?) -> String {
        guard let reason = reason?.firstScalars(4_096), !reason.isEmpty else { return "UNKNOWN ERROR" }
        guard reason.hasBytes("android.permission.SEND_SMS") else { return reason }
        return reason + """
             You need to grant the SMS permission to the httpSMS Android app \
            https://httpsms.com/blog/grant-send-and-read-sms-permissions-on-android
            """
    }

    /// Three MiB of attachments are four in base64; an app that sends more is still understood.
    static let receiveLimit = 16 << 20
}
