import TestSupport
import Testing

/// Webhooks with a pace of their own, from the body and the form to what is sent.
@Suite(.timeLimit(.minutes(15))) struct WebhookPlanTests {
    @Test func aPlanIsKeptTakenBackAndShown() async throws {
        try await withWebhookServer { _, account, _, receiver in
            let plan: JSON = [
                "rate_per_second": 0.5, "max_in_flight": 1, "timeout_seconds": 30, "retry_delays": [1, 259_199],
            ]
            let webhook = try await account.makeWebhook(receiver.url(), plan)
            let path = "/v1/webhooks/\(webhook["id"].string)"

            let kept = try await account.client.put(path, ["ordering": "message"])
            let none = try await account.client.put(path, ["retry_delays": []])
            let back = try await account.client.put(
                path, ["rate_per_second": nil, "max_in_flight": nil, "timeout_seconds": nil, "retry_delays": nil])

            for name in ["rate_per_second", "max_in_flight", "timeout_seconds", "retry_delays"] {
                #expect(webhook[name] == plan[name] && kept.data[name] == plan[name])
                #expect(back.data[name] == nil)
            }
            #expect(none.data["retry_delays"] == [] && none.data["rate_per_second"] == 0.5)
        }
    }

    @Test func whatIsOutOfBoundsIsRefusedAtItsField() async throws {
        try await withWebhookServer { _, account, _, receiver in
            let cases: [(String, [JSON])] = [
                ("rate_per_second", [0, -1, 0.0199, 500.1, 1e300]),
                ("max_in_flight", [0, -1, 129, 9_007_199_254_740_991]),
                ("timeout_seconds", [0, -30, 31]),
                (
                    "retry_delays",
                    [
                        [0], [-1], [9_007_199_254_740_991, 9_007_199_254_740_991], [259_200, 1],
                        .array(Array(repeating: 1, count: 21)),
                    ]
                ),
            ]
            for (field, values) in cases {
                for value in values {
                    let answer = try await account.client.post(
                        "/v1/webhooks", account.webhookSettings(receiver.url(), [field: value]))
                    #expect(
                        answer.status == 422 && !answer.data[field].array.isEmpty, "\(field) \(value): \(answer)")
                }
            }
        }
    }

    @Test func oneSecondIsEnoughAndOneThatIsNotRetriedHasFailed() async throws {
        try await withWebhookServer { _, _ in
            .silence
        } body: { _, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url(), ["timeout_seconds": 1, "retry_delays": []])

            try await account.receive("hello", on: phone)
            let failed = try await account.newest(webhook, is: "failed")
            let delivery = try await account.delivery(failed["id"].string, is: "failed")

            let attempts = delivery["attempts"].array
            #expect(attempts.count == 1 && attempts.first?["error"] == "timeout", "\(delivery)")
            // As long as was said, and not the 5 s that others have.
            guard case .int(let time) = attempts.first?["duration_ms"] else {
                Issue.record("no duration: \(delivery)")
                return
            }
            #expect((900..<4_900).contains(time))
        }
    }
}
