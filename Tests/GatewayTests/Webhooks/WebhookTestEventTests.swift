import TestSupport
import Testing

/// `POST /v1/webhooks/{webhookID}/test`.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct WebhookTestEventTests {
    @Test(arguments: Account.allEvents) func onlyThatWebhookGetsTheSample(type: String) async throws {
        try await withWebhookServer { server, account, _, receiver in
            let webhook = try await account.makeWebhook(receiver.url("/a"), events: ["message.call.missed"])
            try await account.makeWebhook(receiver.url("/b"))

            let answer = try await account.client.post(
                "/v1/webhooks/\(webhook["id"].string)/test", ["event": .string(type)])
            let request = try await receiver.requests(1, to: "/a")[0]
            let delivery = try await account.delivery(answer.data["id"].string, is: "succeeded")

            #expect(answer.status == 202)
            #expect(answer.message == "test event is on its way")
            #expect(answer.data["webhook_id"] == webhook["id"])
            #expect(answer.data["status"] == "pending")
            #expect(answer.data["event_type"] == .string(type))
            #expect(answer.data["owner"] == .string(phoneNumber))
            #expect(request.eventType == type)
            #expect(request.header("X-Event-Type") == type)
            #expect(request.header("X-Httpsms-Delivery") == answer.data["id"].string)
            #expect(request.json["id"] == answer.data["event_id"])
            #expect(request.json["data"] == (try SampleFile(type).json["data"]))
            #expect(delivery["event"] == request.json)
            #expect(receiver.requests(to: "/b").isEmpty)
            #expect(try await server.emittedTypes() == [type])
        }
    }

    @Test func anEmptyBodyWithoutContentTypeTestsWithAReceivedMessage() async throws {
        try await withWebhookServer { _, account, _, receiver in
            let webhook = try await account.makeWebhook(receiver.url())

            let answer = try await account.client.send("POST", "/v1/webhooks/\(webhook["id"].string)/test")

            #expect(answer.status == 202)
            #expect(answer.data["event_type"] == "message.phone.received")
            #expect(try await receiver.requests(1)[0].eventType == "message.phone.received")
        }
    }

    @Test(arguments: ["message.phone.lost", "", "MESSAGE.PHONE.SENT"])
    func anUnknownEventIsRefused(type: String) async throws {
        try await withWebhookServer { server, account, _, receiver in
            let webhook = try await account.makeWebhook(receiver.url())

            let answer = try await account.client.post(
                "/v1/webhooks/\(webhook["id"].string)/test", ["event": .string(type)])

            #expect(answer.status == 422)
            #expect(
                answer.json
                    == Envelope.invalid(
                        "validation errors while testing webhook",
                        [
                            "event": [
                                """
                                The event field must be one of message.phone.received, message.phone.sent, \
                                message.phone.delivered, message.send.failed, message.send.expired, \
                                message.call.missed, phone.heartbeat.offline, phone.heartbeat.online
                                """
                            ]
                        ]))
            #expect(try await server.emittedTypes().isEmpty)
        }
    }

    @Test func aPausedWebhookHoldsATest() async throws {
        try await withWebhookServer { _, account, _, receiver in
            let webhook = try await account.makeWebhook(receiver.url())
            try await account.act("pause", on: webhook)

            let delivery = try await account.act("test", on: webhook)

            #expect(delivery["status"] == "held")
            #expect(receiver.requests.isEmpty)
        }
    }

    @Test func noReplayTakesATestToAnotherWebhook() async throws {
        try await withWebhookServer { _, account, _, receiver in
            let webhook = try await account.makeWebhook(receiver.url("/a"))
            let other = try await account.makeWebhook(receiver.url("/b"))
            try await account.act("test", on: webhook)
            _ = try await receiver.requests(1)

            let replay = try await account.replay(
                other, ["since": "2020-01-01T00:00:00Z", "statuses": ["failed", "succeeded", "unmatched"]])

            #expect(replay["done"] == 1)
            #expect(replay["replayed"] == 0)
            #expect(receiver.requests(to: "/b").isEmpty)
        }
    }
}
