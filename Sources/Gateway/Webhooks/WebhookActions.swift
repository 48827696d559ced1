import Delivery
import HTTPSMSWebhooks
import Hummingbird
import Secrets
import Storage
import Timestamps
import Wire

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
        let body = try await request.decodeIfPresent(TestRequest.self, in: context)
        let name = body?.event ?? EventType.messageReceived.rawValue
        let id = try context.id("webhookID", of: EndpointID.self, else: message)
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
        try await reply(context, "webhook paused successfully") { try await operations.pause($0, userID: $1) }
    }

    private struct ResumeRequest: Decodable {
        let ratePerSecond: Double?
    }

    private func resume(_ request: Request, _ context: UserContext) async throws -> Reply {
        let rate = try await request.decodeIfPresent(ResumeRequest.self, in: context)?.ratePerSecond
        if let rate, !(rate >= 0.001 && rate <= 10_000) {
            var errors = FieldErrors()
            errors.add("rate_per_second", "The rate_per_second field must be between 0.001 and 10000")
            try errors.check("validation errors while resuming webhook")
        }
        return try await reply(context, "webhook resumed successfully") {
            try await operations.resume($0, rate: rate, userID: $1)
        }
    }

    private struct RotateRequest: Decodable {
        let signingKey: String?
        let overlapSeconds: Int?
    }

    private func rotate(_ request: Request, _ context: UserContext) async throws -> Reply {
        let body = try await request.decodeIfPresent(RotateRequest.self, in: context)
        let message = "validation errors while rotating the signing key"
        var errors = FieldErrors()
        let given = body?.signingKey
        if let given { errors.requireSigningKey("signing_key", given) }
        errors.requireRange("overlap_seconds", body?.overlapSeconds, max: 30 * 86_400)
        try errors.check(message)
        let key = given?.trimmed ?? SigningKey.random()
        let overlap: Duration = .seconds(body?.overlapSeconds ?? 86_400)
        return try await reply(context, "signing key rotated successfully") {
            try await operations.rotate($0, to: key, overlap: overlap, userID: $1)
        }
    }

    private func finishRotation(_ request: Request, _ context: UserContext) async throws -> Reply {
        try await reply(context, "signing key rotation finished successfully") {
            try await operations.finishRotation($0, userID: $1)
        }
    }

    private func reply(
        _ context: UserContext, _ message: String, _ action: (EndpointID, UserID) async throws -> EndpointReport?
    ) async throws -> Reply {
        let id = try context.id("webhookID", of: EndpointID.self, else: "validation errors while changing webhook")
        guard let report = try await action(id, context.userID) else { throw Refusal.noWebhook(id) }
        return Reply(message, report, warnings: WebhookWarnings.of(report.endpoint))
    }
}
