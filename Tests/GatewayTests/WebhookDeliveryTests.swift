import Delivery
import Storage
import TestSupport
import Testing

/// What happens to a delivery, through the real pipeline and over sockets.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct WebhookDeliveryTests {
    /// Where the deliveries to a webhook stand.
    private struct Standing: Sendable, Hashable {
        let state: DeliveryState
        let attempts: Int
    }

    private static func standings(_ webhook: JSON, _ server: TestServer) async throws -> [Standing] {
        let id = webhook["id"].string
        return try await server.store.read { tx in
            try tx.rows("SELECT state, attempt FROM delivery WHERE endpoint_id = \(id) ORDER BY id").map {
                Standing(state: try $0.get("state"), attempts: try $0.get("attempt"))
            }
        }
    }

    /// Waits, with the clock set ahead again and again, until no delivery to `webhook` is open.
    private static func outcome(_ webhook: JSON, _ server: TestServer) async throws -> [Standing] {
        try await eventually("the end of all deliveries") {
            server.advance(by: .milliseconds(500))
            let standings = try await standings(webhook, server)
            let isOpen = standings.isEmpty || standings.contains { $0.state == .pending || $0.state == .leased }
            return isOpen ? nil : standings
        }
    }

    /// The documented rules: 5XX, 408 and 429 are tried again; every other status that is not 2xx is final.
    @Test(arguments: [
        (200, DeliveryState.succeeded, 1), (201, .succeeded, 1), (204, .succeeded, 1), (299, .succeeded, 1),
        (301, .failed, 1), (302, .failed, 1), (304, .failed, 1), (307, .failed, 1), (400, .failed, 1),
        (401, .failed, 1), (404, .failed, 1), (418, .failed, 1), (422, .failed, 1), (408, .succeeded, 2),
        (429, .succeeded, 2), (500, .succeeded, 2), (502, .succeeded, 2), (503, .succeeded, 2), (504, .succeeded, 2),
        (599, .succeeded, 2),
    ])
    func theStatusDecides(status: Int, state: DeliveryState, attempts: Int) async throws {
        try await WebhookReceiver.run { _, count in
            count == 0 ? .status(status, headers: ["Location": "/elsewhere"]) : .status(200)
        } body: { receiver in
            let url = receiver.url()
            try await withServer(["WEBHOOK_RETRY_DELAYS": "1s"]) { server in
                let account = try await server.makeAccount()
                let phone = try await account.makePhone()
                let webhook = try await account.makeWebhook(url)
                _ = try await phone.receive(["from": "+18005550100", "content": "Hello"])

                let outcome = try await Self.outcome(webhook, server)

                #expect(outcome == [Standing(state: state, attempts: attempts)])
                #expect(receiver.requests.map(\.path) == Array(repeating: "/hook", count: attempts))
            }
        }
    }

    @Test func aRetryHasTheSameBodyAndIdAndComesAfterASecond() async throws {
        try await WebhookReceiver.run { _, count in
            .status(count == 0 ? 503 : 200)
        } body: { receiver in
            let url = receiver.url()
            try await withServer(["WEBHOOK_RETRY_DELAYS": "1s"]) { server in
                let account = try await server.makeAccount()
                let phone = try await account.makePhone()
                try await account.makeWebhook(url)
                _ = try await phone.receive(["from": "+18005550100", "content": "Hello"])

                let requests = try await receiver.requests(2)

                #expect(requests[0].body == requests[1].body)
                #expect(requests[0].json["id"].string.count == 36)
                #expect(requests[1].arrivedAt - requests[0].arrivedAt >= .seconds(1))
            }
        }
    }

    @Test func afterTheLastDelayADeliveryHasFailed() async throws {
        try await WebhookReceiver.run { _, _ in
            .status(503)
        } body: { receiver in
            let url = receiver.url()
            try await withServer { server in
                let account = try await server.makeAccount()
                let phone = try await account.makePhone()
                let webhook = try await account.makeWebhook(url)
                _ = try await phone.receive(["from": "+18005550100", "content": "Hello"])
                for attempt in 1...4 {
                    _ = try await eventually("attempt \(attempt)") {
                        let expected = Standing(state: .pending, attempts: attempt)
                        return try await Self.standings(webhook, server) == [expected] ? true : nil
                    }
                    server.advance(by: .seconds(720))
                }

                let outcome = try await Self.outcome(webhook, server)

                #expect(outcome == [Standing(state: .failed, attempts: 5)])
                #expect(Set(receiver.requests.map(\.body)).count == 1)
                #expect(receiver.requests.count == 5)
            }
        }
    }

    @Test func aSlowEndpointDelaysNoOther() async throws {
        try await WebhookReceiver.run { request, _ in
            request.path == "/slow" ? .status(200, after: .seconds(4)) : .status(200)
        } body: { receiver in
            let (slow, fast) = (receiver.url("/slow"), receiver.url("/fast"))
            try await withServer { server in
                let account = try await server.makeAccount()
                let phone = try await account.makePhone()
                try await account.makeWebhook(slow)
                try await account.makeWebhook(fast)
                // More than there are slots for one endpoint.
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<40 {
                        group.addTask {
                            _ = try await phone.receive(["from": "+18005550100", "content": .string("SMS \(number)")])
                        }
                    }
                    try await group.waitForAll()
                }
                let posted = ContinuousClock.now

                let requests = try await receiver.requests(40, to: "/fast")

                let last = try #require(requests.map(\.arrivedAt).max())
                #expect(last < posted + .seconds(3))
                #expect(receiver.requests(to: "/slow").count >= 2)
            }
        }
    }

    @Test func aDeletedWebhooksDeliveriesAreCancelled() async throws {
        try await WebhookReceiver.run { request, _ in
            .status(request.path == "/gone" ? 503 : 200)
        } body: { receiver in
            let (gone, other) = (receiver.url("/gone"), receiver.url("/other"))
            try await withServer { server in
                let account = try await server.makeAccount()
                let phone = try await account.makePhone()
                let webhook = try await account.makeWebhook(gone)
                _ = try await phone.receive(["from": "+18005550100", "content": "Hello"])
                _ = try await eventually("the first attempt") {
                    try await Self.standings(webhook, server) == [Standing(state: .pending, attempts: 1)] ? true : nil
                }

                #expect(try await account.client.delete("/v1/webhooks/\(webhook["id"].string)").status == 200)
                let outcome = try await Self.outcome(webhook, server)
                server.advance(by: .seconds(3_600))
                try await account.makeWebhook(other)
                _ = try await phone.receive(["from": "+18005550100", "content": "Hello"])
                _ = try await receiver.requests(1, to: "/other")

                #expect(outcome == [Standing(state: .cancelled, attempts: 1)])
                #expect(receiver.requests(to: "/gone").count == 1)
            }
        }
    }

    @Test func aRetryGoesToTheWebhooksNewURL() async throws {
        try await WebhookReceiver.run { request, _ in
            .status(request.path == "/old" ? 503 : 200)
        } body: { receiver in
            let (old, new) = (receiver.url("/old"), receiver.url("/new"))
            try await withServer { server in
                let account = try await server.makeAccount()
                let phone = try await account.makePhone()
                let webhook = try await account.makeWebhook(old)
                _ = try await phone.receive(["from": "+18005550100", "content": "Hello"])
                _ = try await eventually("the first attempt") {
                    try await Self.standings(webhook, server) == [Standing(state: .pending, attempts: 1)] ? true : nil
                }

                _ = try await account.client.put("/v1/webhooks/\(webhook["id"].string)", ["url": .string(new)])
                let outcome = try await Self.outcome(webhook, server)

                #expect(outcome == [Standing(state: .succeeded, attempts: 2)])
                #expect(receiver.requests.map(\.path) == ["/old", "/new"])
                #expect(Set(receiver.requests.map(\.body)).count == 1)
            }
        }
    }

    @Test func anEventGoesToTheWebhooksThatWantItsTypeAndItsNumber() async throws {
        try await WebhookReceiver.run { receiver in
            let base = receiver.url("")
            try await withServer { server in
                let (account, other) = (try await server.makeAccount(), try await server.makeAccount())
                let phone = try await account.makePhone()
                _ = try await account.makePhone("+18005550188")
                _ = try await other.makePhone()
                let table: [(owner: Account, url: String, events: [String], numbers: [String], count: Int)] = [
                    (account, base + "/all", Account.allEvents, ["+18005550199", "+18005550188"], 1),
                    (account, base + "/one", ["message.phone.received"], ["+18005550199"], 1),
                    (account, base + "/type", ["message.phone.sent"], ["+18005550199"], 0),
                    (account, base + "/number", Account.allEvents, ["+18005550188"], 0),
                    (other, "http://192.0.2.1.invalid/user", Account.allEvents, ["+18005550199"], 0),
                ]
                var webhooks: [JSON] = []
                for row in table {
                    webhooks.append(
                        try await row.owner.makeWebhook(row.url, events: row.events, numbers: row.numbers))
                }

                _ = try await phone.receive(["from": "+18005550100", "content": "Hello"])

                for (row, webhook) in zip(table, webhooks) {
                    #expect(try await Self.standings(webhook, server).count == row.count, "\(row.url)")
                }
                #expect(Set(try await receiver.requests(2).map(\.path)) == ["/all", "/one"])
            }
        }
    }
}
