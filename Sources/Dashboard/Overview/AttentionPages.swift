import Delivery
import Gateway
import Hummingbird
import Storage
import Timestamps

/// What needs somebody, each with its cause, since when, and what to do about it.
struct AttentionPages: SignedInPages {
    let queries: AttentionQueries
    let webhooks: WebhookOperations
    let views: PageViews

    static let path = "/attention"

    func add(to group: RouterGroup<SignedInContext>) {
        group.get("/attention", use: show)
        group.post("/attention/messages/done") { _, context in
            try await settle(.messages, context)
        }
        group.post("/attention/messages/:messageID/done") { _, context in
            try await settle(.message(context.id("messageID", of: MessageID.self)), context)
        }
        group.post("/attention/webhooks/:webhookID/done") { _, context in
            try await settle(.webhook(context.id("webhookID", of: EndpointID.self)), context)
        }
        group.post("/attention/webhooks/:webhookID/replay", use: replay)
    }

    private struct Content {
        let attention: AttentionLines
    }

    private func show(_ request: Request, _ context: SignedInContext) async throws -> Response {
        let userID = context.userID
        let lines = try await webhooks.store.read(.user(userID)) { [queries] tx in
            AttentionLines(try queries.attention(of: userID, in: tx), now: tx.now)
        }
        return views.page(
            .attention, "Needs attention", Content(attention: lines), context)
    }

    private func settle(_ subject: AttentionQueries.Subject, _ context: SignedInContext) async throws -> Response {
        let userID = context.userID
        try await webhooks.store.write(.user(userID)) { [queries] tx in
            guard try queries.exists(subject, of: userID, in: tx) else { throw PageError.notFound }
            try AttentionQueries.settle(subject, of: userID, in: tx)
        }
        return .seeOther(Self.path, .settled)
    }

    /// Sends the events again whose deliveries to a webhook were given up, from the first one that the page shows on.
    private func replay(_ request: Request, _ context: SignedInContext) async throws -> Response {
        let (id, userID) = (try context.id("webhookID", of: EndpointID.self), context.userID)
        let since = try await webhooks.store.read(.user(userID)) { [endpoints = webhooks.endpoints, queries] tx in
            guard try endpoints.find(id, userID: userID, in: tx) != nil else { throw PageError.notFound }
            let issues = try DeliveryIssues.list(
                of: id, after: try queries.asked(about: id, of: userID, in: tx), in: tx)
            return issues.filter { $0.failed > 0 }.map(\.since).min()
        }
        // Somebody was faster.
        guard let since else { return .seeOther(Self.path) }
        let replay = try await webhooks.replay(
            id, since: since, until: nil, statuses: [ReplayedStatus.failed.rawValue], userID: userID,
            receipt: .unkept)
        guard let replay else { throw PageError.notFound }
        return .seeOther("/replays/\(replay.id)")
    }
}
