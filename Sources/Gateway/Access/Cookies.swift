import Crypto
import HTTPTypes
import Hummingbird
import Secrets
import Wire

/// The cookies of the pages.
package enum Cookies {
    /// What a cookie is for.
    package enum Name: String {
        /// Holds the token of a session.
        case session = "httpsms"
        /// Holds the token of forms, before there is a session.
        case form = "httpsms-form"
        /// Says that somebody signed in with this browser before; see ``KnownBrowserQueries``.
        case device = "httpsms-device"

        /// Over TLS, `__Host-` keeps subdomains and plain HTTP from setting it. Without TLS it has another name, so that
        /// what was set there never counts over TLS.
        func full(isSecure: Bool) -> String { isSecure ? "__Host-\(rawValue)" : rawValue }
    }

    /// What the browser sent that can be a token, in its order, at most ``bound``. There may be several: over plain HTTP
    /// a neighbouring host can set a cookie of the same name, which must not sign anybody out.
    package static func values(_ name: Name, _ request: Request, isSecure: Bool) -> [String] {
        let tokens = values(name.full(isSecure: isSecure), in: request.headers[values: .cookie])
        return Array(tokens.filter(RandomToken.isToken).prefix(bound))
    }

    /// The values of the cookie `name` in `fields`, in their order. Each byte is looked at a fixed number of times, whatever
    /// anybody sends: this is read before it is known who asks.
    package static func values(_ name: String, in fields: [String]) -> [String] {
        let prefix = Array((name + "=").utf8)
        var pairs: [Substring.UTF8View] = []
        for field in fields {
            // What follows the last pair that is looked at stays in one piece.
            let pieces = field.utf8.split(separator: UInt8(ascii: ";"), maxSplits: mostPairs - pairs.count)
            pairs += pieces.prefix(mostPairs - pairs.count)
            if pairs.count == mostPairs { break }
        }
        return pairs.compactMap { pair in
            let pair = pair.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            guard pair.starts(with: prefix) else { return nil }
            return String(decoding: pair.dropFirst(prefix.count), as: UTF8.self).trimmed
        }
    }

    /// RFC 6265, 6.1: a browser keeps at least 50 of a domain; Chromium keeps 180.
    static let mostPairs = 200

    /// The first of ``values(_:_:isSecure:)``; nil when there is none.
    package static func value(_ name: Name, _ request: Request, isSecure: Bool) -> String? {
        values(name, request, isSecure: isSecure).first
    }

    /// A browser keeps one of each path and domain that may set it; more than these are sent to keep us busy.
    private static let bound = 8

    /// Sets a cookie for `lifetime`, nil until the browser is closed; an empty value and no time left take it away.
    package static func field(_ name: Name, _ value: String, isSecure: Bool, lifetime: Duration?) -> HTTPField {
        var text = "\(name.full(isSecure: isSecure))=\(value); Path=/; HttpOnly; SameSite=Lax"
        if isSecure { text += "; Secure" }
        if let lifetime { text += "; Max-Age=\(lifetime.components.seconds)" }
        return HTTPField(name: .setCookie, value: text)
    }
}
