import TestSupport
import Testing

/// Headers that a webhook's owner adds, and Basic authorization.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct WebhookOwnHeaderTests {
    @Test func theyAreSentAndNeverShown() async throws {
        try await withWebhookServer { _, account, phone, receiver in
            let webhook = try await account.makeWebhook(
                receiver.url(),
                [
                    "headers": [
                        ["name": "X-Api-Key", "value": "secret-one"], ["name": "x-team", "value": "secret two"],
                    ]
                ])
            let path = "/v1/webhooks/\(webhook["id"].string)"
            let shown: JSON = [["name": "X-Api-Key", "value": nil], ["name": "x-team", "value": nil]]
            #expect(webhook["headers"] == shown)

            // What is read and written back changes nothing.
            let kept = try await account.client.put(path, ["headers": webhook["headers"]])
            try await account.receive("one", on: phone)
            let delivery = try await account.newest(webhook, is: "succeeded")
            let details = try await account.client.get("/v1/deliveries/\(delivery["id"].string)")
            let removed = try await account.client.put(path, ["headers": [["name": "X-TEAM"]]])
            try await account.receive("two", on: phone)

            let requests = try await receiver.requests(2)
            #expect(kept.data["headers"] == shown)
            #expect(requests[0].header("X-Api-Key") == "secret-one" && requests[0].header("X-Team") == "secret two")
            #expect(requests[0].header("Authorization")?.hasPrefix("Bearer ") == true)
            #expect(details.text.contains("X-Api-Key") && !details.text.contains("secret"))
            #expect(removed.data["headers"] == [["name": "X-TEAM", "value": nil]])
            #expect(requests[1].header("X-Api-Key") == nil && requests[1].header("X-Team") == "secret two")
        }
    }

    @Test func basicAuthorizationGoesWhereRequestsAreNotSigned() async throws {
        try await withWebhookServer { _, account, phone, receiver in
            let basic: JSON = ["basic_user": "mé", "basic_password": "p:w"]
            let refused = try await account.client.post(
                "/v1/webhooks", account.webhookSettings(receiver.url(), basic))
            let webhook = try await account.makeWebhook(
                receiver.url(), basic.with(["signing_key": ""]))
            let path = "/v1/webhooks/\(webhook["id"].string)"
            try await account.receive("one", on: phone)
            let request = try #require(try await receiver.requests(1).first)
            let signed = try await account.client.put(path, ["signing_key": "signing-key"])
            let rotated = try await account.client.post(path + "/rotate", [:])
            let ended = try await account.client.put(path, ["basic_user": nil, "signing_key": "signing-key"])

            #expect(refused.status == 422 && !refused.data["basic_user"].array.isEmpty)
            #expect(webhook["basic_user"] == "mé" && !"\(webhook)".contains("p:w"))
            #expect(request.header("Authorization") == "Basic bcOpOnA6dw==")
            #expect(signed.status == 422 && rotated.status == 422)
            #expect(ended.status == 200 && ended.data["basic_user"] == nil)
        }
    }

    @Test func whatCouldBreakARequestIsRefused() async throws {
        try await withWebhookServer { _, account, _, receiver in
            let many = JSON.array((0..<21).map { ["name": .string("X-\($0)"), "value": "x"] })
            let large = JSON.array(
                (0..<5).map { ["name": .string("X-\($0)"), "value": .string(.init(repeating: "x", count: 2_000))] })
            var bad = [many, large]
            for name in [
                "Host", "content-length", "Transfer-Encoding", "Connection", "Content-Type", "X-Event-Type",
                "webhook-id",
                "X-Httpsms-Delivery", "User-Agent", "Authorization", "", "a b", "X:", "X\r\nY", "\u{e9}", "X\u{0}",
            ] {
                bad.append([["name": .string(name), "value": "x"]])
            }
            for value in ["a\r\nX-Y: 1", "a\nb", "a\u{0}b", "", " ", "\u{e9}"] {
                bad.append([["name": "X-A", "value": .string(value)]])
            }
            bad.append([["name": "X-A"]])
            bad.append([["name": "X-A", "value": "1"], ["name": "x-a", "value": "2"]])
            for headers in bad {
                let answer = try await account.client.post(
                    "/v1/webhooks", account.webhookSettings(receiver.url(), ["headers": headers]))

                #expect(answer.status == 422 && !answer.data["headers"].array.isEmpty, "\(headers) \(answer)")
            }
        }
    }
}
