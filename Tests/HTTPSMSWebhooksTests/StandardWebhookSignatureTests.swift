import HTTPSMSWebhooks
import JSON
import Testing
import Timestamps

struct StandardWebhookSignatureTests {
    private static let now = at("2026-07-22T10:15:30.999999Z")
    private static let id = "f4aed1d3-ab4f-42b9-b9dd-9fc7182f7197"
    private static let body = Array(#"{"content":"Grüße"}"#.utf8)
    private static let verifier = WebhookVerifier(signingKeys: ["my key"], audience: nil)

    private static func signature(keys: [String] = ["my key"], id: String = id, at time: Timestamp = now) -> String {
        StandardWebhookSignature.sign(id: id, timestamp: time, body: body, keys: keys)
    }

    /// What the library of the specification says to our headers at `now`; the answer is the body it read.
    private func ask(
        _ action: String = "verify", key: String, signature: String, later: Int = 0
    ) async throws -> Judge.Answer<[String: String]> {
        try await Judge.standardWebhooks.ask(action, as: [String: String].self) { o in
            o.field("key", key)
            o.field("body", String(decoding: Self.body, as: UTF8.self))
            o.field("now", Int(Self.now.seconds) + later)
            o.field(
                "headers",
                [
                    "webhook-id": Self.id, "webhook-timestamp": String(Self.now.seconds),
                    "webhook-signature": signature,
                ])
        }
    }

    @Test(arguments: WebhookTokenTests.keys)
    func theLibraryOfTheSpecificationVerifiesOurSignature(_ key: String) async throws {
        let answer = try await ask(key: key, signature: Self.signature(keys: [key]))

        #expect(answer == .accepted(["content": "Grüße"]))
    }

    @Test(arguments: ["old key", "new key"])
    func itVerifiesASignatureWithBothKeysOfARotation(_ key: String) async throws {
        let answer = try await ask(key: key, signature: Self.signature(keys: ["new key", "old key"]))

        #expect(answer == .accepted(["content": "Grüße"]))
    }

    /// A secret of the specification is base64 of the key; ours is the text as entered. Such a key signs both ways.
    @Test(arguments: ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ="])
    func aKeyInTheFormOfTheSpecificationIsTakenByItsLibraryAsItIs(_ key: String) async throws {
        let signature = Self.signature(keys: [key])

        #expect(try await ask("verify_as_it_is", key: key, signature: signature) == .accepted(["content": "Grüße"]))
        #expect(try await ask(key: key, signature: signature) == .accepted(["content": "Grüße"]))
        #expect(signature.split(separator: " ").count == 2)
    }

    @Test(arguments: ["whsec_", "whsec_???", "whsec_abc", "WHSEC_c2hvcnQ=", "c2hvcnQ="])
    func aKeyThatOnlyLooksLikeOneSignsOnce(_ key: String) {
        #expect(Self.signature(keys: [key]).split(separator: " ").count == 1)
    }

    @Test func itRefusesAnotherKeyAndAnotherTime() async throws {
        let otherKey = try await ask(key: "other key", signature: Self.signature())
        let later = try await ask(key: "my key", signature: Self.signature(), later: 301)

        #expect(otherKey == .refused("WebhookVerificationError"))
        #expect(later == .refused("WebhookVerificationError"))
    }

    @Test func aSignatureThatTheLibraryMakesIsVerified() async throws {
        let signature = try await Judge.standardWebhooks.mustAccept("make") { o in
            o.field("key", "my key")
            o.field("id", Self.id)
            o.field("now", Self.now.seconds)
            o.field("body", String(decoding: Self.body, as: UTF8.self))
        }

        #expect(signature == Self.signature())
        #expect(throws: Never.self) {
            try Self.verifier.verify(
                id: Self.id, timestamp: String(Self.now.seconds), signature: signature, body: Self.body, now: Self.now)
        }
    }

    @Test(arguments: [
        "v1,AAAA \(signature())", "v1a,\(signature().dropFirst(3)) \(signature())", "\(signature()) v2,x",
        signature(keys: ["new key", "my key"]),
    ])
    func oneMatchingSignatureOfSeveralIsEnough(_ signature: String) {
        #expect(throws: Never.self) {
            try Self.verifier.verify(
                id: Self.id, timestamp: "1784715330", signature: signature, body: Self.body, now: Self.now)
        }
    }

    private static let refused: [(id: String?, timestamp: String?, signature: String?, WebhookVerificationError)] = [
        (nil, "1784715330", signature(), WebhookVerificationError.malformedSignatureHeaders),
        ("", "1784715330", signature(), .malformedSignatureHeaders),
        (id, nil, signature(), .malformedSignatureHeaders),
        (id, "", signature(), .malformedSignatureHeaders),
        (id, "+1784715330", signature(), .malformedSignatureHeaders),
        (id, "1784715330.0", signature(), .malformedSignatureHeaders),
        (id, "99999999999999999999", signature(), .malformedSignatureHeaders),
        (id, "9223372036854775807", signature(), .malformedSignatureHeaders),
        (id, "1784715330", nil, .malformedSignatureHeaders),
        (id, "1784715330", "", .malformedSignatureHeaders),
        (id, "1784715330", "v1,", .wrongSignature),
        (id, "1784715330", "v1,!!!", .malformedSignatureHeaders),
        (id, "1784715330", "v2,AAAA", .malformedSignatureHeaders),
        (id, "1784715330", "v1,AAAA", .wrongSignature),
        (id, "1784715330", signature(keys: ["other key"]), .wrongSignature),
        (id, "1784715331", signature(), .wrongSignature),
        ("other", "1784715330", signature(), .wrongSignature),
    ]

    @Test(arguments: refused)
    func anythingElseIsRefusedWithTheReason(
        _ id: String?, _ timestamp: String?, _ signature: String?, _ expected: WebhookVerificationError
    ) {
        #expect(throws: expected) {
            try Self.verifier.verify(
                id: id, timestamp: timestamp, signature: signature, body: Self.body, now: Self.now)
        }
    }

    @Test func aChangedBodyIsRefused() {
        #expect(throws: WebhookVerificationError.wrongSignature) {
            try Self.verifier.verify(
                id: Self.id, timestamp: "1784715330", signature: Self.signature(), body: Self.body + [0x20],
                now: Self.now)
        }
    }

    @Test(arguments: [
        ("2026-07-22T10:10:30Z", true), ("2026-07-22T10:10:29.999999Z", false), ("2026-07-22T10:20:30Z", true),
        ("2026-07-22T10:20:30.000001Z", false), ("0001-01-01T00:00:00Z", false), ("9999-12-31T23:59:59Z", false),
    ])
    func theTimeMayBeFiveMinutesOffEitherWay(_ now: String, _ isAccepted: Bool) {
        var refusal: WebhookVerificationError?
        do throws(WebhookVerificationError) {
            try Self.verifier.verify(
                id: Self.id, timestamp: "1784715330", signature: Self.signature(), body: Self.body, now: at(now))
        } catch {
            refusal = error
        }

        #expect(refusal == (isAccepted ? nil : .timestampOutOfTolerance))
    }

    @Test func withoutASigningKeyNothingVerifies() {
        let verifier = WebhookVerifier(signingKeys: [""], audience: nil)

        #expect(throws: WebhookVerificationError.noSigningKey) {
            try verifier.verify(
                id: Self.id, timestamp: "1784715330", signature: Self.signature(keys: [""]), body: Self.body,
                now: Self.now)
        }
    }
}
