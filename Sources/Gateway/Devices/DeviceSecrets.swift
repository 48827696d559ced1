import Delivery
import Secrets

/// What a phone and the server know each other by. Everything is drawn at random and stored as a digest, but for what the
/// phone must be told again.
///
/// Tokens that stand in a URL are in lower case: paths are matched without regard to case.
package enum DeviceSecrets {
    /// What a phone calls the API with.
    static func token() -> String { "dv_" + RandomToken.make() }

    /// What a phone registers with, and again when it lost its token.
    static func privateToken() -> String { "pt_" + RandomToken.make() }

    /// The end of the URL that a phone posts to.
    static func inboundToken() -> String { "wh_" + RandomToken.make() }

    /// What a phone signs its posts with: 128 random bits. The app has a field for it, so it is kept short.
    static func signingKey() -> String { "wk_" + String(RandomToken.make().prefix(32)) }

    /// The code that goes with a private token: eight digits, as the app's field takes nothing else. It follows from the
    /// token, so that the page that is opened with the token can show it, and no code is stored.
    package static func code(of privateToken: String) -> String {
        let number = SHA256Digest.of("code " + privateToken).first % 100_000_000
        let digits = String(number)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
