import TestSupport
import Testing

/// `POST /v1/webhooks/{webhookID}/pause` and `/resume`.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct WebhookPauseTests {
    @Test func aPausedWebhookHoldsItsEvents() async throws {
        try await withWebhookServer { _, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url("/a"))
            try await account.makeWebhook(receiver.url("/b"))

            let paused = try await account.act("pause", on: webhook)
            for content in ["1", "2", "3"] { try await account.receive(content, on: phone) }
            _ = try await receiver.requests(3, to: "/b")

            #expect(paused["status"] == "paused")
            #expect(paused["status_reason"] == "paused by its owner")
            #expect(try await account.webhook(webhook)["held_count"] == 3)
            let deliveries = try await account.deliveries(webhook)
            #expect(deliveries.map(\.["status"]) == ["held", "held", "held"])
            #expect(deliveries.map(\.["next_attempt_at"]) == [nil, nil, nil])
            #expect(deliveries.map(\.["attempt_count"]) == [0, 0, 0])
            #expect(receiver.requests(to: "/a").isEmpty)
        }
    }

    @Test func aResumeReleasesAllInTheOrderOfAcceptance() async throws {
        try await withWebhookServer { _, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url())
            try await account.act("pause", on: webhook)
            let contents = (1...20).map { "\($0)" }
            for content in contents { try await account.receive(content, on: phone) }

            let resumed = try await account.act("resume", on: webhook)
            for content in ["new 1", "new 2"] { try await account.receive(content, on: phone) }
            let requests = try await receiver.requests(22)

            #expect(resumed["status"] == "active")
            #expect(resumed["status_reason"] == nil)
            #expect(resumed["held_count"] == 0)
            #expect(requests.prefix(20).map(\.content) == contents)
            #expect(Set(requests.suffix(2).map(\.content)) == ["new 1", "new 2"])
            let log = try await account.deliveries(webhook, "limit=100")
            #expect(log.map(\.["sequence"]) == (1...22).reversed().map { .int($0) })
        }
    }

    @Test func aRateHoldsAndNewerEventsQueueBehind() async throws {
        try await withWebhookServer { _, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url())
            try await account.act("pause", on: webhook)
            let contents = (1...5).map { "\($0)" }
            for content in contents { try await account.receive(content, on: phone) }

            try await account.act("resume", on: webhook, ["rate_per_second": 10])
            try await account.receive("new", on: phone)
            let requests = try await receiver.requests(6)

            #expect(requests.map(\.content) == contents + ["new"])
            // The pace is kept where the sender claims; between claim and arrival a busy machine adds or takes a little.
            let gaps = zip(requests.prefix(5), requests.prefix(5).dropFirst()).map {
                $0.arrivedAt.duration(to: $1.arrivedAt)
            }
            #expect(requests[0].arrivedAt.duration(to: requests[4].arrivedAt) >= .milliseconds(370), "\(gaps)")
        }
    }

    @Test func aFailedDeliveryAmongTheHeldKeepsThePace() async throws {
        try await withWebhookServer { request, count in
            .status(request.content == "1" && count == 0 ? 500 : 200)
        } body: { server, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url())
            try await account.receive("1", on: phone)
            _ = try await eventually("the failure to be recorded") {
                try await account.deliveries(webhook).first { $0["last_status_code"] == 500 }
            }
            try await account.act("pause", on: webhook)
            for content in ["2", "3", "4"] { try await account.receive(content, on: phone) }
            server.advance(by: .seconds(10))

            try await account.act("resume", on: webhook, ["rate_per_second": 5])
            let requests = try await receiver.requests(5).dropFirst()

            #expect(requests.map(\.content) == ["1", "2", "3", "4"])
            #expect(requests[1].arrivedAt.duration(to: requests[4].arrivedAt) >= .milliseconds(560))
        }
    }

    @Test(arguments: [0, -1, 0.0009, 10_001, 1e300] as [Double])
    func anAbsurdRateIsRefused(rate: Double) async throws {
        try await withWebhookServer { _, account, _, receiver in
            let webhook = try await account.makeWebhook(receiver.url())
            try await account.act("pause", on: webhook)

            let answer = try await account.client.post(
                "/v1/webhooks/\(webhook["id"].string)/resume", ["rate_per_second": .double(rate)])

            #expect(answer.status == 422)
            #expect(
                answer.json
                    == Envelope.invalid(
                        "validation errors while resuming webhook",
                        ["rate_per_second": ["The rate_per_second field must be between 0.001 and 10000"]]))
            #expect(try await account.webhook(webhook)["status"] == "paused")
        }
    }

    @Test func pausingTwiceAndResumingAnActiveOneChangeNothing() async throws {
        try await withWebhookServer { _, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url())

            try await account.act("resume", on: webhook)
            try await account.act("pause", on: webhook, [:])
            let paused = try await account.act("pause", on: webhook)
            try await account.receive("1", on: phone)
            try await account.act("resume", on: webhook, ["rate_per_second": nil])
            try await account.act("resume", on: webhook)

            #expect(paused["status"] == "paused")
            #expect(try await receiver.requests(1).map(\.content) == ["1"])
        }
    }

    @Test func aPauseDuringAReleaseHoldsTheRest() async throws {
        try await withWebhookServer { _, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url())
            try await account.act("pause", on: webhook)
            for content in ["1", "2", "3"] { try await account.receive(content, on: phone) }
            try await account.act("resume", on: webhook, ["rate_per_second": 0.01])
            _ = try await receiver.requests(1)

            let paused = try await account.act("pause", on: webhook)
            try await account.act("resume", on: webhook)

            #expect(paused["status"] == "paused")
            #expect(try await receiver.requests(3).map(\.content) == ["1", "2", "3"])
        }
    }
}
