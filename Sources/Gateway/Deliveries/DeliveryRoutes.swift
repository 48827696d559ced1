import Delivery
import HTTPSMSWebhooks
import Hummingbird
import Storage
import Timestamps
import Wire

/// Deliveries of webhooks: what happened, and doing it again.
struct DeliveryRoutes {
    let store: any Store
    let runner: AttemptRunner
    let endpoints: EndpointQueries
    let webhooks: WebhookOperations

    func add(to group: RouterGroup<UserContext>) {
        group.get("/v1/webhooks/:webhookID/deliveries", use: list)
        group.get("/v1/deliveries/:deliveryID", use: get)
        group.post("/v1/deliveries/:deliveryID/retry", use: retry)
        group.post("/v1/webhooks/:webhookID/replay", use: replay)
        group.get("/v1/replays/:replayID", use: getReplay)
    }

    private func list(_ request: Request, _ context: UserContext) async throws -> Reply {
        let message = "validation errors while fetching deliveries"
        let webhookID = try context.id("webhookID", of: EndpointID.self, else: message)
        let parameters = QueryParameters(request)
        var errors = FieldErrors()
        let page = Page(parameters, limit: 20, skips: false, errors: &errors)
        var filter = DeliveryHistory.Filter()
        if let status = parameters["status"] {
            errors.requireOne("status", status, of: DeliveryRecord.Status.allCases.map(\.rawValue))
            filter.status = DeliveryRecord.Status(rawValue: status)
        }
        if let type = parameters["event_type"] {
            errors.requireOne("event_type", type, of: EventType.allCases.map(\.rawValue))
            filter.eventType = type
        }
        if let id = parameters["message_id"] {
            filter.messages = errors.requireID("message_id", id, of: MessageID.self).map { [$0.text] }
        }
        let contact = parameters.rawNumber("contact")
        filter.since = errors.requireTime("since", parameters["since"])
        filter.until = errors.requireTime("until", parameters["until"])
        let code = (parameters["status_code"] ?? "").trimmed
        if !code.isEmpty, !code.isDigits {
            errors.add("status_code", "The status_code field must be numeric")
        } else if !code.isEmpty {
            filter.statusCode = Int(code) ?? .max
            errors.requireRange("status_code", filter.statusCode, 100...599)
        }
        let tried = (parameters["tried"] ?? "").trimmed.lowercased()
        if !tried.isEmpty {
            errors.requireOne("tried", tried, of: ["true", "false"])
            filter.isTried = tried == "true"
        }
        if let id = parameters["before"] { filter.before = errors.requireID("before", id, of: DeliveryID.self) }
        if let cursor = parameters.cursor {
            filter.before = DeliveryID(cursor)
            if filter.before == nil { errors.add("cursor", Page.wrongCursor) }
        }
        try errors.check(message)
        try await EventNumbering.catchUp(store)
        let deliveries: [DeliveryRecord]? = try await store.read(.user(context.userID)) { [endpoints, filter] tx in
            guard try endpoints.find(webhookID, anywhereOf: context.userID, in: tx) != nil else { return nil }
            var filter = filter
            if !contact.isEmpty { try filter.keep(with: contact, of: context.userID, in: tx) }
            return try DeliveryHistory.list(endpoint: webhookID, filter, limit: Page.oneMore(than: page.limit), in: tx)
        }
        guard let deliveries else { throw Refusal.noWebhook(webhookID) }
        let part = Part(deliveries, limit: page.limit) { $0.id.text }
        return Reply(part, "delivery", plural: "deliveries")
    }

    private func get(_ request: Request, _ context: UserContext) async throws -> Response {
        let id = try context.id("deliveryID", of: DeliveryID.self, else: "validation errors while fetching delivery")
        let details: DeliveryDetails? = try await store.read(.user(context.userID)) { [endpoints, runner] tx in
            guard let delivery = try DeliveryHistory.find(id, userID: context.userID, in: tx),
                let event = try EventLog.find(delivery.eventID, userID: context.userID, in: tx)
            else { return nil }
            let endpoint = try endpoints.find(delivery.endpointID, anywhereOf: context.userID, in: tx)
            let sent = runner.shownRequest(of: delivery, body: event.body, to: endpoint)
            return DeliveryDetails(
                delivery: delivery, event: event.body, request: sent.payload,
                attempts: try DeliveryHistory.attempts(of: id, in: tx),
                requestHeaders: sent.headers(of:))
        }
        guard let details else { throw Refusal.absent("cannot find delivery with ID [\(id)]") }
        try context.identity.requireOwnKey(where: details.delivery.eventType == AuditLog.eventType)
        return try await context.answer(Reply("delivery fetched successfully", details), of: details.longestJSON)
    }

    private func retry(_ request: Request, _ context: UserContext) async throws -> Reply {
        let id = try context.id("deliveryID", of: DeliveryID.self, else: "validation errors while retrying delivery")
        let delivery = try await DeliveryRetry.begin(id, userID: context.userID, in: store)
        guard let delivery else { throw Refusal.absent("cannot find delivery with ID [\(id)]") }
        return Reply("delivery will be retried", delivery, status: .accepted)
    }

    private struct ReplayRequest: Decodable {
        let since: Timestamp?
        let until: Timestamp?
        let statuses: [String]?
        let eventType: String?
        let statusCode: Int?
        let contact: String?
    }

    private func replay(_ request: Request, _ context: UserContext) async throws -> Reply {
        let message = "validation errors while creating replay"
        let body = try await request.decodeIfPresent(ReplayRequest.self, in: context)
        let webhookID = try context.id("webhookID", of: EndpointID.self, else: message)
        let receipt = context.receipt(of: Replay.self) {
            Reply("replay created successfully", $0, status: .accepted)
        }
        let replay = try await webhooks.replay(
            webhookID, since: body?.since, until: body?.until,
            statuses: (body?.statuses ?? [ReplayedStatus.failed.rawValue]).unique,
            filter: Replay.Filter(
                eventType: body?.eventType, statusCode: body?.statusCode, contact: body?.contact),
            userID: context.userID, receipt: receipt)
        guard let replay else { throw Refusal.noWebhook(webhookID) }
        return receipt.reply(replay)
    }

    private func getReplay(_ request: Request, _ context: UserContext) async throws -> Reply {
        let id = try context.id("replayID", of: ReplayID.self, else: "validation errors while fetching replay")
        let replay = try await store.read(.user(context.userID)) { tx in
            try ReplayQueries.find(id, userID: context.userID, in: tx)
        }
        guard let replay else { throw Refusal.absent("cannot find replay with ID [\(id)]") }
        return Reply("replay fetched successfully", replay)
    }
}
