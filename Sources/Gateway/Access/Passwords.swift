import Crypto
import CryptoExtras
import Foundation
import Storage
import Wire

/// Makes and checks what is stored of passwords: scrypt, one at a time, for what each costs.
package final class Passwords: Sendable {
    /// Who is served when.
    enum Lane: Sendable {
        /// Before everybody else, with half of the places kept for them: people of whom nothing suspicious is known.
        case first
        /// What is left.
        case second
    }

    private let queue = PasswordQueue()
    private let cost: PasswordCost

    /// - Parameter cost: That of every new one; each that is stored is checked at its own.
    package init(cost: PasswordCost) {
        self.cost = cost
    }

    /// What to store of `password`: `scrypt$N$r$p$salt$key`, the last two in base64.
    ///
    /// - Throws: ``PasswordQueue/Crowded``.
    func hash(_ password: String, in lane: Lane) async throws -> String {
        let salt = Data(SymmetricKey(size: .bits128).withUnsafeBytes(Array.init))
        let key = try await queue.run(in: lane) { [cost] in try Self.key(password, salt: salt, cost: cost) }
        let bytes = key.withUnsafeBytes { Data($0) }
        return "\(cost.text)$\(salt.base64EncodedString())$\(bytes.base64EncodedString())"
    }

    /// Whether `stored` was made of `password`. Takes as long when nothing is stored, so that nobody learns from the time
    /// who has an account.
    ///
    /// - Throws: ``PasswordQueue/Crowded``, `StorageError.corrupt` for a scheme or a cost that cannot be ours.
    func verify(_ password: String, against stored: String?, in lane: Lane) async throws -> Bool {
        let parts = (stored ?? "\(cost.text)$AAAAAAAAAAAAAAAAAAAAAA==$").components(separatedBy: "$")
        guard parts.count == 6, let cost = PasswordCost(parts.prefix(4).joined(separator: "$")),
            let salt = Data(base64Encoded: parts[4]), let expected = Data(base64Encoded: parts[5])
        else { throw StorageError.corrupt("a password is stored under another scheme than scrypt") }
        let key = try await queue.run(in: lane) { try Self.key(password, salt: salt, cost: cost) }
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

    private static func key(_ password: String, salt: Data, cost: PasswordCost) throws -> SymmetricKey {
        // Two spellings of one character are one password.
        let text = Data(password.precomposedStringWithCompatibilityMapping.utf8)
        return try KDF.Scrypt.deriveKey(
            from: text, salt: salt, outputByteCount: 32, rounds: cost.rounds, blockSize: cost.blockSize,
            parallelism: cost.parallelism)
    }

    /// Those of at least 10 characters that lead the lists of leaked passwords.
    private static let worst: Set = [
        "1234567890", "0123456789", "0987654321", "9876543210", "12345678910", "123456789a", "a123456789",
        "123123123123",
        "1q2w3e4r5t", "1q2w3e4r5t6y", "1qaz2wsx3edc", "qwertyuiop", "qwerty1234", "qwerty12345", "qwerty123456",
        "asdfghjkl1", "password12", "password123", "password1234", "passwordpassword", "administrator", "letmein123",
        "welcome123", "changeme123", "iloveyou123", "abcdefghij", "abcd123456",
    ]
}
