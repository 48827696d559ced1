import JWTKit
import Timestamps

/// What a verified token says.
public struct WebhookClaims: Sendable, Hashable {
    /// What every gateway writes as `iss`, also self-hosted ones.
    static let gatewayIssuer = "api.httpsms.com"

    /// `iss`: `api.httpsms.com`, whichever gateway it was.
    public let issuer: String
    /// `sub`: the id of the user whose webhook it is.
    public let userID: String
    /// `aud`: the callback URLs that the token is for, one in practice.
    public let audience: [String]
    /// `exp`: from when on the token counts no more.
    public let expiresAt: Timestamp
    /// `nbf`: until when the token does not count yet.
    public let notBefore: Timestamp
    /// `iat`: when the token was made.
    public let issuedAt: Timestamp
}

/// The claims as RFC 7519 section 4.1 writes them.
///
/// jwt-kit's own claim types compare with the system clock, so the times are numbers here and ``WebhookVerifier``
/// compares them with the time that it is given.
struct TokenPayload: JWTPayload {
    var iss: String
    var sub: String
    var aud: Audience
    var exp: Double
    var nbf: Double
    var iat: Double

    /// Does nothing: see above.
    func verify(using algorithm: some JWTAlgorithm) {}

    /// The claims as our type; nil when a date is not a number.
    var claims: WebhookClaims? {
        guard let exp = Self.timestamp(exp), let nbf = Self.timestamp(nbf), let iat = Self.timestamp(iat) else {
            return nil
        }
        return WebhookClaims(
            issuer: iss, userID: sub, audience: aud.values, expiresAt: exp, notBefore: nbf, issuedAt: iat)
    }

    /// Nil for a negative number and for what lies behind the year 9999.
    private static func timestamp(_ seconds: Double) -> Timestamp? {
        seconds >= 0 && seconds < 253_402_300_800 ? Timestamp(secondsSince1970: seconds) : nil
    }

    /// One value or an array of them (RFC 7519 section 4.1.3).
    struct Audience: Codable, Sendable {
        var values: [String]

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            do {
                values = try container.decode([String].self)
            } catch DecodingError.typeMismatch {
                values = [try container.decode(String.self)]
            }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            try container.encode(values)
        }
    }
}
