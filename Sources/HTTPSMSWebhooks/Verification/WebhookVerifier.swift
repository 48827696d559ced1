import JWTKit
import Timestamps

/// Decides whether a request really comes from the gateway.
///
///     let verifier = WebhookVerifier(signingKeys: ["my signing key"], audience: "https://example.com/hooks/sms")
///     let claims = try await verifier.verify(authorization: request.headers["Authorization"], now: SystemClock().now())
///
/// Several keys are for rotation: list the new one first, and drop the old one when no delivery uses it any more.
public struct WebhookVerifier: Sendable {
    /// The keys that count, in the order given; blank ones are left out, since anyone could sign with them.
    let signingKeys: [String]
    /// The callback URL that tokens must be for; nil when any is good.
    let audience: String?

    /// In base64. The gateway's has 36 bytes; whoever makes a long one wants it to be expensive to decode.
    private static let longestHeader = 1_024

    /// Makes a verifier.
    ///
    /// - Parameters:
    ///   - signingKeys: the signing keys of the webhook, as they were entered when it was created.
    ///   - audience: the callback URL exactly as the webhook has it; nil to accept tokens made for any URL.
    public init(signingKeys: [String], audience: String?) {
        self.signingKeys = signingKeys.filter { !$0.allSatisfy(\.isWhitespace) }
        self.audience = audience
    }

    /// Verifies the `Authorization` header of a request. It does not cover the body, see
    /// ``verify(id:timestamp:signature:body:now:tolerance:)``.
    ///
    /// - Parameters:
    ///   - authorization: the value of the header, nil when it is absent.
    ///   - now: the present, such as `SystemClock().now()`.
    ///   - leeway: how far the two clocks may differ; tokens already count from 10 minutes before to 10 minutes after
    ///     they were made.
    /// - Returns: what the token says.
    /// - Throws: the first check that failed.
    public func verify(
        authorization: String?, now: Timestamp, leeway: Duration = .zero
    ) async throws(WebhookVerificationError) -> WebhookClaims {
        guard !signingKeys.isEmpty else { throw .noSigningKey }
        guard let authorization else { throw .missingAuthorization }
        let parts = authorization.split(separator: " ", omittingEmptySubsequences: true)
        guard parts.count == 2, parts[0].utf8.elementsEqual("bearer".utf8, by: { $0 | 0x20 == $1 }) else {
            throw .notABearerToken
        }
        let token = Array(parts[1].utf8)
        // It is decoded before the signature is checked.
        let header = token.prefix { $0 != UInt8(ascii: ".") }
        guard header.count <= Self.longestHeader else { throw .malformedToken }
        try requireHS256(token)
        guard let claims = try await payload(of: token).claims else { throw .malformedToken }
        guard now < claims.expiresAt + leeway else { throw .expired }
        guard now >= claims.notBefore - leeway else { throw .notYetValid }
        guard claims.issuer == WebhookClaims.gatewayIssuer else { throw .wrongIssuer }
        if let audience, !claims.audience.contains(audience) { throw .wrongAudience }
        return claims
    }

    /// jwt-kit verifies with the algorithm of the key whatever the header says; a token that says anything else than
    /// HS256 is not one of the gateway's (RFC 8725 section 3.1). `crit`: RFC 7515 section 4.1.11.
    private func requireHS256(_ token: [UInt8]) throws(WebhookVerificationError) {
        let header: JWTHeader
        do {
            header = try DefaultJWTParser().parse(token, as: AnyPayload.self).header
        } catch {
            throw .malformedToken
        }
        guard header.alg == "HS256", header.fields["crit"] == nil else { throw .unsupportedAlgorithm }
    }

    /// The payload, when one of the keys made the signature.
    private func payload(of token: [UInt8]) async throws(WebhookVerificationError) -> TokenPayload {
        for key in signingKeys {
            do {
                let keys = await JWTKeyCollection().add(hmac: Self.hmacKey(key), digestAlgorithm: .sha256)
                return try await keys.verify(token, as: TokenPayload.self)
            } catch let error as JWTError where error.errorType == .signatureVerificationFailed {
                continue
            } catch {
                throw .malformedToken
            }
        }
        throw .wrongSignature
    }

    /// jwt-kit 5.7.1 asserts that a key has 32 bytes; HMAC itself fills shorter ones with zeros up to the block size of
    /// 64 (RFC 2104 section 2), so filling them here changes no signature.
    private static func hmacKey(_ key: String) -> HMACKey {
        var bytes = Array(key.utf8)
        while bytes.count < 32 { bytes.append(0) }
        return HMACKey(from: bytes)
    }

    /// Any JSON: the header is looked at before the signature is checked, the claims only after.
    private struct AnyPayload: JWTPayload {
        init(from decoder: any Decoder) {}
        func encode(to encoder: any Encoder) {}
        func verify(using algorithm: some JWTAlgorithm) {}
    }
}
