import Foundation
import Secrets
import Storage
import Timestamps
import Wire

/// Says what somebody proved a moment ago, until they go on. The form or the link that leads on carries it, encrypted, so that
/// nothing is stored for those who do not come back. A new password ends it.
struct SignInPass: Sendable {
    /// What was proved, and what it lets somebody do.
    enum Purpose: String, Sendable {
        /// The right password was given: a code of the second factor comes next.
        case code = "pass"
        /// A letter to the address was opened: another password comes next.
        case reset

        /// Ten minutes to look for a code; an hour for a letter, which may take a while.
        var lifetime: Duration {
            switch self {
            case .code: .seconds(600)
            case .reset: .seconds(3_600)
            }
        }

        /// It stands in no table.
        fileprivate var place: Keyring.Place { Keyring.Place("sign-in", rawValue, "", UserID("")) }
    }

    /// What finds the account.
    let email: String
    /// Of what is stored of the password, so that a new password ends it.
    private let passwordDigest: String
    private let expiresAt: Timestamp
    private let purpose: Purpose

    /// A pass for the purpose's lifetime.
    init(_ account: AccessQueries.Account, email: String, for purpose: Purpose, at now: Timestamp) {
        (self.email, self.purpose) = (email, purpose)
        passwordDigest = Self.digest(account)
        expiresAt = now + purpose.lifetime
    }

    /// Reads what ``sealed(with:)`` wrote for the same purpose; nil for what is none.
    init?(_ sealed: String, for purpose: Purpose, with keyring: Keyring) {
        guard let bytes = Data(base64Encoded: sealed) else { return nil }
        do {
            let parts = try keyring.open(Array(bytes), at: purpose.place).split(separator: " ", maxSplits: 2)
            guard parts.count == 3, let expiresAt = Int64(parts[0]) else { return nil }
            self.expiresAt = Timestamp(microseconds: expiresAt)
            (passwordDigest, email, self.purpose) = (String(parts[1]), String(parts[2]), purpose)
        } catch {
            return nil
        }
    }

    /// In base64.
    ///
    /// - Throws: `Keyring.Unreadable`.
    func sealed(with keyring: Keyring) throws -> String {
        let text = "\(expiresAt.microseconds) \(passwordDigest) \(email)"
        return Data(try keyring.seal(text, at: purpose.place)).base64EncodedString()
    }

    /// Whom it lets go on; nil when its time is over, the password was changed, or nobody signs in with the address any more.
    func account(in tx: any Transaction) throws -> AccessQueries.Account? {
        // More than its time ahead, it is from before the clock was set back.
        guard tx.now < expiresAt, expiresAt <= tx.now + purpose.lifetime,
            let account = try AccessQueries.account(email: email, in: tx), passwordDigest == Self.digest(account)
        else { return nil }
        return account
    }

    private static func digest(_ account: AccessQueries.Account) -> String {
        SHA256Digest.bytes(parts: [account.person.id.text, account.passwordHash ?? ""]).hexadecimal
    }
}
