import Foundation
import HTTPSMSWebhooks
import TestSupport
import Testing
import Timestamps

/// The eight events as they arrive: byte for byte the golden files, but for ids and the server's times.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct WebhookEventTests {
    private static let userID = "XtABz6zdeFMoBLoltz6SREDvRSh2"

    /// The golden file of `type`.
    private static func golden(_ type: String) throws -> String {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Fixtures/events/\(type).json")
        return try String(contentsOf: file, encoding: .utf8).trimmingCharacters(in: .newlines)
    }

    /// The event with the same text wherever an id or a time of the server stands: in `time` and in `members`.
    private static func masked(_ text: String, _ members: [String] = []) throws -> String {
        var text = text.replacing(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/, with: "<id>")
        text = text.replacing(/photo-[0-9a-f]{32}/, with: "photo")
        for member in ["time"] + members {
            let time = try Regex(#""\#(member)":"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]{0,5}[1-9])?Z""#)
            text = text.replacing(time, with: "\"\(member)\":\"<time>\"")
        }
        return text
    }

    @Test func eachOfTheEightArrivesAsDocumented() async throws {
        try await WebhookReceiver.run { receiver in
            let url = receiver.url()
            try await withServer(["APP_URL": "https://api.example.com"]) { server in
                let account = try await server.makeAccount(id: Self.userID)
                let phone = try await account.makePhone()
                try await account.makeWebhook(url)

                try await Self.causeInbound(phone)
                try await Self.causeReports(account, phone)
                try await Self.causeTimed(account, phone, server)

                let serverTimes = [
                    "message.send.expired": ["timestamp"],
                    "phone.heartbeat.offline": ["timestamp", "last_heartbeat_timestamp"],
                    "phone.heartbeat.online": ["timestamp", "last_heartbeat_timestamp"],
                ]
                for type in Account.allEvents {
                    let request = try await receiver.event(type)
                    let times = serverTimes[type] ?? []
                    #expect(try Self.masked(request.text, times) == Self.masked(Self.golden(type), times))
                    #expect(request.method == "POST")
                    #expect(request.header("X-Event-Type") == type)
                    #expect(request.header("Content-Type") == "application/json")
                    #expect(request.header("Content-Length") == "\(request.body.count)")
                    #expect(request.header("Transfer-Encoding") == nil)
                    _ = try CloudEvent(decoding: request.body)
                }
                #expect(try await server.emittedTypes().count == 8)
            }
        }
    }

    private static func causeInbound(_ phone: Account.Phone) async throws {
        _ = try await phone.receive([
            "from": "+18005550100", "content": "Hello", "timestamp": "2026-07-22T10:15:29.814000000Z", "sim": "SIM1",
            "attachments": [["name": "photo.jpg", "content_type": "image/jpeg", "content": "AQID"]],
        ])
        _ = try await phone.client.post(
            "/v1/messages/calls/missed",
            [
                "to": "+18005550199", "from": "+18005550100", "timestamp": "2026-07-22T10:59:41.120000000Z",
                "sim": "SIM1",
            ])
    }

    private static func causeReports(_ account: Account, _ phone: Account.Phone) async throws {
        for (event, time, more) in [
            ("SENT", "2026-07-22T10:16:01.902000000Z", [:]),
            ("DELIVERED", "2026-07-22T10:16:05.771000000Z", ["request_id": "order-17"]),
            ("FAILED", "2026-07-22T10:16:02.100000000Z", [:]),
        ] as [(String, String, JSON)] {
            let id = try await account.send(more)["id"].string
            _ = try await phone.report(event, id, ["reason": "NO_SERVICE", "timestamp": .string(time)])
        }
    }

    private static func causeTimed(
        _ account: Account, _ phone: Account.Phone, _ server: TestServer
    ) async throws {
        let id = try await account.send()["id"].string
        _ = try await phone.beat()
        _ = try await eventually("the message is handed out") {
            try await account.message(id)["send_attempt_count"] == 1 ? true : nil
        }
        server.advance(by: .seconds(601))
        _ = try await eventually("the expiry") {
            try await server.emittedTypes().contains("message.send.expired") ? true : nil
        }
        // Nobody is to wait for its second attempt.
        _ = try await account.client.delete("/v1/messages/\(id)")
        server.advance(by: .seconds(3_000))
        _ = try await eventually("the outage") {
            try await server.emittedTypes().contains("phone.heartbeat.offline") ? true : nil
        }
        _ = try await phone.beat()
    }

    @Test func theTokenSaysWhoseWebhookItIsAndForHowLong() async throws {
        try await WebhookReceiver.run { receiver in
            let url = receiver.url("/hook?a=b")
            try await withServer { server in
                let account = try await server.makeAccount()
                let phone = try await account.makePhone()
                try await account.makeWebhook(url, key: "schlüssel")
                _ = try await phone.receive(["from": "+18005550100", "content": "Hello"])

                let request = try await receiver.requests(1)[0]

                let now = server.clock.now()
                let claims = try await WebhookVerifier(signingKeys: ["schlüssel"], audience: url)
                    .verify(authorization: request.header("Authorization"), now: now)
                #expect(claims.issuer == "api.httpsms.com")
                #expect(claims.userID == account.id)
                #expect(claims.audience == [url])
                #expect(claims.expiresAt == claims.issuedAt + .seconds(600))
                #expect(claims.notBefore == claims.issuedAt - .seconds(600))
                #expect((.zero ... .seconds(20)).contains(now - claims.issuedAt))
            }
        }
    }

    @Test func withoutASigningKeyThereIsNoAuthorization() async throws {
        try await WebhookReceiver.run { receiver in
            let url = receiver.url()
            try await withServer { server in
                let account = try await server.makeAccount()
                let phone = try await account.makePhone()
                try await account.makeWebhook(url, key: "")

                _ = try await phone.receive(["from": "+18005550100", "content": "Hello"])

                let request = try await receiver.requests(1)[0]
                #expect(request.header("Authorization") == nil)
                #expect(request.header("X-Event-Type") == "message.phone.received")
            }
        }
    }

    @Test func awkwardContentArrivesAsItWasSent() async throws {
        let content = "<b>\"\\/&\u{2028}\u{2029}\u{1}\u{7f}é漢😀\r\n\t"
        try await WebhookReceiver.run { receiver in
            let url = receiver.url()
            try await withServer { server in
                let account = try await server.makeAccount()
                let phone = try await account.makePhone()
                try await account.makeWebhook(url)

                _ = try await phone.receive(["from": "+18005550100", "content": .string(content)])

                #expect(try await receiver.requests(1)[0].json["data"]["content"].string == content)
            }
        }
    }
}
