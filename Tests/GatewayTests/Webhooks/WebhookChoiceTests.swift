import TestSupport
import Testing
import Timestamps

/// Webhooks that hear of all phones, and of some times of the day.
@Suite(.timeLimit(.minutes(15))) struct WebhookChoiceTests {
    /// The hour of the day in UTC, which is not over soon.
    private static func hour(_ server: TestServer) throws -> Int {
        let minute = Int(server.clock.now().rfc3339.dropFirst(14).prefix(2)) ?? 0
        if minute > 50 { server.advance(by: .seconds(15 * 60)) }
        return try #require(Int(server.clock.now().rfc3339.dropFirst(11).prefix(2)))
    }

    /// An hour, as filters have it.
    private static func window(_ hour: Int) -> JSON {
        func text(_ hour: Int) -> String { "\(hour % 24 < 10 ? "0" : "")\(hour % 24):00" }
        return .string("\(text(hour))-\(text(hour + 1))")
    }

    @Test func timesAreThoseOfTheAccount() async throws {
        try await withWebhookServer { server, account, phone, receiver in
            let hour = try Self.hour(server)
            let times: JSON = [Self.window(hour + 3), Self.window(hour)]
            let webhook = try await account.makeWebhook(receiver.url(), ["filters": ["times": times]])
            let zone = "/v1/users/me"

            try await account.receive("in time", on: phone)
            #expect(try await receiver.requests(1)[0].content == "in time")
            // Nine hours later there, all year.
            #expect(try await account.client.put(zone, ["timezone": "Asia/Tokyo"]).status == 200)
            try await account.receive("too late", on: phone)
            try await server.untilNumbered()
            let log = try await account.client.get("/v1/events?limit=1").data
            #expect(log[0]["webhooks"][0]["reason"] == "time_not_selected", "\(log)")
            #expect(try await account.webhook(webhook)["filters"]["times"] == times)
            #expect(try await account.client.put(zone, ["timezone": "UTC"]).status == 200)
            try await account.receive("in time again", on: phone)
            #expect(try await receiver.requests(2).last?.content == "in time again")
            // One that is saved later has the zone of then.
            _ = try await account.client.put(zone, ["timezone": "Asia/Tokyo"])
            let path = "/v1/webhooks/\(webhook["id"].string)"
            let there: JSON = ["filters": ["times": [Self.window(hour + 9)]]]
            #expect(try await account.client.put(path, there).status == 200)
            try await account.receive("in Tokyo", on: phone)
            #expect(try await receiver.requests(3).last?.content == "in Tokyo")
        }
    }

    @Test func anotherAccountsZoneChangesNothing() async throws {
        try await withWebhookServer { server, account, phone, receiver in
            let times: JSON = [Self.window(try Self.hour(server))]
            _ = try await account.makeWebhook(receiver.url(), ["filters": ["times": times]])
            let stranger = try await server.makeAccount()
            _ = try await stranger.client.put("/v1/users/me", ["timezone": "Asia/Tokyo"])

            try await account.receive("in time", on: phone)

            #expect(try await receiver.requests(1)[0].content == "in time")
        }
    }

    @Test func allPhonesAreAlsoThoseThatComeLater() async throws {
        try await withWebhookServer { server, account, phone, receiver in
            let all: JSON = ["phone_numbers": [], "all_phone_numbers": true]
            let webhook = try await account.makeWebhook(receiver.url(), all)
            let path = "/v1/webhooks/\(webhook["id"].string)"
            let later = try await account.makePhone("+18005550188")

            try await account.receive("first", on: phone)
            try await account.receive("later", on: later)
            let contents = Set(try await receiver.requests(2).map(\.content))
            _ = try await account.act("test", on: webhook, ["event": "message.phone.sent"])
            let sample = try await receiver.requests(3).last?.json["data"]["owner"].string

            #expect(webhook["phone_numbers"] == [] && webhook["all_phone_numbers"] == true)
            #expect(contents == ["first", "later"])
            #expect(sample?.hasPrefix("+") == true)
            // Who reads, changes and writes all of it keeps it; a list ends it.
            let kept = try await account.client.put(path, webhook.with(["ordering": "message"]))
            #expect(kept.data["all_phone_numbers"] == true && kept.data["ordering"] == "message", "\(kept)")
            let written = try await account.client.put(path, ["phone_numbers": [], "url": .string(receiver.url())])
            #expect(written.data["all_phone_numbers"] == true, "\(written)")
            let both = try await account.client.put(
                path, ["phone_numbers": [.string(phoneNumber)], "all_phone_numbers": true])
            #expect(both.status == 422 && both.data["phone_numbers"].array.count == 1, "\(both)")
            for body: JSON in [
                ["all_phone_numbers": false], ["all_phone_numbers": nil],
                ["all_phone_numbers": false, "phone_numbers": []], ["phone_numbers": ["*"]],
            ] { #expect(try await account.client.put(path, body).status == 422, "\(body)") }
            let listed = try await account.client.put(path, ["phone_numbers": [.string(phoneNumber)]])
            #expect(listed.data["phone_numbers"] == [.string(phoneNumber)])
            #expect(listed.data["all_phone_numbers"] == false)
            try await account.receive("not any more", on: later)
            try await server.untilNumbered()
            let log = try await account.client.get("/v1/events?limit=1").data
            #expect(log[0]["webhooks"][0]["reason"] == "phone_number_not_selected", "\(log)")
        }
    }

    @Test func anEmptyListStaysRefusedAndADeletedPhoneStopsNothing() async throws {
        try await withWebhookServer { _, account, phone, receiver in
            for body: JSON in [
                ["phone_numbers": []], ["phone_numbers": ["*"]], ["phone_numbers": [], "all_phone_numbers": false],
            ] {
                let answer = try await account.client.post(
                    "/v1/webhooks", account.webhookSettings(receiver.url(), body))
                #expect(answer.status == 422, "\(body) \(answer)")
            }
            let other = try await account.makePhone("+18005550188")
            let webhook = try await account.makeWebhook(
                receiver.url(), ["phone_numbers": [], "all_phone_numbers": true])
            #expect(try await account.client.delete("/v1/phones/\(phone.id)").status < 300)

            try await account.receive("still", on: other)

            #expect(try await receiver.requests(1)[0].content == "still")
            #expect(try await account.webhook(webhook)["status"] == "active")
        }
    }
}
