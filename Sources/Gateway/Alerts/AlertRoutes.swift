import Delivery
import Hummingbird
import JSON
import Storage

/// `/v1/alerts`: what is wrong, and who is told.
struct AlertRoutes {
    let operations: AlertOperations

    func add(to group: RouterGroup<UserContext>) {
        group.get("/v1/alerts") { _, context in
            let alerts = try await operations.store.read(.user(context.userID)) { tx in
                try AlertQueries.list(of: context.userID, in: tx)
            }
            return Reply(fetched: alerts, "alert")
        }
        group.get("/v1/alerts/settings") { _, context in
            let settings = try await operations.store.read(.user(context.userID)) { tx in
                try AlertQueries.settings(of: context.userID, in: tx)
            }
            return Reply("settings fetched successfully", settings)
        }
        group.put("/v1/alerts/settings", use: set)
        group.get("/v1/alerts/webhooks") { _, context in
            Reply(fetched: try await operations.webhooks(of: context.userID), "webhook")
        }
        group.post("/v1/alerts/webhooks", use: create)
        group.get("/v1/alerts/webhooks/:webhookID") { _, context in
            let id = try context.id(
                "webhookID", of: EndpointID.self, else: "validation errors while fetching webhook")
            guard let webhook = try await operations.webhook(id, userID: context.userID) else {
                throw Refusal.noWebhook(id)
            }
            return Reply("webhook fetched successfully", webhook)
        }
        group.put("/v1/alerts/webhooks/:webhookID", use: update)
        group.delete("/v1/alerts/webhooks/:webhookID") { _, context in
            let id = try context.id(
                "webhookID", of: EndpointID.self, else: "validation errors while deleting webhook")
            guard try await operations.delete(id, by: context.identity, userID: context.userID) else {
                throw Refusal.noWebhook(id)
            }
            return Response.noContent
        }
        group.post("/v1/alerts/webhooks/:webhookID/test") { _, context in
            let id = try context.id(
                "webhookID", of: EndpointID.self, else: "validation errors while testing webhook")
            let receipt = context.receipt(of: DeliveryRecord.self) {
                Reply("test alert is on its way", $0, status: .accepted)
            }
            return receipt.reply(try await operations.test(id, userID: context.userID, receipt: receipt))
        }
    }

    private struct SettingsRequest: Decodable {
        let quietFrom: String?
        let quietUntil: String?
    }

    /// Both or none: what is left out ends the quiet hours.
    private func set(_ request: Request, _ context: UserContext) async throws -> Reply {
        let body = try await request.decode(SettingsRequest.self, in: context)
        let settings = try AlertSettings(from: body.quietFrom, until: body.quietUntil)
        try await operations.set(settings, userID: context.userID)
        return Reply("settings updated successfully", settings)
    }

    private func create(_ request: Request, _ context: UserContext) async throws -> Reply {
        let update = try await request.decode(WebhookUpdate.self, in: context)
        let receipt = context.receipt(of: AlertWebhook.self) {
            Reply("webhook created successfully", $0, status: .created, warnings: update.warnings($0.report.endpoint))
        }
        return receipt.reply(
            try await operations.create(update, by: context.identity, userID: context.userID, receipt: receipt))
    }

    private func update(_ request: Request, _ context: UserContext) async throws -> Reply {
        let id = try context.id("webhookID", of: EndpointID.self, else: "validation errors while updating webhook")
        let update = try await request.decode(WebhookUpdate.self, in: context)
        let webhook = try await operations.update(id, update, by: context.identity, userID: context.userID)
        guard let webhook else { throw Refusal.noWebhook(id) }
        return Reply(
            "webhook updated successfully", webhook, warnings: update.warnings(webhook.report.endpoint))
    }
}
