import Delivery
import HTTPSMSWebhooks
import Hummingbird
import Storage
import Timestamps

/// `/v1/messages` for phones (contract 4.1.3 to 4.1.6). A well-formed inbound SMS is never answered with a 4xx: the phone
/// would forget it.
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
            throw APIError.notFound("Cannot find outstanding message with ID [\(text)]")
        }
        return Reply("outstanding message fetched successfully", message)
    }

    private struct ReceiveRequest: Decodable {
        let to: String?
        let from: String?
        let content: String?
        let sim: String?
        let encrypted: Bool?
        let timestamp: PhoneTime?
        let attachments: [InboundAttachment]?
    }

    private func receive(_ request: Request, _ context: PhoneContext) async throws -> Reply {
        let body = try await request.decode(ReceiveRequest.self, in: context, limit: Self.receiveLimit)
        let owner = PhoneNumber.address(body.to ?? "")
        let attachments = body.attachments ?? []
        let content = body.content ?? ""
        let sms = InboundOperations.SMS(
            owner: owner, contact: PhoneNumber.contact(body.from ?? "", owner: owner), content: content,
            isEncrypted: body.encrypted ?? false, sim: SIM(lenient: body.sim), timestamp: body.timestamp,
            attachments: attachments)
        var errors = FieldErrors()
        errors.require("to", owner)
        errors.requirePhoneNumber("to", owner)
        errors.require("from", sms.contact)
        if attachments.isEmpty { errors.require("content", content) }
        try errors.check("validation errors while receiving message")
        try await context.identity.authorizeReport(to: owner, in: inbound.store)
        let receipt = context.receipt(of: Message.self) { Reply("message received successfully", $0) }
        let message = try await inbound.receive(
            sms, userID: context.userID, source: request.uri.path, origin: context.origin, receipt: receipt)
        return receipt.reply(message)
    }

    private struct MissedCallRequest: Decodable {
        let to: String?
        let from: String?
        let sim: String?
        let timestamp: PhoneTime?
    }

    private func missedCall(_ request: Request, _ context: PhoneContext) async throws -> Reply {
        let body = try await request.decode(MissedCallRequest.self, in: context)
        let owner = PhoneNumber.address(body.to ?? "")
        let call = InboundOperations.Call(
            owner: owner, contact: PhoneNumber.contact(body.from ?? "", owner: owner), sim: SIM(lenient: body.sim),
            timestamp: body.timestamp)
        var errors = FieldErrors()
        errors.require("to", owner)
        errors.requirePhoneNumber("to", owner)
        errors.require("from", call.contact)
        try errors.check("validation errors while storing missed call event")
        try await context.identity.authorizeReport(to: owner, in: inbound.store)
        let receipt = context.receipt(of: Message.self) { Reply("missed call event stored successfully", $0) }
        let message = try await inbound.missCall(
            call, userID: context.userID, source: request.uri.path, receipt: receipt)
        return receipt.reply(message)
    }

    private struct ReportRequest: Decodable {
        let eventName: String?
        let reason: String?
        let timestamp: PhoneTime?
    }

    private func report(_ request: Request, _ context: PhoneContext) async throws -> Response {
        let body = try await request.decode(ReportRequest.self, in: context)
        // The parts of a long SMS are reported as `<uuid>.<n>`; only the last one, without a dot, counts (K5).
        if context.parameters.get("messageID")?.contains(".") == true { return .noContent }
        var errors = FieldErrors()
        let name = body.eventName ?? ""
        errors.require("event_name", name)
        errors.requireOne("event_name", name, of: ["SENT", "FAILED", "DELIVERED"])
        let text = context.parameters.get("messageID") ?? ""
        let id = errors.requireID("messageID", text, of: MessageID.self)
        try errors.check("validation errors while storing event")
        guard let id else { throw APIError.notFound("cannot find message with ID [\(text)]") }
        let report: MessageReport =
            switch name {
            case "SENT": .sent
            case "DELIVERED": .delivered
            default: .failed(reason: Self.failureReason(body.reason))
            }
        let message = try await operations.report(
            report, on: id, at: body.timestamp, identity: context.identity, source: request.uri.path)
        return Reply("message event stored successfully", message).response(from: request, context: context)
    }

    /// The reason as httpSMS words it (contract 4.1.5).
    private static func failureReason(_ reason: String?) -> String {
        guard let reason, !reason.isEmpty else { return "UNKNOWN ERROR" }
        guard reason.contains("android.permission.SEND_SMS") else { return reason }
        return reason + """
             You need to grant the SMS permission to the httpSMS Android app \
            https://httpsms.com/blog/grant-send-and-read-sms-permissions-on-android
            """
    }

    /// Three MiB of attachments are four in base64 (Q8); an app that sends more is still understood.
    static let receiveLimit = 16 << 20
}
