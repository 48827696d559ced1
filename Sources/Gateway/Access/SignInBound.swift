import Delivery
import Secrets
import Storage

/// How often something may be tried within 15 minutes, and by whom. Only digests are stored.
struct SignInBound: Sendable {
    /// Whose attempts are counted.
    let digest: [UInt8]
    /// Attempts per 15 minutes.
    let limit: Int64

    private init(_ parts: [String], limit: Int64) {
        digest = SHA256Digest.bytes(parts: parts)
        self.limit = limit
    }

    /// An e-mail address as one client network tries it.
    static func pair(_ email: String, _ network: String) -> SignInBound {
        SignInBound(["pair", email.lowercased(), network], limit: 10)
    }

    /// An account's e-mail address, over all networks that nobody signed in from. Loose, as nobody should be able to lock
    /// somebody else out by guessing badly: it takes 20 networks.
    static func email(_ email: String) -> SignInBound {
        SignInBound(["email", email.lowercased()], limit: 200)
    }

    /// A client network at one of the doors. Several people may share one, and each door has a count of its own, so that
    /// requests that cost nothing do not close the one where passwords are checked.
    static func network(_ network: String, at door: Door) -> SignInBound {
        SignInBound(["network", door.rawValue, network], limit: 60)
    }

    /// A browser that signed in before, by the digest of its token.
    static func device(_ tokenHash: [UInt8]) -> SignInBound {
        SignInBound(["device", text(of: tokenHash)], limit: 10)
    }

    /// Letters that an account has sent to people whom it asks in.
    static func letters(from account: UserID) -> SignInBound {
        SignInBound(["letters from", account.text], limit: 20)
    }

    /// Letters to an e-mail address: with a link for another password, and invitations.
    static func letters(to email: String) -> SignInBound {
        SignInBound(["letters", email.lowercased()], limit: 3)
    }

    /// Codes of an account's second factor, from browsers that nobody signed in with. Tight, as a code has a million values
    /// and whoever gets here knows the password.
    static func code(_ id: UserID) -> SignInBound {
        SignInBound(["code", id.text], limit: 10)
    }

    /// Codes from a browser that signed in before, by the digest of its token.
    static func code(from tokenHash: [UInt8]) -> SignInBound {
        SignInBound(["device code", text(of: tokenHash)], limit: 10)
    }

    /// Codes that a signed-in user is asked for.
    static func code(ofSession id: UserID) -> SignInBound {
        SignInBound(["session code", id.text], limit: 10)
    }

    /// A signed-in user who is asked for the password again.
    static func password(_ id: UserID) -> SignInBound {
        SignInBound(["password", id.text], limit: 10)
    }

    private static func text(of tokenHash: [UInt8]) -> String {
        tokenHash.map { String($0, radix: 16) }.joined(separator: " ")
    }

    /// Where somebody asks to be let in.
    enum Door: String {
        /// With a password.
        case signIn = "sign-in"
        /// With an API key, for an account that has no password.
        case firstSignIn = "first-sign-in"
        /// With the token of the log, of an invitation or of a letter, which cannot be guessed.
        case token
        /// Where a letter with a link for another password is asked for.
        case letter
    }
}
