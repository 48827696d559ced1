import Crypto
import Secrets
import Storage

/// What somebody types after the password.
enum SecondFactorCode: Sendable {
    /// Six digits of an app.
    case app(String)
    /// One of the codes that were written down, in small letters and without what people put between.
    case recovery(String)

    /// Reads what was typed, with spaces and dashes as people copy them; nil for what can be neither.
    init?(_ typed: String) {
        let text = typed.lowercased().filter { !" -".contains($0) }
        if text.utf8.count == 6, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            self = .app(text)
        } else if text.utf8.count == Self.length, text.allSatisfy(Self.alphabet.contains) {
            self = .recovery(text)
        } else {
            return nil
        }
    }

    /// Ten recovery codes of 80 bits, as they are shown: `abcd-efgh-jkmn-pqrs`.
    static func recoveryCodes() -> [String] {
        (0..<10).map { _ in
            let letters = SymmetricKey(size: .init(bitCount: 8 * length)).withUnsafeBytes { bytes in
                bytes.map { alphabet[Int($0 & 31)] }
            }
            return stride(from: 0, to: length, by: 4).map { String(letters[$0..<$0 + 4]) }.joined(separator: "-")
        }
    }

    /// What is stored of a recovery code. They cannot be guessed, so a digest is enough.
    static func hash(_ recoveryCode: String, of userID: UserID) -> [UInt8] {
        SHA256Digest.bytes(parts: ["recovery code", userID.text, recoveryCode.filter { $0 != "-" }])
    }

    private static let length = 16
    /// 32 letters and digits, without those that look like another: i, l, o and 0.
    private static let alphabet = Array("abcdefghjkmnpqrstuvwxyz123456789")
}
