import TestSupport
import Testing

/// Webhooks that get some of the events of their types and numbers, from the body to the log.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct WebhookFilterTests {
    @Test func whatFitsIsSentAndTheLogTellsOfTheRest() async throws {
        try await withWebhookServer { _, account, phone, receiver in
            let filters: JSON = [
                "contacts": ["+1800*"], "contains": [], "words": ["CODE"], "pattern": #"\d{4}"#, "sims": ["SIM1"],
                "times": [],
            ]
            let webhook = try await account.makeWebhook(receiver.url(), ["filters": filters, "events": ["*"]])
            #expect(webhook["filters"] == filters && webhook["events"].array.count == 8)
            let path = "/v1/webhooks/\(webhook["id"].string)"

            try await account.receive("hello", on: phone)
            try await account.receive("the code", on: phone)
            try await account.receive("your Code: 1234", on: phone)
            try await account.newest(webhook, is: "succeeded")
            let log = try await account.client.get("/v1/events").data.array
            let kept = try await account.client.put(path, ["ordering": "message"])
            let none = try await account.client.put(path, ["filters": nil])

            #expect(try await receiver.requests(1).map { $0.json["data"]["content"] } == ["your Code: 1234"])
            #expect(
                log.map { $0["webhooks"][0]["reason"] } == [nil, "pattern_not_matched", "word_not_contained"], "\(log)")
            #expect(kept.data["filters"] == filters && none.data["filters"] == nil)
        }
    }

    @Test func whatCannotBeUsedIsRefused() async throws {
        try await withWebhookServer { _, account, _, receiver in
            let cases: [JSON] = [
                ["contact": ["+1*"]], ["pattern": "("], ["pattern": ".*"], ["pattern": "(a{9}){9}"], ["sims": ["SIM3"]],
                ["words": ["two words"]], ["times": ["22:00"]], ["times": ["22:00-22:00"]], ["times": ["24:00-01:00"]],
                ["times": ["9:00-17:00"]], ["times": ["09:00-24:01"]], ["times": [""]], ["contains": [""]],
                ["contacts": [.string(String(repeating: "1", count: 65))]],
                ["contains": .array((0..<21).map { .string("\($0)") })],
            ]
            for filters in cases {
                let answer = try await account.client.post(
                    "/v1/webhooks", account.webhookSettings(receiver.url(), ["filters": filters]))
                #expect(answer.status == 422 && !answer.data["filters"].array.isEmpty, "\(filters) \(answer)")
            }
        }
    }
}
