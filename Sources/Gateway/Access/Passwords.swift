import Crypto
import CryptoExtras
import Foundation
import Storage
import Wire

/// Makes and checks what is stored of passwords: scrypt, one at a time, as each takes 32 MiB and a good part of a second.
final class Passwords: Sendable {
    /// Who is served when.
    enum Lane: Sendable {
        /// Before everybody else, with half of the places kept for them: people of whom nothing suspicious is known.
        case first
        /// What is left.
        case second
    }

    private let queue = PasswordQueue()

    /// What to store of `password`: `scrypt$N$r$p$salt$key`, the last two in base64.
    ///
    /// - Throws: ``PasswordQueue/Crowded``.
    func hash(_ password: String, in lane: Lane) async throws -> String {
        let salt = Data(SymmetricKey(size: .bits128).withUnsafeBytes(Array.init))
        let key = try await queue.run(in: lane) { try Self.key(password, salt: salt) }
        let bytes = key.withUnsafeBytes { Data($0) }
        return "\(Self.scheme)$\(salt.base64EncodedString())$\(bytes.base64EncodedString())"
    }

    /// Whether `stored` was made of `password`. Takes as long when nothing is stored, so that nobody learns from the time
    /// who has an account.
    ///
    /// - Throws: ``PasswordQueue/Crowded``, `StorageError.corrupt` for a scheme that is not ours.
    func verify(_ password: String, against stored: String?, in lane: Lane) async throws -> Bool {
        let parts = (stored ?? "\(Self.scheme)$AAAAAAAAAAAAAAAAAAAAAA==$").components(separatedBy: "$")
        guard parts.count == 6, parts.prefix(4).joined(separator: "$") == Self.scheme,
            let salt = Data(base64Encoded: parts[4]), let expected = Data(base64Encoded: parts[5])
        else { throw StorageError.corrupt("a password is stored under another scheme than \(Self.scheme)") }
        let key = try await queue.run(in: lane) { try Self.key(password, salt: salt) }
        return key == SymmetricKey(data: expected) && stored != nil
    }

    /// Why `password` cannot be that of the account of `email`; nil when it can.
    static func problem(with password: String, email: String) -> String? {
        if password.count < 10 { return "The password must have at least 10 characters." }
        if password.utf8.count > 1_024 { return "The password must have at most 1024 bytes." }
        let folded = password.lowercased()
        if Set(folded).count == 1 { return "The password must not be one character again and again." }
        if folded.trimmed == email.trimmed.lowercased() { return "The password must not be the e-mail address." }
        if worst.contains(folded) { return "This password is among the first that anybody tries. Choose another." }
        return nil
    }

    private static func key(_ password: String, salt: Data) throws -> SymmetricKey {
        // Two spellings of one character are one password.
        let text = Data(password.precomposedStringWithCompatibilityMapping.utf8)
        return try KDF.Scrypt.deriveKey(
            from: text, salt: salt, outputByteCount: 32, rounds: 1 << 15, blockSize: 8, parallelism: 3)
    }

    /// N = 2^15, r = 8, p = 3: the OWASP cheat sheet's choice with 32 MiB.
    private static let scheme = "scrypt$32768$8$3"

    /// Those of at least 10 characters that lead the lists of leaked passwords.
    private static let worst: Set = [
        "1234567890", "0123456789", "0987654321", "9876543210", "12345678910", "123456789a", "a123456789",
        "123123123123",
        "1q2w3e4r5t", "1q2w3e4r5t6y", "1qaz2wsx3edc", "qwertyuiop", "qwerty1234", "qwerty12345", "qwerty123456",
        "asdfghjkl1", "password12", "password123", "password1234", "passwordpassword", "administrator", "letmein123",
        "welcome123", "changeme123", "iloveyou123", "abcdefghij", "abcd123456",
    ]
}
