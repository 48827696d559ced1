import HTTPSMSWebhooks
import JSON
import Testing
import Timestamps

struct WebhookTokenTests {
    private static let now = at("2026-07-22T10:15:30.999999Z")
    private static let url = "https://example.com/hooks/sms?a=1"

    private struct Verified: Decodable, Equatable {
        let header: [String: String]
        let claims: Claims

        struct Claims: Decodable, Equatable {
            let iss: String
            let sub: String
            let aud: [String]
            let exp: Int
            let nbf: Int
            let iat: Int
        }
    }

    /// Signing keys of every length that matters to HMAC-SHA256 (blocks of 64 bytes), and text that is not ASCII.
    static let keys = [
        "k", String(repeating: "s", count: 31), String(repeating: "s", count: 32), String(repeating: "b", count: 64),
        String(repeating: "l", count: 255), "clé 🔑",
    ]

    @Test(arguments: keys)
    func pyJWTVerifiesTheTokenAndReadsTheDocumentedClaims(_ key: String) async throws {
        let token = WebhookToken.sign(key: key, subject: "user-1", audience: Self.url, now: Self.now)

        let verified = try await Judge.pyjwt.mustAccept("verify", as: Verified.self) { o in
            o.field("token", token)
            o.field("key", key)
            o.field("audience", Self.url)
            o.field("now", Self.now.seconds)
        }

        #expect(
            verified
                == Verified(
                    header: ["alg": "HS256", "typ": "JWT"],
                    claims: .init(
                        iss: "api.httpsms.com", sub: "user-1", aud: [Self.url], exp: 1_784_715_930, nbf: 1_784_714_730,
                        iat: 1_784_715_330)))
    }

    @Test func theTokenIsTheOneThatPyJWTMakesOfTheSameClaims() async throws {
        let token = WebhookToken.sign(key: "my key", subject: "user-1", audience: Self.url, now: Self.now)

        let other = try await Judge.pyjwt.mustAccept("make") { o in
            o.object("claims") { o in
                o.field("iss", "api.httpsms.com")
                o.field("sub", "user-1")
                o.field("aud", [Self.url])
                o.field("exp", 1_784_715_930)
                o.field("nbf", 1_784_714_730)
                o.field("iat", 1_784_715_330)
            }
            o.field("key", "my key")
            o.field("algorithm", "HS256")
        }

        #expect(token == other)
    }

    @Test(arguments: [
        ("other key", url, 0, "InvalidSignatureError"),
        ("my key", "https://example.com/other", 0, "InvalidAudienceError"),
        ("my key", url, 600, "ExpiredSignatureError"),
        ("my key", url, -602, "ImmatureSignatureError"),
    ])
    func pyJWTRefusesTheTokenElsewhere(_ key: String, _ audience: String, _ later: Int, _ reason: String) async throws {
        let token = WebhookToken.sign(key: "my key", subject: "user-1", audience: Self.url, now: Self.now)

        let answer = try await Judge.pyjwt.ask("verify", as: Verified.self) { o in
            o.field("token", token)
            o.field("key", key)
            o.field("audience", audience)
            o.field("now", Int(Self.now.seconds) + later)
        }

        #expect(answer == .refused(reason))
    }

    @Test func tokensOfOneSecondAreTheSame() {
        func token(_ time: String) -> String {
            WebhookToken.sign(key: "k", subject: "u", audience: Self.url, now: at(time))
        }

        #expect(token("2026-07-22T10:15:30Z") == token("2026-07-22T10:15:30.999999Z"))
        #expect(token("2026-07-22T10:15:30.999999Z") != token("2026-07-22T10:15:31Z"))
    }
}
