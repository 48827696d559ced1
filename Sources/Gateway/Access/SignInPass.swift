import Foundation
import Secrets
import Storage
import Timestamps
import Wire

/// Says that somebody gave the right password a moment ago. The form for the code carries it, encrypted, so that nothing
/// is stored for those who do not come back.
struct SignInPass: Sendable {
    /// As it was typed.
    let email: String
    /// Of what is stored of the password, so that a new password ends it.
    private let passwordDigest: String
    private let expiresAt: Timestamp

    /// A pass for 10 minutes, which is time enough to look for a code.
    init(_ account: AccessQueries.Account, email: String, at now: Timestamp) {
        self.email = email
        passwordDigest = Self.digest(account)
        expiresAt = now + .seconds(600)
    }

    /// Reads what ``sealed(with:)`` wrote; nil for what is none.
    init?(_ sealed: String, with keyring: Keyring) {
        guard let bytes = Data(base64Encoded: sealed) else { return nil }
        do {
            let parts = try keyring.open(Array(bytes), at: Self.place).split(separator: " ", maxSplits: 2)
            guard parts.count == 3, let expiresAt = Int64(parts[0]) else { return nil }
            self.expiresAt = Timestamp(microseconds: expiresAt)
            (passwordDigest, email) = (String(parts[1]), String(parts[2]))
        } catch {
            return nil
        }
    }

    /// As the form carries it.
    ///
    /// - Throws: `Keyring.Unreadable`.
    func sealed(with keyring: Keyring) throws -> String {
        let text = "\(expiresAt.microseconds) \(passwordDigest) \(email)"
        return Data(try keyring.seal(text, at: Self.place)).base64EncodedString()
    }

    /// Whether it still opens the way into `account`.
    func isValid(for account: AccessQueries.Account, at now: Timestamp) -> Bool {
        // More than its time ahead, it is from before the clock was set back.
        now < expiresAt && expiresAt <= now + .seconds(600) && passwordDigest == Self.digest(account)
    }

    private static func digest(_ account: AccessQueries.Account) -> String {
        SHA256Digest.bytes(parts: [account.person.id.text, account.passwordHash ?? ""]).hexadecimal
    }

    /// It stands in no table.
    private static let place = Keyring.Place("sign-in", "pass", "", UserID(""))
}
