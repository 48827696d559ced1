import Crypto
import Foundation
import HTTPSMSWebhooks

/// Tokens that a careless verifier takes: the claims of a genuine one under another header.
enum ForgedToken {
    /// Says that it needs no signature, and has none (RFC 8725 section 2.1).
    static func algNone(_ genuine: String) -> String {
        unsigned(genuine, algorithm: "none") + "."
    }

    /// Says RS256, and is signed with HMAC under the key that a verifier would take for the public one.
    static func rs256(_ genuine: String, key: String) -> String {
        let text = unsigned(genuine, algorithm: "RS256")
        return text + "." + base64URL(HMAC<SHA256>.authenticationCode(for: Data(text.utf8), using: secret(key)))
    }

    /// Is signed correctly, but with HS512, which the gateway never uses.
    static func hs512(_ genuine: String, key: String) -> String {
        let text = unsigned(genuine, algorithm: "HS512")
        return text + "." + base64URL(HMAC<SHA512>.authenticationCode(for: Data(text.utf8), using: secret(key)))
    }

    private static func unsigned(_ genuine: String, algorithm: String) -> String {
        let claims = genuine.split(separator: ".")[1]
        return base64URL(Data(#"{"alg":"\#(algorithm)","typ":"JWT"}"#.utf8)) + "." + claims
    }

    private static func secret(_ key: String) -> SymmetricKey {
        SymmetricKey(data: Data(key.utf8))
    }

    /// RFC 4648 section 5, without padding.
    private static func base64URL(_ bytes: some Sequence<UInt8>) -> String {
        Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}
