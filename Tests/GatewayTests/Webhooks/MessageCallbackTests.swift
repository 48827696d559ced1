import HTTPSMSWebhooks
import Storage
import TestSupport
import Testing
import Timestamps

/// `callback_url`: where one message has its events sent.
@Suite(.timeLimit(.minutes(15))) struct MessageCallbackTests {
    private static func finish(_ message: JSON, on phone: Account.Phone) async throws {
        for event in ["SENT", "DELIVERED"] { _ = try await phone.report(event, message["id"].string) }
    }

    private static func callbacks(_ account: Account) async throws -> [JSON] {
        try await account.client.get("/v1/callbacks").data.array
    }

    @Test func theEventsOfAMessageGoWhereItSaysBesideTheWebhooks() async throws {
        try await withWebhookServer { _, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url())
            let url = receiver.url("/status?order=17")

            let message = try await account.send(["callback_url": .string(url), "request_id": "order-17"])
            let plain = try await account.send()
            for message in [plain, message] { try await Self.finish(message, on: phone) }
            try await account.receive("an answer", on: phone)
            let told = try await receiver.requests(2, to: "/status?order=17")
            _ = try await receiver.requests(5, to: "/hook")
            let all = try await Self.callbacks(account)
            let callback = try #require(all.first)
            let deliveries = try await account.deliveries(callback)

            #expect(Set(told.map(\.eventType)) == ["message.phone.sent", "message.phone.delivered"])
            #expect(told.allSatisfy { $0.json["data"]["id"] == message["id"] })
            #expect(told.allSatisfy { $0.json["data"]["request_id"] == "order-17" })
            // A webhook's format stays as it is documented; that of a callback says which message it is about.
            #expect(told.allSatisfy { $0.json["messageid"] == message["id"] && $0.json["requestid"] == "order-17" })
            #expect(told.allSatisfy { $0.json["deliveryid"].string == $0.header("X-Httpsms-Delivery") })
            #expect(try await receiver.requests(5, to: "/hook").allSatisfy { $0.json.object["messageid"] == nil })
            #expect(callback["url"] == .string(url) && callback["id"] == message["callback_id"] && all.count == 1)
            #expect(callback["status"] == "active" && callback["held_count"] == 0)
            #expect(plain.object["callback_id"] == nil)
            #expect(deliveries.count == 2 && deliveries.allSatisfy { $0["webhook_id"] == callback["id"] })
            #expect(try await account.client.get("/v1/webhooks").data.array.map { $0["id"] } == [webhook["id"]])
            for (method, action) in [("PUT", ""), ("GET", ""), ("DELETE", ""), ("POST", "/rotate"), ("POST", "/test")] {
                let path = "/v1/webhooks/\(callback["id"].string)\(action)"
                let status = try await account.client.send(method, path, [:]).status
                #expect(status == 404, "\(method) \(action)")
            }
        }
    }

    @Test func theLogShowsTheAttributesThatWereSent() async throws {
        try await withWebhookServer { _, account, phone, receiver in
            let message = try await account.send(["callback_url": .string(receiver.url("/status"))])
            _ = try await phone.report("SENT", message["id"].string)
            let told = try await receiver.requests(1)[0]
            let delivery = try await account.delivery(told.json["deliveryid"].string, is: "succeeded")

            #expect(delivery["request_body"] == .string(told.text))
        }
    }

    @Test func theAPIKeySignsAndSoDoesTheNextOne() async throws {
        try await withWebhookServer { _, account, phone, receiver in
            let url = receiver.url("/status")
            let message = try await account.send(["callback_url": .string(url)])
            _ = try await phone.report("SENT", message["id"].string)
            let first = try await receiver.requests(1)[0]
            let rotated = try await account.client.send("DELETE", "/v1/users/\(account.id)/api-keys").data
            _ = try await phone.report("DELIVERED", message["id"].string)
            let second = try await receiver.requests(2)[1]

            for (request, key) in [(first, account.apiKey), (second, rotated["api_key"].string)] {
                let now = Timestamp(seconds: Int64(request.header("webhook-timestamp") ?? "") ?? 0)
                #expect(
                    request.header("webhook-signature")
                        == StandardWebhookSignature.sign(
                            id: request.json["id"].string, timestamp: now, body: request.body, keys: [key]))
                #expect(
                    request.header("Authorization")
                        == "Bearer \(WebhookToken.sign(key: key, subject: account.id, audience: url, now: now))")
            }
            #expect(rotated["api_key"] != .string(account.apiKey))
        }
    }

    @Test func manyMessagesShareOneAlsoWhenTheyNameItAtOnce() async throws {
        try await withWebhookServer { _, account, phone, receiver in
            let url = JSON.string(receiver.url("/status"))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<8 { group.addTask { _ = try await account.send(["callback_url": url]) } }
                try await group.waitForAll()
            }
            let bulk = try await account.client.post(
                "/v1/messages/bulk-send",
                ["from": "+18005550199", "to": ["+18005550101", "+18005550102"], "content": "Hi", "callback_url": url])
            for message in bulk.data.array { _ = try await phone.report("SENT", message["id"].string) }
            let told = try await receiver.requests(2)

            #expect(Set(told.map { $0.json["data"]["id"] }) == Set(bulk.data.array.map { $0["id"] }))
            #expect(try await Self.callbacks(account).count == 1)
        }
    }

    @Test func aFileHasOneForAllOfItsMessages() async throws {
        try await withWebhookServer { _, account, phone, receiver in
            let form = Form("a.csv", Array((BulkFile.header + BulkFile.row + BulkFile.row).utf8))
            let upload = { (query: String) in
                try await account.client.send(
                    "POST", "/v1/bulk-messages" + query, headers: form.headers, body: form.body)
            }
            let refused = try await upload("?callback_url=ftp%3A%2F%2Fx")
            #expect(refused.status == 422 && !refused.data["callback_url"].array.isEmpty, "\(refused)")
            #expect(try await account.client.get("/v1/messages/search").data == [])

            #expect(try await upload("?callback_url=\(receiver.url("/status%3Ffile%3D1"))").status == 202)
            let messages = try await account.client.get("/v1/messages/search").data.array
            for message in messages { _ = try await phone.report("SENT", message["id"].string) }
            let told = try await receiver.requests(2, to: "/status?file=1")

            #expect(Set(told.map { $0.json["messageid"] }) == Set(messages.map { $0["id"] }) && messages.count == 2)
        }
    }

    @Test func aFailedOneIsTriedAgainWithTheSameBytes() async throws {
        try await withWebhookServer(["WEBHOOK_RETRY_DELAYS": "1s"]) { _, count in
            .status(count == 0 ? 503 : 200)
        } body: { server, account, phone, receiver in
            let message = try await account.send(["callback_url": .string(receiver.url("/status"))])
            _ = try await phone.report("SENT", message["id"].string)
            _ = try await receiver.requests(1)
            server.advance(by: .seconds(3))
            let told = try await receiver.requests(2)

            #expect(told[0].body == told[1].body && told.map { $0.header("X-Httpsms-Attempt") } == ["1", "2"])
        }
    }

    @Test func whatMayNotBeReachedIsRefusedAndNothingIsSent() async throws {
        try await withServer(["WEBHOOK_ALLOWED_NETWORKS": "10.0.0.0/8"]) { server in
            let owner = try await server.makeAccount()
            let invited = try await server.makeAccount()
            for account in [owner, invited] { _ = try await account.makePhone() }
            let urls = [
                "ftp://8.8.8.8/", "8.8.8.8/status", "http://user@8.8.8.8/", "http://127.0.0.1/",
                "http://169.254.169.254/",
                "https://8.8.8.8/" + String(repeating: "a", count: 2_040), server.baseURL,
            ]
            for url in urls {
                let refused = try await owner.client.post(
                    "/v1/messages/send",
                    [
                        "from": "+18005550199", "to": "+18005550100", "content": "Hi", "callback_url": .string(url),
                    ])
                #expect(refused.status == 422 && !refused.data["callback_url"].array.isEmpty, "\(url) \(refused)")
            }
            let inside: JSON = [
                "from": "+18005550199", "to": ["+18005550100"], "content": "Hi", "callback_url": "http://10.0.0.1/",
            ]
            #expect(try await invited.client.post("/v1/messages/bulk-send", inside).status == 422)
            #expect(try await owner.client.post("/v1/messages/bulk-send", inside).status == 200)
            #expect(try await owner.client.get("/v1/messages/search").data.array.count == 1)
            for blank in [JSON.null, "", " "] {
                #expect(try await owner.send(["callback_url": blank]).object["callback_id"] == nil)
            }
        }
    }

    @Test func anInvitedAccountHasTenForEachWebhookItMayHave() async throws {
        try await withServer(["QUOTA_WEBHOOKS": "1"]) { server in
            _ = try await server.makeAccount()
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            for number in 0..<10 { _ = try await account.send(["callback_url": .string("http://8.8.8.8/\(number)")]) }

            let draft: JSON = ["from": "+18005550199", "to": "+18005550100", "content": "Hi"]
            let more = try await account.client.post(
                "/v1/messages/send", draft.with(["callback_url": "http://8.8.8.8/more"]))
            let known = try await account.client.post(
                "/v1/messages/send", draft.with(["callback_url": "http://8.8.8.8/3"]))

            #expect(more.status == 422 && more.data["callback_url"][0].string.contains("10 different"), "\(more)")
            #expect(known.status == 200)
        }
    }

    @Test func theNextMessageTriesADisabledOneAgain() async throws {
        try await withWebhookServer { _, count in
            .status(count == 0 ? 410 : 200)
        } body: { server, account, phone, receiver in
            let url = JSON.string(receiver.url("/status"))
            let first = try await account.send(["callback_url": url])
            _ = try await phone.report("SENT", first["id"].string)
            let disabled = try await eventually("a disabled callback") {
                try await Self.callbacks(account).first { $0["status"] == "disabled" }
            }

            let second = try await account.send(["callback_url": url])
            let told = try await receiver.requests(2)

            #expect(disabled["status_reason"] == "gone: the receiver answered 410" && disabled["held_count"] == 1)
            #expect(second["callback_id"] == first["callback_id"])
            #expect(told[0].body == told[1].body)
            #expect(try await Self.callbacks(account).map { $0["status"] } == ["active"])
        }
    }

    @Test func strangersNeitherSeeNorUseIt() async throws {
        try await withWebhookServer { server, account, _, receiver in
            let message = try await account.send(["callback_url": .string(receiver.url("/status"))])
            let stranger = try await server.makeAccount()
            let path = "/v1/webhooks/\(message["callback_id"].string)/deliveries"

            #expect(try await Self.callbacks(stranger).isEmpty)
            #expect(try await stranger.client.get(path).status == 404)
            #expect(try await account.client.get(path).status == 200)
        }
    }
}
