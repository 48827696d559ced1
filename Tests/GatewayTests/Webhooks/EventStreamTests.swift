import AsyncHTTPClient
import NIOHTTP1
import TestSupport
import Testing

/// `GET /v1/events/stream`.
@Suite(.timeLimit(.minutes(15))) struct EventStreamTests {
    @Test func anEventArrivesLiveAsAnItemOfTheLog() async throws {
        try await withWebhookServer { server, account, phone, _ in
            let stranger = try await server.makeAccount()
            let strangersPhone = try await stranger.makePhone("+18005550144")
            try await account.receive("before", on: phone)
            try await EventStreamClient.run(account.client) { stream, response in
                _ = try await eventually("the opening comment") { stream.text.hasPrefix(": open at ") ? true : nil }
                try await stranger.receive("foreign", on: strangersPhone)
                try await account.receive("line 1\nline 2", on: phone)
                let events = try await stream.events(1)

                #expect(response.status == .ok)
                #expect(response.headers.first(name: "Content-Type") == "text/event-stream")
                #expect(response.headers.first(name: "Cache-Control") == "no-store")
                let item = try await account.client.get("/v1/events?limit=1").data[0]
                #expect(events.map(\.data) == [item])
                #expect(events[0].id == "\(item["position"])")
                #expect(events[0].type == "message.phone.received")
            }
        }
    }

    @Test func aClientThatComesBackMissesNothingAndGetsNothingTwice() async throws {
        try await withWebhookServer { _, account, phone, _ in
            for index in 1...3 { try await account.receive("\(index)", on: phone) }
            let position = try await account.client.get("/v1/events?after=0").data[0]["position"].description

            try await EventStreamClient.run(account.client, lastEventID: position) { stream, _ in
                _ = try await stream.events(2)
                for index in 4...6 { try await account.receive("\(index)", on: phone) }
                #expect(try await stream.events(5).map(\.content) == ["2", "3", "4", "5", "6"])
            }
            try await EventStreamClient.run(account.client, "after=\(position)") { stream, _ in
                let contents = try await stream.events(5).map(\.content)
                #expect(contents == ["2", "3", "4", "5", "6"])
            }
        }
    }

    @Test func whatIsManyIsSentInBatchesWithoutAGap() async throws {
        try await withWebhookServer { _, account, _, receiver in
            let webhook = try await account.makeWebhook(receiver.url())
            for _ in 1...230 { try await account.act("test", on: webhook) }

            try await EventStreamClient.run(account.client, lastEventID: "0") { stream, _ in
                let ids = try await stream.events(230).compactMap { Int($0.id) }
                #expect(ids == Array(1...230))
            }
        }
    }

    @Test func typesAndOwnerNarrowIt() async throws {
        try await withWebhookServer { _, account, phone, _ in
            let other = try await account.makePhone("+18005550144")
            try await EventStreamClient.run(account.client, "owner=%2B18005550144&after=0") { stream, _ in
                for index in 1...3 {
                    try await account.receive("no \(index)", on: phone)
                    try await account.receive("yes \(index)", on: other)
                }
                #expect(try await stream.events(3).map(\.content) == ["yes 1", "yes 2", "yes 3"])
            }
            #expect(try await account.client.get("/v1/events/stream?types=lost").status == 422)
        }
    }

    @Test(arguments: ["abc", "-1", "1.5", "99999999999999999999"])
    func aPositionThatCannotBeReadIsRefused(position: String) async throws {
        try await withWebhookServer { _, account, _, _ in
            let answer = try await account.client.send(
                "GET", "/v1/events/stream", headers: [("Last-Event-ID", position)])

            #expect(answer.status == 422)
            #expect(answer.data == ["Last-Event-ID": ["The Last-Event-ID header must be a position"]])
        }
    }

    @Test func theEleventhStreamIsRefusedUntilOneEnds() async throws {
        try await withWebhookServer { server, account, _, _ in
            let other = try await server.makeAccount()
            // HEAD opens nothing.
            for _ in 1...11 { _ = try await account.client.send("HEAD", "/v1/events/stream") }

            try await Self.withStreams(10, account.client) {
                let refused = try await account.client.get("/v1/events/stream")
                #expect(refused.status == 429)
                let crowded = "You have 10 event streams open, close one first."
                #expect(refused.json == Envelope.error(crowded, code: "too_many_requests"))
                try await EventStreamClient.run(other.client) { _, response in #expect(response.status == .ok) }
            }
            _ = try await eventually("room for another stream") {
                var isOpen = false
                try await EventStreamClient.run(account.client) { _, response in isOpen = response.status == .ok }
                return isOpen ? true : nil
            }
        }
    }

    @Test func aKeyThatIsRotatedEndsItsStreams() async throws {
        try await withWebhookServer { _, account, _, _ in
            try await EventStreamClient.run(account.client) { stream, _ in
                _ = try await eventually("the opening comment") { stream.text.isEmpty ? nil : true }

                let rotated = try await account.client.delete("/v1/users/\(account.id)/api-keys")

                #expect(rotated.status == 200)
                _ = try await eventually("the end of the stream") { stream.hasEnded ? true : nil }
            }
        }
    }

    @Test func withoutAKeyThereIsNoStream() async throws {
        try await withWebhookServer { server, account, phone, _ in
            let anonymous = try await server.client.get("/v1/events/stream")
            let queried = try await server.client.get("/v1/events/stream?x-api-key=\(account.apiKey)")
            let byPhone = try await phone.client.get("/v1/events/stream")

            #expect([anonymous, queried, byPhone].map(\.status) == [401, 401, 401])
        }
    }

    /// Runs `body` while `count` streams are open.
    private static func withStreams(_ count: Int, _ client: APIClient, body: () async throws -> Void) async throws {
        guard count > 0 else { return try await body() }
        try await EventStreamClient.run(client) { stream, response in
            #expect(response.status == .ok)
            _ = try await eventually("the opening comment") { stream.text.isEmpty ? nil : true }
            try await withStreams(count - 1, client, body: body)
        }
    }
}
