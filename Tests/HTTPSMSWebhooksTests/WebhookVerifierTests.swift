import Foundation
import HTTPSMSWebhooks
import Testing
import Timestamps

struct WebhookVerifierTests {
    private static let now = at("2026-07-22T10:15:30.5Z")
    private static let url = "https://example.com/hooks/sms"
    private static let verifier = WebhookVerifier(signingKeys: ["my key"], audience: url)

    private static func token(key: String = "my key", audience: String = url) -> String {
        WebhookToken.sign(key: key, subject: "user-1", audience: audience, now: now)
    }

    @Test func aTokenOfTheGatewayIsAccepted() async throws {
        let claims = try await Self.verifier.verify(authorization: "Bearer \(Self.token())", now: Self.now)

        #expect(claims.issuer == "api.httpsms.com")
        #expect(claims.userID == "user-1")
        #expect(claims.audience == [Self.url])
        #expect(claims.issuedAt == at("2026-07-22T10:15:30Z"))
        #expect(claims.expiresAt == at("2026-07-22T10:25:30Z"))
        #expect(claims.notBefore == at("2026-07-22T10:05:30Z"))
    }

    @Test(arguments: WebhookTokenTests.keys)
    func keysOfAnyLengthVerify(_ key: String) async throws {
        let verifier = WebhookVerifier(signingKeys: [key], audience: nil)

        let claims = try await verifier.verify(authorization: "bearer  \(Self.token(key: key))", now: Self.now)

        #expect(claims.userID == "user-1")
    }

    @Test(arguments: ["old key", "new key"])
    func whileKeysAreRotatedBothVerify(_ key: String) async throws {
        let verifier = WebhookVerifier(signingKeys: ["new key", "old key"], audience: Self.url)

        let claims = try await verifier.verify(authorization: "Bearer \(Self.token(key: key))", now: Self.now)

        #expect(claims.userID == "user-1")
    }

    /// The header is decoded before anybody knows who made it, and a decoder takes the square of the length of such names.
    @Test func aLongHeaderIsRefusedUnread() async throws {
        let marks = String(repeating: "\u{301}\u{323}", count: 1_000)
        let header = Data(#"{"alg":"HS256","\#(marks)":1,"x\#(marks)":1}"#.utf8).base64EncodedString()
        let token = "\(header.replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")).e30.AAAA"

        for (authorization, expected) in [
            ("Bearer \(token)", WebhookVerificationError.malformedToken), ("Bearer\(marks) \(token)", .notABearerToken),
        ] {
            await #expect(throws: expected) {
                try await Self.verifier.verify(authorization: authorization, now: Self.now)
            }
        }
    }

    private static let refused: [(String?, WebhookVerificationError)] = [
        (nil, .missingAuthorization),
        ("", .notABearerToken),
        ("Bearer", .notABearerToken),
        ("Basic \(token())", .notABearerToken),
        (token(), .notABearerToken),
        ("Bearer \(token()) \(token())", .notABearerToken),
        ("Bearer abc", .malformedToken),
        ("Bearer ..", .malformedToken),
        ("Bearer a.b.c", .malformedToken),
        ("Bearer \(token()).x", .malformedToken),
        ("Bearer \(token().dropLast(8))", .wrongSignature),
        ("Bearer \(token().split(separator: ".").prefix(2).joined(separator: ".")).", .wrongSignature),
        ("Bearer \(token(key: "other key"))", .wrongSignature),
        ("Bearer \(token(audience: "https://example.com/other"))", .wrongAudience),
        ("Bearer \(token(audience: url + "/"))", .wrongAudience),
    ]

    @Test(arguments: refused)
    func anythingElseIsRefusedWithTheReason(_ header: String?, _ expected: WebhookVerificationError) async {
        await #expect(throws: expected) { try await Self.verifier.verify(authorization: header, now: Self.now) }
    }

    @Test func aChangeOfTheClaimsIsRefused() async {
        let parts = Self.token().split(separator: ".")
        let others = WebhookToken.sign(key: "my key", subject: "user-2", audience: Self.url, now: Self.now)
            .split(separator: ".")
        let forged = "Bearer \(parts[0]).\(others[1]).\(parts[2])"

        await #expect(throws: WebhookVerificationError.wrongSignature) {
            try await Self.verifier.verify(authorization: forged, now: Self.now)
        }
    }

    /// The token counts from 10:05:30 up to but not including 10:25:30.
    @Test(arguments: [
        (
            "2026-07-22T10:05:29.999999Z", Duration.zero,
            WebhookVerificationError.notYetValid as WebhookVerificationError?
        ),
        ("2026-07-22T10:05:30Z", .zero, nil),
        ("2026-07-22T10:25:29.999999Z", .zero, nil),
        ("2026-07-22T10:25:30Z", .zero, .expired),
        ("2026-07-22T10:25:30Z", .seconds(1), nil),
        ("2026-07-22T10:25:31Z", .seconds(1), .expired),
        ("2026-07-22T10:05:29Z", .seconds(1), nil),
        ("2026-07-22T10:05:28.999999Z", .seconds(1), .notYetValid),
        ("0001-01-01T00:00:00Z", .zero, .notYetValid),
        ("9999-12-31T23:59:59Z", .zero, .expired),
    ])
    func theTimesOfTheTokenAreChecked(_ now: String, _ leeway: Duration, _ expected: WebhookVerificationError?) async {
        var refusal: WebhookVerificationError?
        do throws(WebhookVerificationError) {
            _ = try await Self.verifier.verify(
                authorization: "Bearer \(Self.token())", now: at(now), leeway: leeway)
        } catch {
            refusal = error
        }

        #expect(refusal == expected)
    }

    @Test(arguments: [[], [""], ["  ", "\n"]])
    func withoutASigningKeyNothingVerifies(_ keys: [String]) async {
        let verifier = WebhookVerifier(signingKeys: keys, audience: nil)

        await #expect(throws: WebhookVerificationError.noSigningKey) {
            try await verifier.verify(authorization: "Bearer \(Self.token(key: ""))", now: Self.now)
        }
    }
}
