import HTTPSMSWebhooks
import TestSupport
import Testing
import Timestamps

/// A second receiver, from the body to what is sent and shown.
@Suite(.timeLimit(.minutes(15))) struct WebhookFallbackTests {
    @Test func itIsKeptTakenBackAndJudgedAsTheURLIs() async throws {
        try await withWebhookServer { _, account, _, receiver in
            let second = receiver.url("/second")
            let webhook = try await account.makeWebhook(
                receiver.url(), ["fallback_url": .string(second), "fallback_after_seconds": 0])
            let path = "/v1/webhooks/\(webhook["id"].string)"
            #expect(webhook["fallback_url"].string == second && webhook["fallback_after_seconds"] == 0)
            #expect(webhook["fallback_since"] == nil)

            let kept = try await account.client.put(path, ["ordering": "message"])
            #expect(kept.data["fallback_url"].string == second && kept.data["fallback_after_seconds"] == 0)
            let longer = try await account.client.put(path, ["fallback_after_seconds": 86_400])
            #expect(longer.data["fallback_after_seconds"] == 86_400)
            let cases: [(JSON, String)] = [
                (["fallback_url": "ftp://example.com"], "fallback_url"),
                (["fallback_url": "http://169.254.169.254/latest"], "fallback_url"),
                (["fallback_url": "https://user:word@example.com/"], "fallback_url"),
                (
                    ["fallback_url": .string("https://example.com/" + String(repeating: "a", count: 2_048))],
                    "fallback_url"
                ),
                (["fallback_after_seconds": -1], "fallback_after_seconds"),
                (["fallback_after_seconds": 86_401], "fallback_after_seconds"),
                (["fallback_url": nil, "fallback_after_seconds": 5], "fallback_after_seconds"),
                (["fallback_url": .string(second), "payload_format": "telegram"], "fallback_url"),
            ]
            for (body, field) in cases {
                let answer = try await account.client.put(path, body)
                #expect(answer.status == 422 && !answer.data[field].array.isEmpty, "\(body): \(answer)")
            }
            let back = try await account.client.put(path, ["fallback_url": nil])
            #expect(back.data["fallback_url"] == nil && back.data["fallback_after_seconds"] == nil)
        }
    }

    @Test func anEventReachesTheSecondWhileTheFirstIsOut() async throws {
        try await withWebhookServer { request, _ in
            request.path == "/second" ? .status(204) : .status(500)
        } body: { _, account, phone, receiver in
            let second = receiver.url("/second")
            let webhook = try await account.makeWebhook(
                receiver.url(),
                ["fallback_url": .string(second), "fallback_after_seconds": 0, "retry_delays": [1, 1]])

            try await account.receive("hello", on: phone)
            let row = try await account.newest(webhook, is: "succeeded")
            let delivery = try await account.delivery(row["id"].string, is: "succeeded")

            #expect(delivery["attempts"].array.map(\.["route"]) == ["own", "fallback"], "\(delivery)")
            // The token names the URL that the request goes to.
            let verifier = WebhookVerifier(signingKeys: ["signing-key"], audience: second)
            let token = receiver.requests(to: "/second").first?.header("authorization")
            _ = try await verifier.verify(authorization: token, now: SystemClock().now())
            let shown = try await account.client.get("/v1/webhooks/\(webhook["id"].string)").data
            #expect(shown["status"] == "active" && shown["fallback_since"] != nil, "\(shown)")
        }
    }
}
