import TestSupport
import Testing

/// `POST /v1/deliveries/{deliveryID}/retry`.
@Suite(.timeLimit(.minutes(15))) struct DeliveryRetryTests {
    @Test func aFailedDeliveryIsTriedAgainWithTheWholeScheduleAfterIt() async throws {
        try await withWebhookServer { _, count in
            .status(count == 0 ? 400 : count == 1 ? 500 : 200)
        } body: { server, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url())
            try await account.receive("1", on: phone)
            let failed = try await account.newest(webhook, is: "failed")
            let id = failed["id"].string

            let answer = try await account.client.send("POST", "/v1/deliveries/\(id)/retry")
            _ = try await receiver.requests(2)
            let waiting = try await eventually("the second failure") {
                try await account.deliveries(webhook).first { $0["last_status_code"] == 500 }
            }
            server.advance(by: .seconds(3))
            let requests = try await receiver.requests(3)
            let done = try await account.delivery(id, is: "succeeded")

            #expect(answer.status == 202)
            #expect(answer.message == "delivery will be retried")
            #expect(answer.data["status"] == "pending")
            #expect(answer.data["completed_at"] == nil)
            #expect(waiting["status"] == "pending")
            #expect(requests.map { $0.header("X-Httpsms-Attempt") } == ["1", "2", "3"])
            #expect(Set(requests.map(\.body)).count == 1)
            #expect(Set(requests.map { $0.header("X-Httpsms-Delivery") }) == [id])
            #expect(done["sequence"] == 1)
            #expect(done["attempts"].array.map(\.["status_code"]) == [400, 500, 200])
        }
    }

    @Test func aSucceededDeliveryIsSentAgain() async throws {
        try await withWebhookServer { _, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url())
            try await account.receive("1", on: phone)
            let id = try await account.newest(webhook, is: "succeeded")["id"].string

            _ = try await account.client.post("/v1/deliveries/\(id)/retry", [:])
            let requests = try await receiver.requests(2)
            let done = try await eventually("the second success") {
                [try await account.client.get("/v1/deliveries/\(id)").data].first {
                    $0["attempts"].array.count == 2 && $0["status"] == "succeeded"
                }
            }

            #expect(requests[1].body == requests[0].body)
            #expect(done["attempt_count"] == 2)
        }
    }

    @Test func aWaitingDeliveryGoesAtOnceAndItsScheduleBeginsAnew() async throws {
        try await withWebhookServer(["WEBHOOK_RETRY_DELAYS": "600s,900s"]) { _, count in
            .status(count < 3 ? 500 : 200)
        } body: { server, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url())
            try await account.receive("1", on: phone)
            func waiting(_ attempts: Int) async throws -> String {
                try await eventually("attempt \(attempts) to fail") {
                    let delivery = try await account.deliveries(webhook)[0]
                    let isThere = delivery["attempt_count"] == .int(attempts) && delivery["status"] == "pending"
                    return isThere ? delivery["id"].string : nil
                }
            }
            var id = try await waiting(1)

            for attempts in 2...3 {
                _ = try await account.client.send("POST", "/v1/deliveries/\(id)/retry")
                id = try await waiting(attempts)
            }
            server.advance(by: .seconds(721))

            // With the steps of the first two failures the schedule would have been used up by now.
            #expect(try await receiver.requests(4)[3].header("X-Httpsms-Attempt") == "4")
            try await account.delivery(id, is: "succeeded")
        }
    }

    @Test func aHeldDeliveryStaysHeldAndACancelledOneIsAConflict() async throws {
        try await withWebhookServer { _, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url())
            try await account.act("pause", on: webhook)
            try await account.receive("1", on: phone)
            let id = try await account.deliveries(webhook)[0]["id"].string

            let held = try await account.client.send("POST", "/v1/deliveries/\(id)/retry")
            _ = try await account.client.delete("/v1/webhooks/\(webhook["id"].string)")
            try await account.delivery(id, is: "cancelled")
            let cancelled = try await account.client.send("POST", "/v1/deliveries/\(id)/retry")

            #expect(held.status == 202)
            #expect(held.data["status"] == "held")
            #expect(cancelled.status == 409)
            #expect(
                cancelled.json
                    == Envelope.error(
                        "delivery with ID [\(id)] was cancelled because its webhook was deleted", code: "conflict"))
            #expect(receiver.requests.isEmpty)
        }
    }

    @Test func theTallyTakesBackWhatIsTriedAgain() async throws {
        try await withWebhookServer { _, count in
            .status(count == 0 ? 400 : 200)
        } body: { _, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url())
            try await account.receive("1", on: phone)
            let id = try await account.newest(webhook, is: "failed")["id"].string
            try await account.act("pause", on: webhook)

            _ = try await account.client.send("POST", "/v1/deliveries/\(id)/retry")
            #expect(try await account.webhook(webhook)["held_count"] == 1)
            try await account.act("resume", on: webhook)
            try await account.delivery(id, is: "succeeded")
            try await account.act("pause", on: webhook)

            #expect(try await account.webhook(webhook)["held_count"] == 0)
        }
    }
}
