import TestSupport
import Testing

/// `GET /v1/events` and `GET /v1/events/{eventID}`.
@Suite(.timeLimit(.minutes(15))) struct EventLogTests {
    @Test func anItemHasTheEventAsItWasSentAndWhoHeardOfIt() async throws {
        try await withWebhookServer { _, account, phone, receiver in
            let other = try await account.makePhone("+18005550144")
            let taker = try await account.makeWebhook(receiver.url("/a"))
            let picky = try await account.makeWebhook(receiver.url("/b"), events: ["message.call.missed"])
            let remote = try await account.makeWebhook(receiver.url("/c"), numbers: [other.number])
            try await account.receive("1", on: phone)
            let request = try await receiver.requests(1)[0]

            let answer = try await account.client.get("/v1/events")
            let item = answer.data[0]
            let single = try await account.client.get("/v1/events/\(request.json["id"].string)")

            #expect(answer.status == 200)
            #expect(answer.message == "fetched 1 event")
            #expect(answer.text.contains("\"event\":\(request.text),"))
            #expect(Set(item.object.keys) == ["position", "event", "webhooks"])
            #expect(
                Set(item["webhooks"].array) == [
                    [
                        "webhook_id": taker["id"], "matched": true, "reason": nil,
                        "delivery_id": .string(request.header("X-Httpsms-Delivery") ?? ""),
                    ],
                    [
                        "webhook_id": picky["id"], "matched": false, "reason": "event_type_not_selected",
                        "delivery_id": nil,
                    ],
                    [
                        "webhook_id": remote["id"], "matched": false, "reason": "phone_number_not_selected",
                        "delivery_id": nil,
                    ],
                ])
            #expect(single.message == "event fetched successfully")
            #expect(single.data == item)
        }
    }

    @Test func itGoesUpAfterAPositionAndDownWithoutOne() async throws {
        try await withWebhookServer { server, account, phone, _ in
            let stranger = try await server.makeAccount()
            let strangersPhone = try await stranger.makePhone("+18005550144")
            for index in 1...5 {
                try await account.receive("\(index)", on: phone)
                try await stranger.receive("foreign \(index)", on: strangersPhone)
            }
            func contents(_ query: String) async throws -> [String] {
                try await account.client.get("/v1/events?\(query)").data.array.map {
                    $0["event"]["data"]["content"].string
                }
            }
            let third = try await account.client.get("/v1/events?after=0").data[2]["position"]

            #expect(try await contents("") == ["5", "4", "3", "2", "1"])
            #expect(try await contents("limit=2") == ["5", "4"])
            #expect(try await contents("after=0") == ["1", "2", "3", "4", "5"])
            #expect(try await contents("after=0&limit=2") == ["1", "2"])
            #expect(try await contents("after=\(third)") == ["4", "5"])
            #expect(try await contents("after=9223372036854775807") == [])
            #expect(try await contents("after=0&limit=0") == [])
        }
    }

    @Test func typesAndOwnerNarrowIt() async throws {
        try await withWebhookServer { _, account, phone, _ in
            let other = try await account.makePhone("+18005550144")
            try await account.receive("1", on: phone)
            try await account.receive("2", on: other)
            let message = try await account.send()["id"].string
            _ = try await phone.fetch(message)
            _ = try await phone.report("SENT", message, ["timestamp": "2026-07-22T10:15:29.814Z"])
            func types(_ query: String) async throws -> [String] {
                try await account.client.get("/v1/events?after=0&\(query)").data.array.map {
                    $0["event"]["type"].string
                }
            }
            let received = "message.phone.received"
            let sent = "message.phone.sent"

            #expect(try await types("") == [received, received, sent])
            #expect(try await types("types=\(sent)") == [sent])
            #expect(try await types("types=\(sent),\(received)") == [received, received, sent])
            #expect(try await types("types=%20\(sent)%20,") == [sent])
            #expect(try await types("types=message.call.missed") == [])
            #expect(try await types("owner=%2B18005550144") == [received])
            #expect(try await types("owner=18005550199&types=\(sent)") == [sent])
            #expect(try await types("owner=%2B18005550100") == [])
        }
    }

    @Test func theLimitIs20AndAtMost100() async throws {
        try await withWebhookServer { _, account, _, receiver in
            let webhook = try await account.makeWebhook(receiver.url())
            for _ in 1...102 { try await account.act("test", on: webhook) }

            #expect(try await account.client.get("/v1/events").data.array.count == 20)
            #expect(try await account.client.get("/v1/events?after=0").data.array.count == 20)
            #expect(try await account.client.get("/v1/events?limit=1000").data.array.count == 100)
        }
    }

    @Test(
        arguments: [
            ("after=abc", "after"), ("after=-1", "after"), ("after=", "after"), ("after=99999999999999999999", "after"),
            ("types=message.phone.lost", "types"), ("limit=ten", "limit"),
        ]) func whatCannotBeReadIsNamed(query: String, field: String) async throws
    {
        try await withWebhookServer { _, account, _, _ in
            let answer = try await account.client.get("/v1/events?\(query)")

            #expect(answer.status == 422)
            #expect(answer.message == "validation errors while fetching events")
            #expect(Array(answer.data.object.keys) == [field])
        }
    }

    @Test func aForeignEventIsNotFound() async throws {
        try await withWebhookServer { server, account, phone, _ in
            let stranger = try await server.makeAccount()
            try await account.receive("1", on: phone)
            let id = try await account.client.get("/v1/events").data[0]["event"]["id"].string

            let foreign = try await stranger.client.get("/v1/events/\(id)")

            #expect(foreign.status == 404)
            #expect(foreign.json == Envelope.error("cannot find event with ID [\(id)]"))
            #expect(try await account.client.get("/v1/events/abc").status == 422)
            #expect(try await phone.client.get("/v1/events").status == 401)
        }
    }
}
