import Crypto
import Foundation
import Timestamps

/// The codes that an authenticator app shows for one account: six digits that change every 30 seconds (RFC 6238 with SHA-1,
/// as every such app takes it).
package struct OneTimeCodes: Sendable {
    /// What the app and the server share: 20 bytes, as RFC 4226 section 4 recommends.
    private let secret: [UInt8]

    /// Draws a secret.
    package init() {
        secret = SymmetricKey(size: .init(bitCount: 8 * Self.secretLength)).withUnsafeBytes { Array($0) }
    }

    /// Reads what ``text`` wrote, whatever the case of its letters and with spaces; nil for what is none.
    package init?(_ text: String) {
        var (bytes, buffer, bits): ([UInt8], UInt16, Int) = ([], 0, 0)
        for character in text.uppercased() where character != " " {
            guard bytes.count < Self.secretLength, let value = Self.alphabet.firstIndex(of: character) else {
                return nil
            }
            buffer = buffer << 5 | UInt16(truncatingIfNeeded: value)
            bits += 5
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: buffer >> bits))
            }
        }
        guard bytes.count == Self.secretLength else { return nil }
        secret = bytes
    }

    /// The secret as people type it into an app: 32 letters and digits (RFC 4648 section 6).
    package var text: String {
        var (text, buffer, bits): (String, UInt16, Int) = ("", 0, 0)
        for byte in secret {
            buffer = buffer << 8 | UInt16(truncatingIfNeeded: byte)
            bits += 8
            while bits >= 5 {
                bits -= 5
                text.append(Self.alphabet[Int(buffer >> bits & 31)])
            }
        }
        return text
    }

    /// What the QR code for an app holds: both names are what the app lists.
    package func url(host: String, email: String) -> String {
        var url = URLComponents()
        (url.scheme, url.host) = ("otpauth", "totp")
        // A colon in the label ends the name of the server.
        url.path = "/" + [host, email].map { $0.replacing(":", with: " ") }.joined(separator: ":")
        url.queryItems = [URLQueryItem(name: "secret", value: text), URLQueryItem(name: "issuer", value: host)]
        return url.string ?? ""
    }

    /// The 30 seconds of `time`, counted since 1970.
    static func step(at time: Timestamp) -> Int64 {
        let (seconds, _) = time.microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        return seconds / 30
    }

    /// The code of a step (RFC 4226 section 5.3).
    func code(at step: Int64) -> String {
        let counter = withUnsafeBytes(of: step.bigEndian) { Array($0) }
        let mac = Array(HMAC<Insecure.SHA1>.authenticationCode(for: counter, using: SymmetricKey(data: secret)))
        let offset = Int(mac[mac.count - 1] & 15)
        let number = mac[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32(truncatingIfNeeded: $1) } & 0x7fff_ffff
        let digits = String(number % 1_000_000)
        return String(repeating: "0", count: 6 - digits.count) + digits
    }

    /// The step that `code` belongs to: the one of `time`, or the one before or after it, as clocks differ and people are
    /// slow. Nil when it belongs to none of the three, or not to one after `last`.
    ///
    /// `last` is the step of the code that was taken last, as each is taken once (RFC 6238 section 5.2). One that is further
    /// ahead is from before the clock was set back, and means nothing.
    func step(of code: String, at time: Timestamp, after last: Int64?) -> Int64? {
        let now = Self.step(at: time)
        let steps = (now - 1)...(now + 1)
        let used = last.flatMap { steps.contains($0) ? $0 : nil } ?? steps.lowerBound - 1
        return steps.first { $0 > used && self.code(at: $0) == code }
    }

    private static let secretLength = 20
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
}
