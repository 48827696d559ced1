import Delivery
import HTTPSMSWebhooks
import Hummingbird
import Storage
import Timestamps

/// What can be done to a webhook besides changing it. Every action takes an empty body.
struct WebhookActions {
    let operations: WebhookOperations

    func add(to group: RouterGroup<UserContext>) {
        group.post("/v1/webhooks/:webhookID/test", use: test)
        group.post("/v1/webhooks/:webhookID/pause", use: pause)
        group.post("/v1/webhooks/:webhookID/resume", use: resume)
        group.post("/v1/webhooks/:webhookID/rotate", use: rotate)
        group.post("/v1/webhooks/:webhookID/rotate/finish", use: finishRotation)
    }

    private struct TestRequest: Decodable {
        let event: String?
    }

    private func test(_ request: Request, _ context: UserContext) async throws -> Reply {
        let message = "validation errors while testing webhook"
        let name = try await request.decodeIfPresent(TestRequest.self)?.event ?? EventType.messageReceived.rawValue
        let (id, _) = try webhookID(context, message)
        var errors = FieldErrors()
        errors.requireOne("event", name, of: EventType.allCases.map(\.rawValue))
        try errors.check(message)
        let type = EventType(rawValue: name) ?? .messageReceived
        let receipt = context.receipt(of: DeliveryRecord.self) {
            Reply("test event is on its way", $0, status: .accepted)
        }
        let delivery = try await operations.test(
            id, type, userID: context.userID, source: request.uri.path, receipt: receipt)
        return receipt.reply(delivery)
    }

    private func pause(_ request: Request, _ context: UserContext) async throws -> Reply {
        try await change(context, "webhook paused successfully") { endpoint, _ in
            endpoint.status = .paused
            endpoint.statusReason = "paused by its owner"
            endpoint.release = nil
        }
    }

    private struct ResumeRequest: Decodable {
        let ratePerSecond: Double?
    }

    private func resume(_ request: Request, _ context: UserContext) async throws -> Reply {
        let rate = try await request.decodeIfPresent(ResumeRequest.self)?.ratePerSecond
        if let rate, !(rate >= 0.001 && rate <= 10_000) {
            var errors = FieldErrors()
            errors.add("rate_per_second", "The rate_per_second field must be between 0.001 and 10000")
            try errors.check("validation errors while resuming webhook")
        }
        return try await change(context, "webhook resumed successfully") { endpoint, sequenceHead in
            guard endpoint.status != .active else { return }
            if endpoint.owners.isEmpty {
                var errors = FieldErrors()
                errors.add("phone_numbers", "The phone_numbers field is required")
                try errors.check("validation errors while resuming webhook")
            }
            endpoint.status = .active
            endpoint.statusReason = nil
            endpoint.release = Release(rate: rate, through: sequenceHead)
        }
    }

    private struct RotateRequest: Decodable {
        let signingKey: String?
        let overlapSeconds: Int?
    }

    private func rotate(_ request: Request, _ context: UserContext) async throws -> Reply {
        let body = try await request.decodeIfPresent(RotateRequest.self)
        let message = "validation errors while rotating the signing key"
        var errors = FieldErrors()
        let given = body?.signingKey?.trimmed
        if let given {
            errors.require("signing_key", given)
            errors.requireBytes("signing_key", given, max: 255)
        }
        errors.requireRange("overlap_seconds", body?.overlapSeconds, max: 30 * 86_400)
        try errors.check(message)
        let key = given ?? SigningKey.random()
        let overlap: Duration = .seconds(body?.overlapSeconds ?? 86_400)
        let now = operations.clock.now()
        return try await change(context, "signing key rotated successfully") { endpoint, _ in
            let previous = overlap > .zero ? endpoint.signingKey : nil
            endpoint.previousSigningKey = previous.map { RetiringKey(key: $0, expiresAt: now + overlap) }
            endpoint.signingKey = Secret(key)
            endpoint.unreadableKey = nil
        }
    }

    private func finishRotation(_ request: Request, _ context: UserContext) async throws -> Reply {
        try await change(context, "signing key rotation finished successfully") { endpoint, _ in
            endpoint.previousSigningKey = nil
        }
    }

    private func change(
        _ context: UserContext, _ message: String,
        _ change: @escaping @Sendable (inout Endpoint, _ sequenceHead: Int64) throws -> Void
    ) async throws -> Reply {
        let (id, text) = try webhookID(context, "validation errors while changing webhook")
        guard let report = try await operations.change(id, userID: context.userID, change) else { throw missing(text) }
        return Reply(message, report)
    }

    private func missing(_ text: String) -> APIError {
        APIError.notFound("cannot find webhook with ID [\(text)]")
    }
}

/// Signing keys that we draw.
enum SigningKey {
    /// 32 random bytes as 64 hexadecimal digits: any library takes it as text.
    static func random() -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: (0..<64).map { _ in digits[Int.random(in: 0..<16)] }, as: UTF8.self)
    }
}
