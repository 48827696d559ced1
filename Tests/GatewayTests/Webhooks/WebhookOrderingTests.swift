import TestSupport
import Testing

/// `"ordering": "message"`: the events of one message arrive in sequence.
@Suite(.timeLimit(.minutes(15))) struct WebhookOrderingTests {
    @Test func sentArrivesBeforeDeliveredEvenWhenItFailsFirst() async throws {
        try await withWebhookServer { request, count in
            .status(count < 2 ? 500 : 200)
        } body: { server, account, phone, receiver in
            let webhook = try await account.makeOrderedWebhook(receiver.url())
            let message = try await account.send()["id"].string
            _ = try await phone.fetch(message)
            for event in ["SENT", "DELIVERED"] {
                _ = try await phone.report(event, message, ["timestamp": "2026-07-22T10:15:29.814Z"])
            }
            for attempts in 1...2 {
                _ = try await receiver.requests(attempts)
                _ = try await eventually("the failure to be stored") {
                    try await account.deliveries(webhook).last.flatMap {
                        $0["attempt_count"] == .int(attempts) && $0["status"] == "pending" ? true : nil
                    }
                }
                server.advance(by: .seconds(30))
            }

            let requests = try await receiver.requests(4)

            let (sent, delivered) = ("message.phone.sent", "message.phone.delivered")
            #expect(requests.map(\.eventType) == [sent, sent, sent, delivered])
        }
    }

    @Test func aFailingHeadBlocksItsOwnMessageOnly() async throws {
        let blocked = Saved()
        try await withWebhookServer { request, _ in
            .status(request.json["data"]["id"] == blocked.values.1 ? 500 : 200)
        } body: { server, account, phone, receiver in
            let webhook = try await account.makeOrderedWebhook(receiver.url())
            var messages: [String] = []
            for _ in 1...3 { messages.append(try await account.send()["id"].string) }
            blocked.set("", .string(messages[0]))
            for event in ["SENT", "DELIVERED"] {
                for message in messages {
                    if event == "SENT" { _ = try await phone.fetch(message) }
                    _ = try await phone.report(event, message, ["timestamp": "2026-07-22T10:15:29.814Z"])
                }
            }

            _ = try await eventually("the other messages") {
                try await account.deliveries(webhook, "status=succeeded").count == 4 ? true : nil
            }
            func types(_ message: String) -> [String] {
                receiver.requests.filter { $0.json["data"]["id"].string == message }.map(\.eventType)
            }
            for message in messages[1...] {
                #expect(types(message) == ["message.phone.sent", "message.phone.delivered"])
            }
            #expect(Set(types(messages[0])) == ["message.phone.sent"])
            let waiting = try await account.deliveries(webhook, "message_id=\(messages[0])")
            #expect(waiting.map(\.["event_type"]) == ["message.phone.delivered", "message.phone.sent"])
            #expect(waiting[0]["attempt_count"] == 0)

            blocked.set("", .absent)
            server.advance(by: .seconds(3))
            _ = try await eventually("all") {
                try await account.deliveries(webhook, "status=succeeded").count == 6 ? true : nil
            }
            #expect(types(messages[0]).last == "message.phone.delivered")
        }
    }

    @Test func aHeadThatFailedForGoodLetsTheNextGo() async throws {
        try await withWebhookServer { request, _ in
            .status(request.eventType == "message.phone.sent" ? 400 : 200)
        } body: { _, account, phone, receiver in
            try await account.makeOrderedWebhook(receiver.url())
            let message = try await account.send()["id"].string
            _ = try await phone.fetch(message)
            for event in ["SENT", "DELIVERED"] {
                _ = try await phone.report(event, message, ["timestamp": "2026-07-22T10:15:29.814Z"])
            }

            #expect(
                try await receiver.requests(2).map(\.eventType) == ["message.phone.sent", "message.phone.delivered"])
        }
    }

    @Test func theSequenceOfAWebhookHasNoGaps() async throws {
        try await withWebhookServer { _, account, phone, receiver in
            let all = try await account.makeWebhook(receiver.url("/a"))
            let some = try await account.makeWebhook(receiver.url("/b"), events: ["message.phone.sent"])
            await withTaskGroup(of: Void.self) { group in
                for index in 1...30 {
                    group.addTask {
                        // A failure shows in the count below.
                        try? await account.receive("\(index)", on: phone)
                        _ = try? await account.act("test", on: some)
                    }
                }
            }

            for webhook in [all, some] {
                let sequences = try await account.deliveries(webhook, "limit=100").map(\.["sequence"])
                #expect(sequences == (1...30).reversed().map { .int($0) })
            }
        }
    }
}

extension Account {
    @discardableResult
    fileprivate func makeOrderedWebhook(_ url: String) async throws -> JSON {
        let webhook = try await makeWebhook(url)
        return try await client.put("/v1/webhooks/\(webhook["id"].string)", ["ordering": "message"]).data
    }
}
