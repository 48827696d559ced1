import Crypto
import JSON
#if canImport(Darwin)
    import Foundation
#else
    import FoundationEssentials
#endif
import Timestamps

/// The JWT that authorises a delivery: `Authorization: Bearer …`, HS256, byte for byte as httpSMS makes it.
///
/// The claims change once a second, so one token serves all deliveries of a webhook within a second. The body is not
/// covered; a Standard Webhooks signature covers it, see ``StandardWebhookSignature``.
///
/// Signed here and not with jwt-kit 5.7.1, which asserts that a signing key has 32 bytes (and announces to require it in
/// release builds too) while httpSMS allows any; which writes the members in random order; and which needs an actor and
/// 42 us a token where this needs 5 (one core, release build). ``WebhookVerifier`` verifies with jwt-kit.
public struct WebhookToken: Sendable {
    /// How long a token counts before and after it was made: 10 minutes each way, as in httpSMS.
    package static let validity = Duration.seconds(600)

    /// Makes a token.
    ///
    /// - Parameters:
    ///   - key: the signing key of the webhook, of any length; its UTF-8 bytes are the secret.
    ///   - userID: the user whose webhook it is, `sub`.
    ///   - url: the callback URL, the one element of `aud`.
    ///   - now: the time of `iat`, rounded down to the second.
    /// - Returns: the token in compact form, what follows `Bearer `.
    package static func sign(key: String, subject userID: String, audience url: String, now: Timestamp) -> String {
        var claims = JSONWriter()
        claims.object { o in
            o.field("iss", WebhookClaims.gatewayIssuer)
            o.field("sub", userID)
            o.field("aud", [url])
            o.field("exp", (now + validity).seconds)
            o.field("nbf", (now - validity).seconds)
            o.field("iat", now.seconds)
        }
        var token = encodedHeader
        token.append(contentsOf: base64URL(claims.bytes))
        let code = HMAC<SHA256>.authenticationCode(for: token, using: SymmetricKey(data: Array(key.utf8)))
        token.append(UInt8(ascii: "."))
        token.append(contentsOf: base64URL(Array(code)))
        return String(decoding: token, as: UTF8.self)
    }

    /// The header with the dot after it.
    private static let encodedHeader = base64URL(Array(#"{"alg":"HS256","typ":"JWT"}"#.utf8)) + [UInt8(ascii: ".")]

    /// RFC 4648 section 5, without padding.
    private static func base64URL(_ bytes: [UInt8]) -> [UInt8] {
        var encoded = Array(Data(bytes).base64EncodedData())
        while encoded.last == UInt8(ascii: "=") { encoded.removeLast() }
        for index in encoded.indices {
            switch encoded[index] {
            case UInt8(ascii: "+"): encoded[index] = UInt8(ascii: "-")
            case UInt8(ascii: "/"): encoded[index] = UInt8(ascii: "_")
            default: continue
            }
        }
        return encoded
    }
}
