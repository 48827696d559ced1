import TestSupport
import Testing

/// The number of the accounts' phone.
let phoneNumber = "+18005550199"

extension Account {
    /// Emits one event of the account's phone: a received SMS with `content`.
    func receive(_ content: String, on phone: Phone) async throws {
        let answer = try await phone.receive([
            "from": "+18005550100", "content": .string(content), "timestamp": "2026-07-22T10:15:29.814Z",
            "sim": "SIM1", "encrypted": false,
        ])
        try #require((200..<300).contains(answer.status), "\(answer)")
    }

    /// What makes a webhook for all events, with `more` members.
    func webhookSettings(_ url: String, _ more: JSON) -> JSON {
        let settings: JSON = [
            "url": .string(url), "events": .array(Account.allEvents.map(JSON.string)), "signing_key": "signing-key",
            "phone_numbers": [.string(phoneNumber)],
        ]
        return settings.with(more.object)
    }

    /// Makes a webhook for all events, with `more` members.
    func makeWebhook(_ url: String, _ more: JSON) async throws -> JSON {
        let answer = try await client.post("/v1/webhooks", webhookSettings(url, more))
        try #require(answer.status == 201, "\(answer)")
        return answer.data
    }

    /// Does something to a webhook and gives its `data`.
    @discardableResult
    func act(_ action: String, on webhook: JSON, _ body: JSON? = nil) async throws -> JSON {
        let path = "/v1/webhooks/\(webhook["id"].string)/\(action)"
        let answer =
            if let body { try await client.post(path, body) } else { try await client.send("POST", path) }
        try #require((200..<300).contains(answer.status), "\(answer)")
        return answer.data
    }

    /// Reads a webhook.
    func webhook(_ webhook: JSON) async throws -> JSON {
        try await client.get("/v1/webhooks/\(webhook["id"].string)").data
    }

    /// The deliveries to a webhook, newest first.
    func deliveries(_ webhook: JSON, _ query: String = "") async throws -> [JSON] {
        try await client.get("/v1/webhooks/\(webhook["id"].string)/deliveries?\(query)").data.array
    }

    /// Waits until the newest delivery to a webhook has `status`, and gives it.
    @discardableResult
    func newest(_ webhook: JSON, is status: String) async throws -> JSON {
        try await eventually("a delivery that is \(status)") {
            try await deliveries(webhook).prefix(1).first { $0["status"].string == status }
        }
    }

    /// Waits until the delivery `id` has `status`, and gives it with its attempts.
    @discardableResult
    func delivery(_ id: String, is status: String) async throws -> JSON {
        try await eventually("delivery \(id) to be \(status)") {
            [try await client.get("/v1/deliveries/\(id)").data].first { $0["status"].string == status }
        }
    }
}

extension WebhookReceiver.Request {
    /// The text of the SMS that it tells of.
    var content: String { json["data"]["content"].string }
}

/// Runs the server with an account, its phone, and a receiver of webhooks.
func withWebhookServer(
    _ settings: [String: String] = [:],
    _ script: @escaping WebhookReceiver.Script = { _, _ in .status(200) },
    body: @escaping @Sendable (TestServer, Account, Account.Phone, WebhookReceiver) async throws -> Void
) async throws {
    try await WebhookReceiver.run(script) { receiver in
        try await withServer(settings) { server in
            let account = try await server.makeAccount()
            try await body(server, account, account.makePhone(), receiver)
        }
    }
}
