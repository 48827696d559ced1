import Delivery
import HTTPTypes
import Hummingbird
import Wire

/// Under which names browsers reach this server, and which requests come from its own pages.
package struct ServerSite: Sendable {
    /// Whether this process speaks TLS itself.
    let speaksTLS: Bool
    /// The configured APP_URL; nil when there is none.
    let appURL: CallbackURL?

    /// - Parameters:
    ///   - speaksTLS: Whether this process speaks TLS itself.
    ///   - appURL: The configured APP_URL; nil when there is none.
    package init(speaksTLS: Bool, appURL: CallbackURL?) { (self.speaksTLS, self.appURL) = (speaksTLS, appURL) }

    /// Whether the browser reached us over TLS: here, or at a proxy in front.
    package func isSecure(_ request: Request, _ origin: RequestOrigin) -> Bool {
        if speaksTLS { return true }
        if let told = origin.baseURL { return told.hasPrefix("https://") }
        return appURL.map { $0.isTLS && Self.host(request.head.authority) == $0.host } ?? false
    }

    /// Whether clients reach this server over TLS: it speaks TLS itself, or a proxy at APP_URL does.
    package var isServedOverTLS: Bool { speaksTLS || appURL?.isTLS == true }

    /// What apps list this server as: the host of APP_URL.
    package var name: String { appURL?.host ?? "httpsms" }

    /// Whether the request names this server: by APP_URL, as `localhost`, or by an address. A foreign name that resolves to us is how a web site would reach a server on its
    /// visitor's machine (DNS rebinding): its scripts would count as ours. An address in place of a name cannot be made to
    /// lead elsewhere.
    package func isOwnName(_ request: Request) -> Bool {
        let host = Self.host(request.head.authority)
        return host == "localhost" || host == appURL?.host || IPAddress(host) != nil
    }

    /// The URL that the browser has us under, without a slash at the end.
    package func baseURL(_ request: Request, isSecure: Bool) -> String {
        "\(isSecure ? "https" : "http")://\(request.head.authority ?? "localhost")"
    }

    /// Whether a form was sent by a page of the same origin. Browsers say so in `Sec-Fetch-Site`, over plain HTTP in
    /// `Origin` only.
    package static func isSameOrigin(_ request: Request, isSecure: Bool) -> Bool {
        if let site = request.headers[.secFetchSite] { return site == "same-origin" }
        return hasOwnOrigin(request, isSecure: isSecure)
    }

    /// Whether `Origin` is that of the URL that was asked for.
    static func hasOwnOrigin(_ request: Request, isSecure: Bool) -> Bool {
        guard let origin = request.headers[.origin], let authority = request.head.authority else { return false }
        return origin.lowercased() == "\(isSecure ? "https" : "http")://\(authority)".lowercased()
    }

    /// The host of `name:port`, in lower case and without the brackets of IPv6.
    static func host(_ authority: String?) -> String {
        let text = (authority ?? "").lowercased()
        if text.hasPrefix("[") { return String(text.dropFirst().prefix { $0 != "]" }) }
        return String(text.prefix { $0 != ":" })
    }
}
