import Secrets

/// The one place on this server itself that webhooks may reach: a token below a path of the server's own URL, where requests
/// are looked at and cause nothing.
package struct OwnReceiver: Sendable {
    /// What stands between the server's URL and the token.
    package static let path = "/playground/"

    private let baseURL: @Sendable () -> String

    /// - Parameter baseURL: The server's own URL without a slash at the end; empty while it is not known.
    package init(baseURL: @escaping @Sendable () -> String) {
        self.baseURL = baseURL
    }

    /// The URL of `token`.
    package func url(token: String) -> String { baseURL() + Self.path + token }

    /// Whether `url` is there. What follows the path must be a token alone: a proxy before the server would take `../v1` out
    /// of it, and a query may mean anything.
    package func contains(_ url: CallbackURL) -> Bool {
        guard let own = try? CallbackURL(baseURL() + Self.path), url.target.hasPrefix(own.target) else { return false }
        return url.isTLS == own.isTLS && url.host == own.host && url.port == own.port
            && RandomToken.isToken(String(url.target.dropFirst(own.target.count)))
    }
}
