import Storage
import TestSupport
import Testing
import Timestamps

/// `GET /v1/webhooks/{webhookID}/deliveries`.
@Suite(.timeLimit(.minutes(15))) struct DeliveryListTests {
    @Test func aDeliveryHasEveryField() async throws {
        try await withWebhookServer { _, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url())
            try await account.receive("1", on: phone)
            let delivery = try await account.newest(webhook, is: "succeeded")
            let request = receiver.requests[0]

            let answer = try await account.client.get("/v1/webhooks/\(webhook["id"].string)/deliveries")

            #expect(answer.status == 200)
            #expect(answer.message == "fetched 1 delivery")
            #expect(
                answer.data == [
                    [
                        "id": .string(request.header("X-Httpsms-Delivery") ?? ""), "webhook_id": webhook["id"],
                        "event_id": request.json["id"], "event_type": "message.phone.received",
                        "owner": .string(phoneNumber), "sequence": 1, "status": "succeeded", "attempt_count": 1,
                        "next_attempt_at": nil, "last_status_code": 200, "last_error": nil,
                        "created_at": request.json["time"], "completed_at": delivery["completed_at"],
                    ]
                ])
            #expect(!delivery["completed_at"].string.isEmpty)
        }
    }

    @Test func filtersNarrowTheList() async throws {
        try await withWebhookServer { request, _ in
            .status(request.content == "bad" ? 404 : 200)
        } body: { _, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url())
            try await account.receive("good", on: phone)
            try await account.receive("bad", on: phone)
            let message = try await account.send()["id"].string
            _ = try await phone.fetch(message)
            for event in ["SENT", "DELIVERED"] {
                _ = try await phone.report(event, message, ["timestamp": "2026-07-22T10:15:29.814Z"])
            }
            _ = try await receiver.requests(4)
            _ = try await eventually("all to end") {
                try await account.deliveries(webhook).allSatisfy { $0["completed_at"] != nil } ? true : nil
            }

            func types(_ query: String) async throws -> [String] {
                try await account.deliveries(webhook, query).map { $0["event_type"].string }
            }
            #expect(
                try await types("") == [
                    "message.phone.delivered", "message.phone.sent", "message.phone.received", "message.phone.received",
                ])
            #expect(try await types("status=failed") == ["message.phone.received"])
            #expect(try await types("status=succeeded").count == 3)
            #expect(try await types("status=pending") == [])
            #expect(try await types("status=cancelled") == [])
            #expect(try await types("status_code=404") == ["message.phone.received"])
            #expect(try await types("status_code=200").count == 3)
            #expect(try await types("status_code=503") == [])
            #expect(try await types("event_type=message.phone.sent") == ["message.phone.sent"])
            #expect(
                try await types("message_id=\(message.uppercased())") == [
                    "message.phone.delivered", "message.phone.sent",
                ])
            #expect(try await types("message_id=\(unknownID)") == [])
            #expect(
                try await types("message_id=\(message)&event_type=message.phone.sent&status=succeeded")
                    == ["message.phone.sent"])
        }
    }

    @Test func aContactNarrowsTheListAndItsPages() async throws {
        try await withWebhookServer { server, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url())
            try await account.act("pause", on: webhook)
            func receive(_ contact: String, _ content: String) async throws {
                let answer = try await phone.receive(["from": .string(contact), "content": .string(content)])
                #expect((200..<300).contains(answer.status), "\(answer)")
            }
            for index in 1...4 {
                try await receive("+18005550100", "\(index)")
                try await receive("BANK", "\(index)")
                try await account.act("test", on: webhook)
            }
            let all = try await Self.numbered(12, of: webhook, account)
            let (ofContact, ofBank) = ([2, 5, 8, 11].map { all[$0] }, [1, 4, 7, 10].map { all[$0] })

            // As it is, as people write it, and as the phone dials it.
            for contact in ["%2B18005550100", "+18005550100", "(800)%20555-0100", "8005550100"] {
                #expect(try await account.deliveries(webhook, "contact=\(contact)") == ofContact, "\(contact)")
            }
            #expect(try await account.deliveries(webhook, "contact=BANK") == ofBank)
            #expect(try await account.deliveries(webhook, "contact=") == all)
            #expect(try await account.deliveries(webhook, "contact=%2B18005550101") == [])
            #expect(try await account.deliveries(webhook, "contact=BANK&status=succeeded") == [])
            #expect(try await account.deliveries(webhook, "contact=BANK&event_type=message.phone.sent") == [])
            let page = try await account.deliveries(webhook, "contact=BANK&limit=3")
            #expect(page == Array(ofBank[..<3]))
            let cursor = page[2]["id"].string
            #expect(try await account.deliveries(webhook, "contact=BANK&cursor=\(cursor)") == [ofBank[3]])
            let message: String? = try await server.store.read { tx in
                try tx.value("SELECT order_key AS value FROM delivery WHERE sequence = 5")
            }
            let named = "message_id=\(try #require(message))"
            #expect(try await account.deliveries(webhook, "\(named)&contact=BANK").map(\.["sequence"]) == [5])
            #expect(try await account.deliveries(webhook, "\(named)&contact=%2B18005550100") == [])
        }
    }

    @Test func timesNarrowTheListAndItsPages() async throws {
        try await withWebhookServer { server, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url())
            try await account.act("pause", on: webhook)
            for index in 1...9 {
                try await account.receive("\(index)", on: phone)
                server.clock.advance(by: .seconds(60))
            }
            let all = try await Self.numbered(9, of: webhook, account)
            let times = all.map { $0["created_at"].string }

            for (index, time) in times.enumerated() {
                #expect(try await account.deliveries(webhook, "since=\(time)") == Array(all[...index]))
                #expect(try await account.deliveries(webhook, "until=\(time)") == Array(all[(index + 1)...]))
            }
            let range = "since=\(times[6])&until=\(times[1])"
            #expect(try await account.deliveries(webhook, range) == Array(all[2...6]))
            let page = try await account.deliveries(webhook, range + "&limit=2")
            #expect(page == Array(all[2...3]))
            let cursor = page[1]["id"].string
            #expect(try await account.deliveries(webhook, range + "&before=\(cursor)") == Array(all[4...6]))
            #expect(try await account.deliveries(webhook, "since=2200-01-01T00:00:00Z") == [])
            #expect(try await account.deliveries(webhook, "until=1970-01-01T00:00:00Z") == [])
            #expect(try await account.deliveries(webhook, "since=\(times[1])&until=\(times[6])") == [])
            let none = try await account.makeWebhook(receiver.url("/none"))
            #expect(try await account.deliveries(none, "since=\(times[6])") == [])
        }
    }

    @Test func whatWasTriedIsToldFromWhatWasNot() async throws {
        try await withWebhookServer { server, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url())
            try await account.receive("1", on: phone)
            try await account.newest(webhook, is: "succeeded")
            try await account.act("pause", on: webhook)
            try await account.receive("2", on: phone)
            let all = try await Self.numbered(2, of: webhook, account)

            #expect(try await account.deliveries(webhook, "tried=true") == [all[1]])
            #expect(try await account.deliveries(webhook, "tried=False") == [all[0]])
            #expect(try await account.deliveries(webhook, "tried=") == all)
            #expect(try await account.deliveries(webhook, "tried=true&status=held") == [])
            // One that was taken and handed back was not tried.
            _ = try await server.store.write { tx in
                try tx.run("UPDATE delivery SET attempt = 1, returned = 1 WHERE sequence = 2")
            }
            #expect(try await account.deliveries(webhook, "tried=false") == [all[0]])
            #expect(try await account.deliveries(webhook, "tried=true") == [all[1]])
        }
    }

    /// The deliveries of a webhook once there are `count`: nodes on PostgreSQL number them after they are there.
    private static func numbered(_ count: Int, of webhook: JSON, _ account: Account) async throws -> [JSON] {
        try await eventually("\(count) have a number") {
            let all = try await account.deliveries(webhook)
            return all.count == count ? all : nil
        }
    }

    @Test func timesAreFoundAmongGapsAndEqualOnes() async throws {
        try await withWebhookServer { server, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url())
            try await account.act("pause", on: webhook)
            for index in 1...12 {
                try await account.receive("\(index)", on: phone)
                // Each two at one time.
                if index.isMultiple(of: 2) { server.clock.advance(by: .seconds(60)) }
            }
            _ = try await Self.numbered(12, of: webhook, account)
            try await server.store.write { tx in
                try tx.run("DELETE FROM delivery WHERE sequence IN (1, 2, 3, 7, 8, 12)")
                try tx.run(
                    "UPDATE delivery SET created_at = (SELECT MIN(created_at) FROM delivery) WHERE sequence IN (4, 5, 6)"
                )
            }

            let all = try await account.deliveries(webhook)
            #expect(all.map(\.["sequence"]) == [11, 10, 9, 6, 5, 4])
            let first = all[5]["created_at"].string
            #expect(try await account.deliveries(webhook, "since=\(first)") == all)
            #expect(try await account.deliveries(webhook, "until=\(first)") == [])
            let later = all[2]["created_at"].string
            #expect(try await account.deliveries(webhook, "since=\(later)") == Array(all[...2]))
            #expect(try await account.deliveries(webhook, "until=\(later)") == Array(all[3...]))
        }
    }

    @Test(arguments: ["status_code=", "since=", "until=&status_code=", "tried="])
    func anEmptyFilterIsNone(query: String) async throws {
        try await withWebhookServer { _, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url())
            try await account.receive("Hello", on: phone)

            #expect(try await account.deliveries(webhook, query).count == 1)
        }
    }

    @Test func theCursorGoesThroughAllWithoutGapOrRepeat() async throws {
        try await withWebhookServer { _, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url())
            try await account.act("pause", on: webhook)
            for index in 1...7 { try await account.receive("\(index)", on: phone) }

            var sequences: [JSON] = []
            var before = ""
            while true {
                let page = try await account.deliveries(webhook, "limit=3" + before)
                if page.isEmpty { break }
                #expect(page.count <= 3)
                sequences += page.map(\.["sequence"])
                before = "&before=\(page[page.count - 1]["id"].string)"
                try await account.receive("meanwhile", on: phone)
            }

            #expect(sequences == [7, 6, 5, 4, 3, 2, 1])
        }
    }

    @Test func theCursorOfAnotherWebhookIsNone() async throws {
        try await withWebhookServer { server, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url("/a"))
            let other = try await account.makeWebhook(receiver.url("/b"))
            try await account.receive("1", on: phone)
            try await account.act("test", on: other)
            let cursor = try await account.deliveries(other)[0]["id"].string

            #expect(try await account.deliveries(webhook, "before=\(cursor)") == [])
            #expect(try await account.deliveries(webhook, "before=\(unknownID)") == [])
        }
    }

    @Test func theLimitIs20AndAtMost100() async throws {
        try await withWebhookServer { _, account, _, receiver in
            let webhook = try await account.makeWebhook(receiver.url())
            try await account.act("pause", on: webhook)
            for _ in 1...103 { try await account.act("test", on: webhook) }

            #expect(try await account.deliveries(webhook).count == 20)
            #expect(try await account.deliveries(webhook, "limit=0").isEmpty)
            #expect(try await account.deliveries(webhook, "limit=100").count == 100)
            #expect(try await account.deliveries(webhook, "limit=99999999999999999999").count == 100)
        }
    }

    @Test(
        arguments: [
            ("status=lost", "status"), ("event_type=message.phone.lost", "event_type"), ("message_id=1", "message_id"),
            ("status_code=99", "status_code"), ("status_code=x", "status_code"), ("status_code=%2B404", "status_code"),
            ("status_code=99999999999999999999", "status_code"), ("since=now", "since"),
            ("until=2026-13-01T00:00:00Z", "until"), ("tried=1", "tried"), ("before=abc", "before"),
            ("limit=ten", "limit"),
            ("limit=-1", "limit"),
        ]) func whatCannotBeReadIsNamed(query: String, field: String) async throws
    {
        try await withWebhookServer { _, account, _, receiver in
            let webhook = try await account.makeWebhook(receiver.url())

            let answer = try await account.client.get("/v1/webhooks/\(webhook["id"].string)/deliveries?\(query)")

            #expect(answer.status == 422)
            #expect(answer.message == "validation errors while fetching deliveries")
            #expect(Array(answer.data.object.keys) == [field])
        }
    }
}
