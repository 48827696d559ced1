import Delivery
import Gateway
import HTTPSMSWebhooks
import Hummingbird
import Storage
import Timestamps

/// One delivery: its attempts with the exact exchange, what went wrong, and doing it again.
struct DeliveryPages: SignedInPages {
    let store: any Store
    let runner: AttemptRunner
    let endpoints: EndpointQueries
    let views: PageViews

    private struct Content {
        let delivery: DeliveryLine
        let webhookPath: String
        let webhookName: String
        let url: String
        let story: String
        let sequence: String
        let acceptedAt: String
        /// The message that the event is about; nil when there is none.
        let messagePath: String?
        let event: String
        /// Whether the body is shown in lines that it does not have.
        let isIndented: Bool
        let canRetry: Bool
        let attempts: [AttemptView]
        let curl: String?
    }

    func add(to group: RouterGroup<SignedInContext>) {
        group.get("/deliveries/:deliveryID", use: show)
        group.post("/deliveries/:deliveryID/retry") { _, context in
            let id = try context.id("deliveryID", of: DeliveryID.self)
            guard try await DeliveryRetry.begin(id, userID: context.userID, in: store) != nil else {
                throw PageError.notFound
            }
            return Response.seeOther("/deliveries/\(id)")
        }
    }

    private func show(_ request: Request, _ context: SignedInContext) async throws -> Response {
        let (id, userID) = (try context.id("deliveryID", of: DeliveryID.self), context.userID)
        let content: Content? = try await store.read(.user(userID)) { [endpoints, runner] tx in
            guard let delivery = try DeliveryHistory.find(id, userID: userID, in: tx),
                let event = try EventLog.find(delivery.eventID, userID: userID, in: tx)
            else { return nil }
            let endpoint = try endpoints.find(delivery.endpointID, anywhereOf: userID, in: tx)
            let attempts = try DeliveryHistory.attempts(of: id, in: tx)
            let sent = runner.shownRequest(of: delivery, body: event.body, to: endpoint)
            let bytes = sent.payload?.bytes ?? event.body
            let (body, indented) = (String(decoding: bytes, as: UTF8.self), IndentedJSON.text(bytes))
            let home: (path: String, name: String) =
                switch endpoint?.userID {
                case userID.alerts: (AlertPages.path, "Alerts")
                case userID.callbacks: (CallbackPages.path, "Status URLs")
                default: ("\(WebhookPages.path)/\(delivery.endpointID)", "Webhook")
                }
            let views = attempts.map {
                AttemptView($0, isLast: $0.number == attempts.last?.number, headers: sent.headers(of: $0))
            }
            // Of a test event, and of a message that was deleted, there is nothing to be seen.
            let messageID = (try? CloudEvent(decoding: event.body))?.payload.messageID.flatMap { MessageID($0) }
            let message = try messageID.flatMap { try MessageQueries.find($0, userID: userID, in: tx) }
            return Content(
                delivery: DeliveryLine(delivery),
                webhookPath: home.path, webhookName: home.name, url: endpoint?.url ?? "a webhook that was deleted",
                story: DeliveryStory.words(delivery, last: attempts.last),
                sequence: delivery.sequence.map(String.init) ?? "not numbered yet",
                acceptedAt: PageTime.exact(delivery.createdAt),
                messagePath: message.map { MessagePages.path(of: $0.id) },
                event: indented ?? body, isIndented: indented != nil,
                canRetry: delivery.status != .cancelled && delivery.status != .delivering,
                attempts: views,
                curl: endpoint.flatMap { endpoint in
                    attempts.last.map { attempt in
                        CurlCommand.text(
                            method: sent.payload?.method ?? .post, url: endpoint.url(by: attempt.route),
                            suffix: sent.payload?.pathSuffix, headers: sent.headers(of: attempt), body: body)
                    }
                })
        }
        guard let content else { throw PageError.notFound }
        return views.page(.delivery, "Delivery", content, context)
    }
}
