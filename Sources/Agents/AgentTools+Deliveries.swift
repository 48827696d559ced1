import HTTPTypes
import JSON
import Wire

/// Webhooks.
extension AgentTools {
    private struct Webhook: Decodable {
        let id: String
        let url: String
    }

    /// The webhooks that are asked; an account has ten.
    private static let mostWebhooks = 50

    func failedDeliveries(_ arguments: AgentArguments) async throws -> AgentResult {
        let limit = try arguments.integer("limit", in: 1...100) ?? 20
        let webhooks: [Webhook]
        if let id = try arguments.text("webhook_id") {
            webhooks = [try await api.call(.get, "/v1/webhooks/\(id.percentEncoded)").decode()]
        } else {
            let query = [("limit", "\(Self.mostWebhooks)")]
            webhooks = try await api.call(.get, "/v1/webhooks", query: query).decode()
        }
        var failed: [(webhook: Webhook, delivery: RemoteDelivery)] = []
        for webhook in webhooks {
            let query = [("status", "failed"), ("limit", "\(limit)")]
            let path = "/v1/webhooks/\(webhook.id.percentEncoded)/deliveries"
            let deliveries: [RemoteDelivery] = try await api.call(.get, path, query: query).decode()
            failed += deliveries.map { (webhook, $0) }
        }
        failed.sort { $0.delivery.createdAt > $1.delivery.createdAt }
        return AgentResult { o in
            o.array("deliveries", of: failed.prefix(limit)) { json, item in
                json.object { o in
                    o.field("webhook_url", item.webhook.url)
                    Self.add(item.delivery, to: &o)
                }
            }
        }
    }

    func explain(_ arguments: AgentArguments) async throws -> AgentResult {
        let id = try arguments.requiredText("delivery_id")
        let answer = try await api.call(.get, "/v1/deliveries/\(id.percentEncoded)")
        return Self.explanation(of: try answer.decode())
    }

    func replay(_ arguments: AgentArguments) async throws -> AgentResult {
        let id = try arguments.requiredText("delivery_id")
        let before: RemoteDelivery = try await AgentAnswer(
            api.exchange(.post, "/v1/deliveries/\(id.percentEncoded)/retry", body: nil, idempotencyKey: nil)
        ).decode()
        let after = try await before.attempted {
            (try await api.call(.get, "/v1/deliveries/\(before.id.percentEncoded)").decode(), ())
        }
        return Self.explanation(of: after.now)
    }

    private static func explanation(of delivery: RemoteDelivery) -> AgentResult {
        AgentResult(isUntrusted: true) { o in
            add(delivery, to: &o)
            o.field("summary", delivery.status == "succeeded" ? "The webhook took the event." : delivery.fault)
            o.array("attempts", of: delivery.attempts ?? []) { json, attempt in
                json.object { o in
                    o.field("number", attempt.number)
                    o.field("started_at", attempt.startedAt)
                    o.field("duration_ms", attempt.durationMs)
                    o.field("status_code", attempt.statusCode)
                    o.field("error", attempt.error)
                    o.field("untrusted_advice", attempt.errorMessage?.visible(limit: 500))
                    o.field("untrusted_response", attempt.responseBody?.visible(limit: 500))
                }
            }
        }
    }

    /// Without the event itself, which has the text of an SMS.
    private static func add(_ delivery: RemoteDelivery, to o: inout JSONObjectWriter) {
        o.field("delivery_id", delivery.id)
        o.field("event_type", delivery.eventType)
        o.field("event_id", delivery.eventId)
        o.field("phone", delivery.owner)
        o.field("status", delivery.status)
        o.field("attempt_count", delivery.attemptCount)
        o.field("next_attempt_at", delivery.nextAttemptAt)
        o.field("last_status_code", delivery.lastStatusCode)
        o.field("last_error", delivery.lastError)
        o.field("created_at", delivery.createdAt)
        o.field("completed_at", delivery.completedAt)
    }
}
