import HTTPSMSWebhooks
import JSON
import Testing
import Timestamps

/// Tokens that PyJWT or plain HMAC made, which the gateway never would.
struct ForgedTokenTests {
    private static let now = at("2026-07-22T10:15:30Z")
    private static let url = "https://example.com/hooks/sms"

    /// Claims of a token that is good at `now`, as JSON.
    private static func claims(
        iss: String = #""api.httpsms.com""#, aud: String = #"["\#(url)"]"#, exp: String = "1784715930",
        nbf: String = "0"
    ) -> RawJSON {
        let times = #""exp":\#(exp),"nbf":\#(nbf),"iat":0"#
        return RawJSON(Array(#"{"iss":\#(iss),"sub":"user-1","aud":\#(aud),\#(times)}"#.utf8))
    }

    /// What the verifier says to a token; nil when it accepts.
    private func refusal(of token: String) async -> WebhookVerificationError? {
        let verifier = WebhookVerifier(signingKeys: ["my key"], audience: Self.url)
        do throws(WebhookVerificationError) {
            _ = try await verifier.verify(authorization: "Bearer \(token)", now: Self.now)
            return nil
        } catch {
            return error
        }
    }

    private func forge(header: String, claims: RawJSON) async throws -> String {
        try await Judge.pyjwt.mustAccept("forge") { o in
            o.raw("header", Array(header.utf8))
            o.field("claims", claims)
            o.field("key", "my key")
        }
    }

    @Test(arguments: [
        ("HS256", nil as WebhookVerificationError?), ("none", .unsupportedAlgorithm), ("HS384", .unsupportedAlgorithm),
        ("HS512", .unsupportedAlgorithm),
    ])
    func ofPyJWTsTokensOnlyHS256IsAccepted(_ algorithm: String, _ expected: WebhookVerificationError?) async throws {
        let token = try await Judge.pyjwt.mustAccept("make") { o in
            o.field("claims", Self.claims())
            o.field("key", "my key")
            o.field("algorithm", algorithm)
        }

        #expect(await refusal(of: token) == expected)
    }

    /// All of these carry a correct HMAC-SHA256 made with the signing key.
    @Test(arguments: [
        (#"{"alg":"HS256"}"#, nil as WebhookVerificationError?),
        (#"{"alg":"HS256","kid":"1"}"#, nil),
        (#"{"alg":"none"}"#, .unsupportedAlgorithm),
        (#"{"alg":"None"}"#, .unsupportedAlgorithm),
        (#"{"alg":"hs256"}"#, .unsupportedAlgorithm),
        (#"{"alg":"RS256"}"#, .unsupportedAlgorithm),
        (#"{"alg":"ES256"}"#, .unsupportedAlgorithm),
        (#"{"alg":["HS256"]}"#, .unsupportedAlgorithm),
        (#"{"typ":"JWT"}"#, .unsupportedAlgorithm),
        (#"{"alg":"HS256","crit":["b64"],"b64":false}"#, .unsupportedAlgorithm),
        (#"[]"#, .malformedToken),
        (#"null"#, .malformedToken),
    ])
    func theHeaderMustNameHS256(_ header: String, _ expected: WebhookVerificationError?) async throws {
        let token = try await forge(header: header, claims: Self.claims())

        #expect(await refusal(of: token) == expected)
    }

    @Test(arguments: [
        (claims(), nil as WebhookVerificationError?),
        (claims(aud: #""\#(url)""#), nil),
        (claims(aud: #"["https://other.example","\#(url)"]"#), nil),
        (claims(exp: "1784715330.5"), nil),
        (claims(iss: #""x""#), .wrongIssuer),
        (claims(iss: "null"), .malformedToken),
        (claims(aud: "[]"), .wrongAudience),
        (claims(aud: #""https://other.example""#), .wrongAudience),
        (claims(aud: "null"), .malformedToken),
        (claims(aud: "[1]"), .malformedToken),
        (claims(exp: "1784715330"), .expired),
        (claims(exp: "1e300"), .malformedToken),
        (claims(exp: "-1"), .malformedToken),
        (claims(exp: #""1784715930""#), .malformedToken),
        (claims(exp: "null"), .malformedToken),
        (claims(nbf: "1784715331"), .notYetValid),
        (RawJSON(Array("{}".utf8)), .malformedToken),
        (RawJSON(Array("[]".utf8)), .malformedToken),
    ])
    func theClaimsMustBeThoseOfATokenThatCounts(
        _ claims: RawJSON, _ expected: WebhookVerificationError?
    ) async throws {
        let token = try await forge(header: #"{"alg":"HS256"}"#, claims: claims)

        #expect(await refusal(of: token) == expected)
    }
}
