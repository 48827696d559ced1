import Crypto
import CryptoExtras
import Dispatch
import Foundation
import Storage
import Synchronization

/// Makes and checks what is stored of passwords: scrypt, one at a time, as each takes 32 MiB and a good part of a second.
final class Passwords: Sendable {
    private let queue = DispatchQueue(label: "passwords")
    private let waiting = Mutex(0)

    /// What to store of `password`: `scrypt$N$r$p$salt$key`, the last two in base64.
    ///
    /// - Throws: `StorageError.unavailable` when too many wait, or for longer than 10 s.
    func hash(_ password: String) async throws -> String {
        let salt = Data(SymmetricKey(size: .bits128).withUnsafeBytes(Array.init))
        let key = try await inTurn { try Self.key(password, salt: salt) }
        let bytes = key.withUnsafeBytes { Data($0) }
        return "\(Self.scheme)$\(salt.base64EncodedString())$\(bytes.base64EncodedString())"
    }

    /// Whether `stored` was made of `password`. Takes as long when nothing is stored, so that nobody learns from the time
    /// who has an account.
    ///
    /// - Throws: `StorageError.unavailable` when too many wait, `StorageError.corrupt` for a scheme that is not ours.
    func verify(_ password: String, against stored: String?) async throws -> Bool {
        let parts = (stored ?? "\(Self.scheme)$AAAAAAAAAAAAAAAAAAAAAA==$").components(separatedBy: "$")
        guard parts.count == 6, parts.prefix(4).joined(separator: "$") == Self.scheme,
            let salt = Data(base64Encoded: parts[4]), let expected = Data(base64Encoded: parts[5])
        else { throw StorageError.corrupt("a password is stored under another scheme than \(Self.scheme)") }
        let key = try await inTurn { try Self.key(password, salt: salt) }
        return key == SymmetricKey(data: expected) && stored != nil
    }

    /// Why `password` cannot be one; nil when it can.
    static func problem(with password: String) -> String? {
        if password.count < 10 { return "The password must have at least 10 characters." }
        if password.utf8.count > 1_024 { return "The password must have at most 1024 bytes." }
        return nil
    }

    private func inTurn<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
        let isAdmitted = waiting.withLock { waiting in
            if waiting >= Self.bound { return false }
            waiting += 1
            return true
        }
        guard isAdmitted else {
            throw Self.crowded
        }
        defer { waiting.withLock { $0 -= 1 } }
        return try await withCheckedThrowingContinuation { continuation in
            let deadline = ContinuousClock.now + Self.patience
            queue.async {
                continuation.resume(
                    with: Result {
                        guard .now < deadline else { throw Self.crowded }
                        return try body()
                    })
            }
        }
    }

    private static func key(_ password: String, salt: Data) throws -> SymmetricKey {
        // Two spellings of one character are one password.
        let text = Data(password.precomposedStringWithCompatibilityMapping.utf8)
        return try KDF.Scrypt.deriveKey(
            from: text, salt: salt, outputByteCount: 32, rounds: 1 << 15, blockSize: 8, parallelism: 3)
    }

    /// N = 2^15, r = 8, p = 3: the OWASP cheat sheet's choice with 32 MiB.
    private static let scheme = "scrypt$32768$8$3"

    private static let crowded = StorageError.unavailable(
        "too many people are signing in; try again in a few seconds")

    /// Whose turn comes later than this gets no answer but that: the browser may be gone, and those behind wait, too.
    private static let patience: Duration = .seconds(10)

    /// Who comes after these would wait for longer than a browser shows patience.
    private static let bound = 32
}
