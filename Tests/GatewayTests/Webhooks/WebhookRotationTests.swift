import HTTPSMSWebhooks
import TestSupport
import Testing
import Timestamps

/// `POST /v1/webhooks/{webhookID}/rotate` and `/rotate/finish`.
@Suite(.timeLimit(.minutes(15))) struct WebhookRotationTests {
    @Test func bothKeysAreValidDuringTheOverlapAndTheTokenKeepsTheOldOne() async throws {
        try await withWebhookServer { server, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url(), key: "old key")

            let rotated = try await account.act(
                "rotate", on: webhook, ["signing_key": "new key", "overlap_seconds": 3600])
            try await account.receive("1", on: phone)
            let during = try await receiver.requests(1)[0]
            server.advance(by: .seconds(3_601))
            try await account.receive("2", on: phone)
            let after = try await receiver.requests(2)[1]

            #expect(rotated["signing_key"] == "new key")
            #expect(!rotated["previous_signing_key_expires_at"].string.isEmpty)
            #expect(during.header("webhook-signature")?.split(separator: " ").count == 2)
            #expect(try await Self.signers(of: during) == ["old key", "new key"])
            #expect(try await Self.tokenSigners(of: during, receiver.url()) == ["old key"])
            #expect(try await Self.signers(of: after) == ["new key"])
            #expect(try await Self.tokenSigners(of: after, receiver.url()) == ["new key"])
            #expect(try await account.webhook(webhook)["previous_signing_key_expires_at"] == nil)
        }
    }

    @Test func finishingEndsTheOverlapAtOnce() async throws {
        try await withWebhookServer { _, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url(), key: "old key")
            try await account.act("rotate", on: webhook, ["signing_key": "new key"])

            let finished = try await account.act("rotate/finish", on: webhook)
            try await account.receive("1", on: phone)
            let request = try await receiver.requests(1)[0]

            #expect(finished["previous_signing_key_expires_at"] == nil)
            #expect(try await Self.signers(of: request) == ["new key"])
            #expect(try await Self.tokenSigners(of: request, receiver.url()) == ["new key"])
        }
    }

    @Test func withoutAnOverlapTheNewKeyIsTheOnlyOne() async throws {
        try await withWebhookServer { _, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url(), key: "old key")

            let rotated = try await account.act(
                "rotate", on: webhook, ["signing_key": "new key", "overlap_seconds": 0])
            try await account.receive("1", on: phone)
            let request = try await receiver.requests(1)[0]

            #expect(rotated["previous_signing_key_expires_at"] == nil)
            #expect(try await Self.signers(of: request) == ["new key"])
            #expect(try await Self.tokenSigners(of: request, receiver.url()) == ["new key"])
        }
    }

    @Test func anEmptyBodyDrawsAKeyAndOverlapsForADay() async throws {
        try await withWebhookServer { server, account, _, receiver in
            let webhook = try await account.makeWebhook(receiver.url(), key: "old key")
            let before = server.clock.now()

            let first = try await account.act("rotate", on: webhook)
            let second = try await account.act("rotate", on: webhook)

            let expires = try #require(Timestamp(rfc3339: first["previous_signing_key_expires_at"].string))
            #expect(expires - before >= .seconds(86_400) && expires - before < .seconds(86_460))
            #expect(first["signing_key"].string.wholeMatch(of: /[0-9a-f]{64}/) != nil)
            #expect(second["signing_key"] != first["signing_key"])
        }
    }

    @Test func aKeyThatIsSetByPUTEndsTheRotation() async throws {
        try await withWebhookServer { _, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url(), key: "old key")
            try await account.act("rotate", on: webhook, ["signing_key": "new key"])
            let path = "/v1/webhooks/\(webhook["id"].string)"

            let kept = try await account.client.put(path, ["events": .array(Account.allEvents.map(JSON.string))])
            let cleared = try await account.client.put(path, ["signing_key": nil])
            try await account.receive("1", on: phone)
            let request = try await receiver.requests(1)[0]

            #expect(!kept.data["previous_signing_key_expires_at"].string.isEmpty)
            #expect(cleared.data["previous_signing_key_expires_at"] == nil)
            #expect(request.header("Authorization") == nil)
            #expect(request.header("webhook-signature") == nil)
        }
    }

    @Test func aWebhookWithoutAKeyGetsOneAndNothingExpires() async throws {
        try await withWebhookServer { _, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url(), key: "")

            let rotated = try await account.act("rotate", on: webhook, ["signing_key": "new key"])
            try await account.receive("1", on: phone)

            #expect(rotated["previous_signing_key_expires_at"] == nil)
            #expect(try await Self.signers(of: try await receiver.requests(1)[0]) == ["new key"])
        }
    }

    @Test(
        arguments: [
            (["overlap_seconds": -1], ["overlap_seconds": ["The overlap_seconds field value can not be less than 0"]]),
            (
                ["overlap_seconds": 2_592_001],
                ["overlap_seconds": ["The overlap_seconds field value can not be greater than 2592000"]]
            ),
            (["signing_key": "  "], ["signing_key": ["The signing_key field must not be blank"]]),
            (["signing_key": ""], ["signing_key": ["The signing_key field must not be blank"]]),
            (
                ["signing_key": .string(String(repeating: "k", count: 256))],
                ["signing_key": ["The signing_key field must be maximum 255 char"]]
            ),
        ] as [(JSON, [String: [String]])])
    func anAbsurdRotationIsRefused(body: JSON, errors: [String: [String]]) async throws {
        try await withWebhookServer { _, account, _, receiver in
            let webhook = try await account.makeWebhook(receiver.url())

            let answer = try await account.client.post("/v1/webhooks/\(webhook["id"].string)/rotate", body)

            #expect(answer.status == 422)
            #expect(answer.json == Envelope.invalid("validation errors while rotating the signing key", errors))
        }
    }

    /// Which of the two keys the library of Standard Webhooks accepts, and ours with it.
    private static func signers(of request: WebhookReceiver.Request) async throws -> [String] {
        var signers: [String] = []
        let names = ["webhook-id", "webhook-timestamp", "webhook-signature"]
        let headers = Dictionary(uniqueKeysWithValues: names.map { ($0, JSON.string(request.header($0) ?? "")) })
        let seconds = Int(headers["webhook-timestamp"]?.string ?? "") ?? 0
        for key in ["old key", "new key"] {
            let judged = try await Python.ask(
                "standard_webhooks", "verify",
                [
                    "key": .string(key), "headers": .object(headers), "body": .string(request.text),
                    "now": .int(seconds),
                ])
            if case .accepted = judged { signers.append(key) }
            let ours = StandardWebhookSignature.sign(
                id: request.header("webhook-id") ?? "", timestamp: Timestamp(microseconds: Int64(seconds) * 1_000_000),
                body: request.body, keys: [key])
            #expect(request.header("webhook-signature")?.contains(ours) == signers.contains(key))
        }
        #expect(request.header("webhook-id") == request.json["id"].string)
        return signers
    }

    /// Which of the two keys PyJWT accepts.
    private static func tokenSigners(of request: WebhookReceiver.Request, _ url: String) async throws -> [String] {
        let token = (request.header("Authorization") ?? "").replacing("Bearer ", with: "")
        let now = Int(request.header("webhook-timestamp") ?? "") ?? 0
        var signers: [String] = []
        for key in ["old key", "new key"] {
            let judged = try await Python.ask(
                "pyjwt", "verify",
                ["token": .string(token), "key": .string(key), "audience": .string(url), "now": .int(now)])
            if case .accepted = judged { signers.append(key) }
        }
        return signers
    }
}
