import Crypto
#if canImport(Darwin)
    import Foundation
#else
    import FoundationEssentials
#endif
import Timestamps

/// The `webhook-signature` header of the Standard Webhooks specification 1.0.0: it covers the id, the time and the body.
///
/// The secret is the UTF-8 bytes of the signing key. Libraries that want the secret in base64, as the specification's
/// own do, are given the signing key encoded so. A key in the specification's own form, `whsec_` and base64, signs twice:
/// as the text that it is, and with the bytes that it stands for, so that those libraries take it as it is.
public struct StandardWebhookSignature: Sendable {
    /// Makes the value of the header: `v1,` and base64 for each key, separated by spaces.
    ///
    /// - Parameters:
    ///   - id: the value of `webhook-id`, the same on every attempt.
    ///   - timestamp: the time of the attempt; `webhook-timestamp` carries its whole seconds.
    ///   - body: the exact bytes of the body.
    ///   - keys: the signing keys, the current one first; more than one while keys are rotated.
    /// - Returns: the value of `webhook-signature`.
    package static func sign(id: String, timestamp: Timestamp, body: [UInt8], keys: [String]) -> String {
        let content = signedContent(id: id, timestamp: String(timestamp.seconds), body: body)
        return keys.flatMap(symmetricKeys).map { key in
            "v1," + Data(HMAC<SHA256>.authenticationCode(for: content, using: key)).base64EncodedString()
        }.joined(separator: " ")
    }

    /// What `key` signs with, the bytes of its text first.
    private static func symmetricKeys(_ key: String) -> [SymmetricKey] {
        let prefix = "whsec_"
        guard key.hasPrefix(prefix), let decoded = Data(base64Encoded: String(key.dropFirst(prefix.count))),
            !decoded.isEmpty
        else { return [symmetricKey(key)] }
        return [symmetricKey(key), SymmetricKey(data: decoded)]
    }

    static func signedContent(id: String, timestamp: String, body: [UInt8]) -> [UInt8] {
        Array("\(id).\(timestamp).".utf8) + body
    }

    static func symmetricKey(_ key: String) -> SymmetricKey {
        SymmetricKey(data: Array(key.utf8))
    }
}

extension WebhookVerifier {
    /// Verifies the three Standard Webhooks headers of a request together with its body.
    ///
    /// - Parameters:
    ///   - id: the value of `webhook-id`, nil when the header is absent.
    ///   - timestamp: the value of `webhook-timestamp`, seconds since 1970.
    ///   - signature: the value of `webhook-signature`; one matching `v1` signature of several is enough.
    ///   - body: the exact bytes of the body, before any decoding.
    ///   - now: the present, such as `SystemClock().now()`.
    ///   - tolerance: how far the time of the request may be from `now`, either way: 5 minutes, as the libraries of the
    ///     specification have it.
    /// - Throws: the first check that failed.
    public func verify(
        id: String?, timestamp: String?, signature: String?, body: [UInt8], now: Timestamp,
        tolerance: Duration = .seconds(300)
    ) throws(WebhookVerificationError) {
        guard !signingKeys.isEmpty else { throw .noSigningKey }
        guard let id, !id.isEmpty, let timestamp, let signature, let seconds = Self.seconds(timestamp) else {
            throw .malformedSignatureHeaders
        }
        let codes = signature.split(separator: " ").compactMap { part -> Data? in
            guard part.hasPrefix("v1,") else { return nil }
            return Data(base64Encoded: String(part.dropFirst(3)))
        }
        guard !codes.isEmpty else { throw .malformedSignatureHeaders }
        let content = StandardWebhookSignature.signedContent(id: id, timestamp: timestamp, body: body)
        let isGenuine = signingKeys.contains { key in
            let key = StandardWebhookSignature.symmetricKey(key)
            // Compares in constant time.
            return codes.contains { HMAC<SHA256>.isValidAuthenticationCode($0, authenticating: content, using: key) }
        }
        guard isGenuine else { throw .wrongSignature }
        let age = now - Timestamp(seconds: seconds)
        guard age <= tolerance, age >= .zero - tolerance else { throw .timestampOutOfTolerance }
    }

    /// Digits alone, up to the end of the year 9999: Swift's `Int64("+5")` is 5.
    private static func seconds(_ text: String) -> Int64? {
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let seconds = Int64(text),
            seconds < 253_402_300_800
        else { return nil }
        return seconds
    }
}
