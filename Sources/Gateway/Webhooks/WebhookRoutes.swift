import Delivery
import HTTPSMSWebhooks
import Hummingbird
import Storage

/// `/v1/webhooks`.
struct WebhookRoutes {
    let operations: WebhookOperations

    func add(to group: RouterGroup<UserContext>) {
        group.get("/v1/webhooks", use: list)
        group.post("/v1/webhooks", use: create)
        group.post("/v1/webhooks/preview", use: preview)
        group.get("/v1/webhooks/:webhookID", use: get)
        group.put("/v1/webhooks/:webhookID", use: update)
        group.delete("/v1/webhooks/:webhookID", use: delete)
    }

    private func list(_ request: Request, _ context: UserContext) async throws -> Reply {
        var errors = FieldErrors()
        let page = Page(QueryParameters(request), limit: 20, errors: &errors)
        try errors.check("validation errors while fetching webhooks")
        let webhooks = try await operations.store.read(.user(context.userID)) { [endpoints = operations.endpoints] tx in
            try endpoints.reports(
                userID: context.userID, containing: page.query, skip: page.skip, limit: page.withOneMore.limit, in: tx)
        }
        return Reply(Part(webhooks.map { $0.shown(to: context.identity) }, of: page), "webhook")
    }

    private struct PreviewRequest: Decodable {
        let payloadFormat: String?
        let payloadTemplate: PayloadUpdate.Template?
        let event: String?
    }

    private func preview(_ request: Request, _ context: UserContext) async throws -> Reply {
        let body = try await request.decode(PreviewRequest.self, in: context)
        let name = body.event ?? EventType.messageReceived.rawValue
        var errors = FieldErrors()
        errors.requireOne("event", name, of: EventType.allCases.map(\.rawValue))
        try errors.check("validation errors while making the preview")
        let update = PayloadUpdate(
            format: body.payloadFormat.map { .value($0) } ?? .absent,
            template: body.payloadTemplate.map { .value($0) } ?? .absent)
        let preview = try await operations.preview(
            update, of: EventType(rawValue: name) ?? .messageReceived, userID: context.userID)
        return Reply("preview made successfully", preview)
    }

    private func get(_ request: Request, _ context: UserContext) async throws -> Reply {
        let id = try context.id("webhookID", of: EndpointID.self, else: "validation errors while fetching webhook")
        let webhook = try await operations.store.read(.user(context.userID)) { [endpoints = operations.endpoints] tx in
            try endpoints.report(id, userID: context.userID, in: tx)
        }
        guard let webhook else { throw Refusal.noWebhook(id) }
        return Reply("webhook fetched successfully", webhook.shown(to: context.identity))
    }

    private func create(_ request: Request, _ context: UserContext) async throws -> Reply {
        let update = try await request.decode(WebhookUpdate.self, in: context)
        let receipt = context.receipt(of: EndpointReport.self) {
            Reply(
                "webhook created successfully", $0, status: .created, warnings: update.warnings($0.endpoint))
        }
        return receipt.reply(try await operations.create(update, userID: context.userID, receipt: receipt))
    }

    private func update(_ request: Request, _ context: UserContext) async throws -> Reply {
        let update = try await request.decode(WebhookUpdate.self, in: context)
        let id = try context.id("webhookID", of: EndpointID.self, else: "validation errors while updating webhook")
        guard let webhook = try await operations.update(id, update, userID: context.userID) else {
            throw Refusal.noWebhook(id)
        }
        return Reply("webhook updated successfully", webhook, warnings: update.warnings(webhook.endpoint))
    }

    private func delete(_ request: Request, _ context: UserContext) async throws -> Reply {
        let id = try context.id("webhookID", of: EndpointID.self, else: "validation errors while deleting webhook")
        guard try await operations.delete(id, userID: context.userID) else {
            throw Refusal.noWebhook(id)
        }
        return Reply("webhook deleted successfully", nil)
    }
}
