import Storage
import TestSupport
import Testing
import Timestamps

/// Alerts from what is wrong to who is told.
@Suite(.timeLimit(.minutes(15))) struct AlertTests {
    struct NotTold: Error {
        let what: String
    }

    /// Lets minutes pass, with a look in each; `isDone` is asked after each.
    static func look(
        _ server: TestServer, minutes: Int = 240, until what: String, _ isDone: () async throws -> Bool
    ) async throws {
        for _ in 0..<minutes {
            server.advance(by: .seconds(61))
            let looked = server.clock.now()
            server.store.wakeups.signal(.alerts)
            try await until("a look at every account, and all that it tells is told") {
                try await server.store.read { tx in
                    try tx.rows(
                        """
                        SELECT 1 AS waits FROM alert_watch WHERE due_at <= \(looked)
                        UNION ALL
                        SELECT 1 FROM delivery d JOIN endpoint e ON e.id = d.endpoint_id
                        WHERE d.state < 2 AND e.user_id LIKE 'alerts of %'
                        UNION ALL
                        SELECT 1 FROM mail
                        """
                    ).isEmpty
                }
            }
            if try await isDone() { return }
        }
        throw NotTold(what: what)
    }

    private static func alerts(_ account: Account) async throws -> [JSON] {
        try await account.client.get("/v1/alerts").data.array
    }

    static func makeAlertWebhook(_ account: Account, _ url: String, _ more: JSON = [:]) async throws -> JSON {
        let answer = try await account.client.post(
            "/v1/alerts/webhooks", JSON.object(["url": .string(url)]).with(more.object))
        try #require(answer.status == 201, "\(answer)")
        return answer.data
    }

    @Test func aWebhookThatIsStoppedIsToldOnceAndOnceMoreWhenItIsOver() async throws {
        try await withWebhookServer { request, _ in
            .status(request.path == "/gone" ? 410 : 200)
        } body: { server, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url("/gone"))
            let told = try await Self.makeAlertWebhook(account, receiver.url("/alerts"), ["signing_key": "secret"])
            _ = try await Self.makeAlertWebhook(account, receiver.url("/chat"), ["payload_format": "ntfy"])
            try await account.receive("Hello", on: phone)
            try await account.newest(webhook, is: "held")

            try await Self.look(server, until: "an alert") { receiver.requests(to: "/alerts").count == 1 }
            let open = try await Self.alerts(account)
            let first = try await receiver.requests(1, to: "/alerts")[0]
            let chat = try await receiver.requests(1, to: "/chat")[0]
            _ = try await account.client.delete("/v1/webhooks/\(webhook["id"].string)")
            try await Self.look(server, until: "an end") { receiver.requests(to: "/alerts").count == 2 }
            let last = try await receiver.requests(2, to: "/alerts")[1]

            #expect(first.eventType == "webhook.disabled" && first.header("X-Event-Type") == "webhook.disabled")
            #expect(first.json["data"]["state"] == "open" && first.json["data"]["subject"] == webhook["id"])
            #expect(first.header("webhook-signature") != nil)
            #expect(open.count == 1 && open[0]["cause"] == "webhook.disabled")
            #expect(
                chat.text.hasPrefix("The webhook to 127.0.0.1:") && chat.text.contains("410")
                    && !chat.text.contains("/gone"))
            #expect(
                last.json["data"]["state"] == "over" && last.json["data"]["alert_id"] == first.json["data"]["alert_id"])
            #expect(try await Self.alerts(account).isEmpty)
            // Nothing of it stands among the events and webhooks of the account, and the deliveries are at hand.
            #expect(try await account.client.get("/v1/events").data.array.count == 1)
            #expect(try await account.client.get("/v1/webhooks").data.array.isEmpty)
            let deliveries = try await account.deliveries(told)
            #expect(deliveries.count == 2)
            #expect(try await account.client.get("/v1/deliveries/\(deliveries[0]["id"].string)").status == 200)
            let found = try await account.client.get("/v1/events/\(first.json["id"].string)").data["event"]
            #expect(found["type"] == "webhook.disabled" && found["data"]["subject"] == webhook["id"])
        }
    }

    @Test func aWebhookHearsOfWhatItNames() async throws {
        try await withWebhookServer { request, _ in
            .status(request.path == "/gone" ? 410 : 200)
        } body: { server, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url("/gone"))
            let all = try await Self.makeAlertWebhook(account, receiver.url("/all"))
            let one = try await Self.makeAlertWebhook(
                account, receiver.url("/one"), ["events": ["phone.offline"], "signing_key": "secret"])
            let two = try await Self.makeAlertWebhook(
                account, receiver.url("/two"), ["events": ["phone.offline", "webhook.disabled", "phone.offline"]])
            try await account.receive("Hello", on: phone)
            try await account.newest(webhook, is: "held")
            try await Self.look(server, until: "an alert") { receiver.requests(to: "/two").count == 1 }
            let path = "/v1/alerts/webhooks/\(one["id"].string)"
            let changed = try await account.client.put(path, ["events": ["*"]])
            _ = try await account.client.delete("/v1/webhooks/\(webhook["id"].string)")
            try await Self.look(server, until: "an end") { receiver.requests(to: "/one").count == 1 }
            let told = try await receiver.requests(1, to: "/one")[0]

            #expect(all["events"] == ["*"] && one["events"] == ["phone.offline"])
            #expect(two["events"] == ["phone.offline", "webhook.disabled"])
            #expect(receiver.requests(to: "/all").map(\.eventType) == ["webhook.disabled", "webhook.disabled"])
            #expect(told.json["data"]["state"] == "over")
            #expect(
                changed.data["events"] == ["*"] && changed.data["signing_key"] == "secret"
                    && changed.data["url"] == one["url"])
            #expect(try await account.client.get(path).data["events"] == ["*"])
            let events: JSON = ["webhook.failing"]
            #expect(try await account.client.put(path, ["events": events]).data["events"] == events)
            #expect(try await account.client.put(path, ["signing_key": nil]).data["events"] == events)
            for wrong: JSON in [[], ["phone.offlin"], ["*", "phone.offline"], ["message.phone.received"]] {
                #expect(try await account.client.put(path, ["events": wrong]).status == 422, "\(wrong)")
            }
            #expect(try await account.client.get(path).data["events"] == events)
            let foreign: JSON = ["ordering": "message", "filters": ["sims": ["SIM1"]]]
            let without = try await account.client.put(path, foreign).data
            #expect(without["ordering"] == "none" && without["filters"] == nil)
            let stranger = try await server.makeAccount()
            #expect(try await stranger.client.put(path, ["events": ["*"]]).status == 404)
            #expect(try await stranger.client.get(path).status == 404)
        }
    }

    @Test func whatWasGivenUpIsToldUntilNothingMoreIs() async throws {
        try await withWebhookServer { request, _ in
            .status(request.text.contains("unwanted") ? 404 : 200)
        } body: { server, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url("/hook"))
            _ = try await Self.makeAlertWebhook(account, receiver.url("/alerts"))
            try await account.receive("unwanted", on: phone)
            try await account.newest(webhook, is: "failed")
            try await account.receive("Hello", on: phone)
            try await account.newest(webhook, is: "succeeded")

            try await Self.look(server, minutes: 3, until: "an alert") { receiver.requests(to: "/alerts").count == 1 }
            try await Self.look(server, until: "an end") { receiver.requests(to: "/alerts").count == 2 }

            let told = receiver.requests(to: "/alerts")
            #expect(told.map(\.eventType) == ["delivery.failed", "delivery.failed"])
            #expect(told.map { $0.json["data"]["state"] } == ["open", "over"])
            #expect(told.allSatisfy { $0.json["data"]["subject"] == webhook["id"] })
        }
    }

    @Test func aThousandFailuresAreTwoMessages() async throws {
        try await withWebhookServer { server, account, phone, receiver in
            _ = try await Self.makeAlertWebhook(account, receiver.url("/alerts"))
            func fail(_ count: Int) async throws {
                for _ in 0..<count {
                    let message = try await account.send()
                    _ = try await phone.report("FAILED", message["id"].string, ["reason": "no network"])
                }
            }
            try await fail(4)
            await #expect(throws: NotTold.self) {
                try await Self.look(server, minutes: 2, until: "an alert") { !receiver.requests.isEmpty }
            }
            try await fail(20)
            try await Self.look(server, until: "an alert") { receiver.requests.count == 1 }
            try await fail(20)
            try await Self.look(server, until: "an end") { receiver.requests.count > 1 }

            #expect(receiver.requests.map { $0.json["data"]["state"] } == ["open", "over"])
            #expect(receiver.requests.allSatisfy { $0.eventType == "message.failed" })
        }
    }

    @Test func eMailTellsWhatTheSwitchesLetPass() async throws {
        try await withTemporaryDirectory { folder in
            try await MailReceiver.run(in: folder, "plain") { mails in
                let settings = ["SMTP_URL": "smtp://127.0.0.1:\(mails.port)", "SMTP_FROM": "sms@example.com"]
                try await withServer(settings) { server in
                    let account = try await server.makeAccount(email: "ann@example.com")
                    let other = try await server.makeAccount(email: "bob@example.com")
                    for account in [account, other] { _ = try await account.makePhone().beat() }
                    let path = "/v1/users/\(other.id)/notifications"
                    _ = try await other.client.put(path, ["heartbeat_enabled": false])

                    try await Self.look(server, until: "an e-mail") { try mails.mails().count == 1 }
                    // The look at the other account may be a moment later.
                    let opened = try await eventually("the other account's alert") {
                        let alerts = try await Self.alerts(other)
                        return alerts.isEmpty ? nil : alerts
                    }
                    await #expect(throws: NotTold.self) {
                        try await Self.look(server, minutes: 20, until: "another") { try mails.mails().count > 1 }
                    }
                    let mail = try await mails.mails(1)[0]

                    #expect(
                        mail["to"] == ["ann@example.com"]
                            && mail["subject"].string.contains("Phone +18005550199 is offline"))
                    #expect(opened.map { $0["cause"] } == ["phone.offline"])
                    #expect(try mails.mails().count == 1)
                }
            }
        }
    }

    @Test func aRestartRepeatsNothing() async throws {
        try await WebhookReceiver.run { receiver in
            let url = receiver.url("/alerts")
            try await withTemporaryDirectory { folder in
                let clock = AdjustableClock()
                try await withServer(in: folder, clock: clock) { server in
                    let account = try await server.makeAccount(apiKey: "a-key-of-the-test")
                    _ = try await account.makePhone().beat()
                    _ = try await Self.makeAlertWebhook(account, url)
                    try await Self.look(server, until: "an alert") { receiver.requests.count == 1 }
                }
                try await withServer(in: folder, clock: clock) { server in
                    await #expect(throws: NotTold.self) {
                        try await Self.look(server, minutes: 5, until: "told again") { receiver.requests.count > 1 }
                    }
                    let account = server.client(key: "a-key-of-the-test")
                    let alerts = try await account.get("/v1/alerts").data.array
                    #expect(alerts.map { $0["cause"] } == ["phone.offline"])
                }
            }
        }
    }

    @Test func whatCannotBeUsedIsRefused() async throws {
        try await withWebhookServer { server, account, _, receiver in
            let stranger = try await server.makeAccount()
            let webhook = try await Self.makeAlertWebhook(account, receiver.url())
            let path = "/v1/alerts/webhooks/\(webhook["id"].string)"
            for body: JSON in [
                ["quiet_from": "22:00"], ["quiet_from": "25:00", "quiet_until": "07:00"],
                ["quiet_from": "07:00", "quiet_until": "07:00"],
            ] {
                #expect(try await account.client.put("/v1/alerts/settings", body).status == 422, "\(body)")
            }
            let quiet: JSON = ["quiet_from": "22:00", "quiet_until": "07:30"]
            #expect(try await account.client.put("/v1/alerts/settings", quiet).data == quiet)
            #expect(try await account.client.get("/v1/alerts/settings").data == quiet)
            #expect(
                try await account.client.put("/v1/alerts/settings", [:]).data == [
                    "quiet_from": nil, "quiet_until": nil,
                ])
            #expect(try await account.client.post("/v1/alerts/webhooks", ["url": "http://10.0.0.1/"]).status == 422)
            #expect(
                try await stranger.client.post("/v1/alerts/webhooks", ["url": .string(receiver.url())]).status == 422)
            #expect(try await stranger.client.send("POST", path + "/test").status == 404)
            #expect(try await stranger.client.delete(path).status == 404)
            #expect(try await account.client.send("POST", path + "/test").status == 202)
            #expect(try await receiver.requests(1)[0].json["data"]["title"].string.hasPrefix("A test"))
            for _ in 0..<4 { _ = try await Self.makeAlertWebhook(account, receiver.url()) }
            #expect(
                try await account.client.post("/v1/alerts/webhooks", ["url": .string(receiver.url())]).status == 402)
            #expect(try await account.client.delete(path).status == 204)
        }
    }
}
