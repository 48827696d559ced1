import TestSupport
import Testing

/// What follows from an endpoint's answer, as the API tells it.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct WebhookAnswerTests {
    @Test func anAnswerOf410DisablesAndHoldsAllFromThatOneOn() async throws {
        try await withWebhookServer { request, _ in
            .status(request.path == "/gone" ? 410 : 200)
        } body: { _, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url("/gone"))
            let path = "/v1/webhooks/\(webhook["id"].string)"

            try await account.receive("1", on: phone)
            let held = try await account.newest(webhook, is: "held")
            for content in ["2", "3"] { try await account.receive(content, on: phone) }
            let disabled = try await account.webhook(webhook)
            let details = try await account.client.get("/v1/deliveries/\(held["id"].string)").data

            #expect(disabled["status"] == "disabled")
            #expect(
                disabled["status_reason"]
                    == "gone: the receiver answered 410; correct the callback URL and resume the webhook")
            #expect(disabled["held_count"] == 3)
            #expect(held["attempt_count"] == 1)
            #expect(held["last_status_code"] == 410)
            #expect(held["last_error"] == "gone")
            #expect(
                details["attempts"][0]["error_message"]
                    == "Correct the callback URL, then resume the webhook; what was held is sent then.")
            #expect(receiver.requests.count == 1)

            _ = try await account.client.put(path, ["url": .string(receiver.url("/new"))])
            #expect(try await account.webhook(webhook)["status"] == "disabled")
            try await account.act("resume", on: webhook)

            #expect(try await receiver.requests(3, to: "/new").map(\.content) == ["1", "2", "3"])
            #expect(receiver.requests(to: "/new")[0].header("X-Httpsms-Attempt") == "2")
            #expect(try await account.webhook(webhook)["held_count"] == 0)
        }
    }

    @Test(
        arguments: [
            (429, "120", 120, "too_many_requests"), (503, "120", 120, "service_unavailable"),
            (503, "999999", 3_600, "service_unavailable"), (429, "soon", 2, "too_many_requests"),
            (500, "120", 120, "server_error"),
        ] as [(Int, String, Int, String)])
    func retryAfterIsHonoured(status: Int, header: String, wait: Int, code: String) async throws {
        try await withWebhookServer { _, count in
            count == 0 ? .status(status, headers: ["Retry-After": header]) : .status(200)
        } body: { server, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url())

            try await account.receive("1", on: phone)
            let waiting = try await eventually("the failure") {
                try await account.deliveries(webhook).first { $0["last_status_code"] == .int(status) }
            }
            if wait > 60 { server.advance(by: .seconds(wait - 60)) }
            let before = receiver.requests.count
            server.advance(by: .seconds(wait))
            let second = try await receiver.requests(2)[1]

            #expect(waiting["status"] == "pending")
            #expect(waiting["last_error"] == .string(code))
            if wait > 60 { #expect(before == 1) }
            #expect(second.header("X-Httpsms-Attempt") == "2")
        }
    }

    @Test(arguments: [301, 302, 303, 307, 308])
    func aRedirectIsFinalAndItsLocationKept(status: Int) async throws {
        try await withWebhookServer { request, _ in
            request.path == "/a" ? .status(status, headers: ["Location": "/b?x=1"]) : .status(200)
        } body: { _, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url("/a"))

            try await account.receive("1", on: phone)
            let failed = try await account.newest(webhook, is: "failed")
            let attempt = try await account.client.get("/v1/deliveries/\(failed["id"].string)").data["attempts"][0]

            #expect(failed["last_status_code"] == .int(status))
            #expect(failed["last_error"] == "redirect")
            #expect(!failed["completed_at"].string.isEmpty)
            #expect(
                attempt["error_message"]
                    == "Location: /b?x=1. Set the callback URL to the address in Location.")
            #expect(attempt["response_headers"].array.contains(["name": "Location", "value": "/b?x=1"]))
            #expect(receiver.requests.map(\.path) == ["/a"])
        }
    }

    @Test func aWebhookThatOnlyFailedForFiveDaysIsDisabledAndForgivenOnResume() async throws {
        try await withWebhookServer { _, _ in
            .status(500)
        } body: { server, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url())
            for index in 1...10 { try await account.receive("\(index)", on: phone) }
            for attempts in 1...5 {
                _ = try await eventually("attempt \(attempts) of each to be recorded") {
                    try await account.deliveries(webhook).allSatisfy {
                        $0["attempt_count"] == .int(attempts) && $0["status"] != "delivering"
                    } ? true : nil
                }
                server.advance(by: .seconds(900))
            }
            _ = try await eventually("ten failures") {
                try await account.deliveries(webhook, "status=failed").count == 10 ? true : nil
            }
            #expect(try await account.webhook(webhook)["status"] == "active")

            server.advance(by: .seconds(5 * 86_400))
            try await account.receive("last", on: phone)
            let disabled = try await eventually("the webhook to be disabled") {
                [try await account.webhook(webhook)].first { $0["status"] == "disabled" }
            }
            try await account.act("resume", on: webhook)
            try await account.receive("after", on: phone)
            _ = try await receiver.requests(52)
            _ = try await eventually("the failure after the resume") {
                try await account.deliveries(webhook).first { $0["last_status_code"] == 500 }
            }

            #expect(disabled["status_reason"].string.hasPrefix("failing: every attempt since "))
            #expect(try await account.webhook(webhook)["status"] == "active")
        }
    }
}
