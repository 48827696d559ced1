/// Why a webhook request is not taken for one of the gateway's.
///
/// Answer all of them with the same 401, and log which one it was.
public enum WebhookVerificationError: Error, Sendable, Hashable {
    /// The verifier was made without a usable signing key.
    case noSigningKey
    /// The `Authorization` header is absent.
    case missingAuthorization
    /// The `Authorization` header is not `Bearer` and a token.
    case notABearerToken
    /// The token is not a JWT, or lacks a claim that every token of the gateway has.
    case malformedToken
    /// The token names another algorithm than HS256, `none` included, or an extension that must be understood.
    case unsupportedAlgorithm
    /// No signing key matches the signature.
    case wrongSignature
    /// The time of `exp` has come.
    case expired
    /// The time of `nbf` has not come yet.
    case notYetValid
    /// The token was made by something else than a gateway.
    case wrongIssuer
    /// The token was made for another callback URL.
    case wrongAudience
    /// `webhook-id`, `webhook-timestamp` or `webhook-signature` is absent or not of its form.
    case malformedSignatureHeaders
    /// `webhook-timestamp` is further from the present than the tolerance allows.
    case timestampOutOfTolerance
}
