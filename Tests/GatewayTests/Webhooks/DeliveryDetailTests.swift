import Foundation
import TestSupport
import Testing

/// `GET /v1/deliveries/{deliveryID}`.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct DeliveryDetailTests {
    @Test func theEventIsShownAsItWasSentAndEachAttemptWhole() async throws {
        try await withWebhookServer { _, count in
            count == 0
                ? .status(500, headers: ["X-Answer": "no", "Content-Type": "text/plain"], body: Array("broken €".utf8))
                : .status(200)
        } body: { server, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url())
            try await account.receive("Hello \u{2028} \"quoted\" 😀", on: phone)
            _ = try await account.newest(webhook, is: "pending")
            server.advance(by: .seconds(10))
            let requests = try await receiver.requests(2)
            let id = try await account.newest(webhook, is: "succeeded")["id"].string

            let answer = try await account.client.get("/v1/deliveries/\(id)")
            let attempts = answer.data["attempts"].array

            #expect(answer.status == 200)
            #expect(answer.text.contains("\"event\":\(requests[0].text),\"attempts\":"))
            #expect(requests[1].body == requests[0].body)
            #expect(
                answer.data.with(["event": .absent, "attempts": .absent]) == (try await account.deliveries(webhook)[0]))
            try #require(attempts.map(\.["number"]) == [1, 2])
            #expect(
                attempts[0].with([
                    "started_at": .absent, "duration_ms": .absent, "phases": .absent, "request_headers": .absent,
                    "response_headers": .absent,
                ]) == [
                    "number": 1, "route": "own", "status_code": 500, "error": "server_error",
                    "error_message": "Look for this request in the receiver's log.",
                    "response_body": "broken €", "response_body_encoding": "text",
                ])
            #expect(attempts[0]["response_headers"].array.contains(["name": "X-Answer", "value": "no"]))
            #expect(attempts[1]["error"] == nil)
            #expect(attempts[1]["error_message"] == nil)
            #expect(attempts[1]["response_body"] == "")
            for (attempt, request) in zip(attempts, requests) {
                try Self.checkPhases(attempt)
                try Self.checkHeaders(attempt, request)
            }
        }
    }

    /// Every header as it was sent, but those that hold secrets, and what only belongs to the connection.
    private static func checkHeaders(_ attempt: JSON, _ request: WebhookReceiver.Request) throws {
        let shown = attempt["request_headers"].array
        let sent = request.headers.filter { !["host", "content-length"].contains($0.name.lowercased()) }
        #expect(shown.map { $0["name"].string.lowercased() }.sorted() == sent.map { $0.name.lowercased() }.sorted())
        for header in shown {
            let name = header["name"].string
            switch name {
            case "Authorization": #expect(header["value"] == "Bearer [redacted]")
            case "webhook-signature": #expect(header["value"] == "v1,[redacted]")
            default: #expect(header["value"].string == request.header(name), "\(name)")
            }
        }
    }

    private static func checkPhases(_ attempt: JSON) throws {
        let phases = attempt["phases"]
        #expect(Set(phases.object.keys) == ["dns", "connect", "tls", "first_byte"])
        #expect(phases["dns"] == nil, "the host is an address")
        #expect(phases["tls"] == nil)
        guard case .int(let firstByte) = phases["first_byte"], case .int(let whole) = attempt["duration_ms"] else {
            Issue.record("no times in \(attempt)")
            return
        }
        #expect(firstByte >= 0 && firstByte <= whole)
    }

    /// What a receiver answers, how it is shown, and in which encoding.
    @Test(
        arguments: [
            ([0xff, 0x00, 0x10], "/wAQ", "base64"),
            (Array("caf\u{e9}".utf8), "café", "text"),
            ([0x63, 0x61, 0x66, 0xe9], "Y2Fm6Q==", "base64"),
            (Array(repeating: 0x61, count: 20_000), String(repeating: "a", count: 16_384), "text"),
            // The cap falls into a character of two bytes.
            (
                [0x61] + Array(String(repeating: "é", count: 10_000).utf8), "a" + String(repeating: "é", count: 8_191),
                "text"
            ),
            (
                Array(repeating: 0xff, count: 20_000), Data(repeating: 0xff, count: 16_384).base64EncodedString(),
                "base64"
            ),
        ] as [([UInt8], String, String)])
    func aBodyIsCutAt16KiBAndBase64WhenItIsNoText(body: [UInt8], shown: String, encoding: String) async throws {
        try await withWebhookServer { _, _ in
            .status(400, body: body)
        } body: { _, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url())
            try await account.receive("1", on: phone)
            let id = try await account.newest(webhook, is: "failed")["id"].string

            let attempt = try await account.client.get("/v1/deliveries/\(id)").data["attempts"][0]

            #expect(attempt["response_body"].string == shown)
            #expect(attempt["response_body_encoding"].string == encoding)
        }
    }

    @Test func aRefusedConnectionHasACodeAndAHint() async throws {
        let url = try await WebhookReceiver.run { $0.url() }
        try await withWebhookServer { _, account, phone, _ in
            let webhook = try await account.makeWebhook(url)
            try await account.receive("1", on: phone)
            let delivery = try await eventually("the attempt") {
                try await account.deliveries(webhook).first { $0["last_error"] != nil }
            }

            let attempt = try await account.client.get("/v1/deliveries/\(delivery["id"].string)").data["attempts"][0]

            #expect(delivery["last_error"] == "connect_failed")
            #expect(delivery["last_status_code"] == nil)
            #expect(delivery["status"] == "pending")
            #expect(!delivery["next_attempt_at"].string.isEmpty)
            #expect(attempt["status_code"] == nil)
            #expect(attempt["response_headers"] == [])
            #expect(attempt["response_body"] == "")
            #expect(
                attempt["error_message"].string.hasSuffix(
                    "Check that the receiver is running and that its port is open."))
        }
    }

    @Test func noSecretLeavesTheServer() async throws {
        try await withWebhookServer { _, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url(), key: "the-signing-key")
            try await account.receive("1", on: phone)
            let id = try await account.newest(webhook, is: "succeeded")["id"].string
            let request = receiver.requests[0]

            let text = try await account.client.get("/v1/deliveries/\(id)").text

            #expect(!text.contains("the-signing-key"))
            for name in ["Authorization", "webhook-signature"] {
                let secret = try #require(request.header(name)?.split(separator: " ").last)
                #expect(!text.contains(secret))
            }
        }
    }

    @Test func anUnknownAForeignAndAMalformedIDAreToldApart() async throws {
        try await withWebhookServer { server, account, phone, receiver in
            let stranger = try await server.makeAccount()
            let webhook = try await account.makeWebhook(receiver.url())
            try await account.receive("1", on: phone)
            let id = try await account.newest(webhook, is: "succeeded")["id"].string

            for (client, id) in [(account.client, unknownID), (stranger.client, id)] {
                for (method, path) in [("GET", ""), ("POST", "/retry")] {
                    let answer = try await client.send(method, "/v1/deliveries/\(id)\(path)")
                    #expect(answer.status == 404)
                    #expect(answer.json == Envelope.error("cannot find delivery with ID [\(id)]"))
                }
            }
            #expect(try await account.client.get("/v1/deliveries/abc").status == 422)
            #expect(try await account.client.send("POST", "/v1/deliveries/abc/retry").status == 422)
        }
    }
}
