import Foundation

/// The proxy that requests to webhooks leave through, as the operator names it.
///
/// | callback URL | what the proxy is asked |
/// |---|---|
/// | `https://...` | `CONNECT <address>:443`: an address that the policy has passed; TLS is spoken with the receiver |
/// | `http://...` | `POST http://<host>/...`: by its name, which the policy has looked at and the proxy looks up once more |
///
/// What the policy refuses is not asked for. The proxy itself may have any address.
package struct EgressProxy: Sendable {
    /// Where the proxy is.
    let url: CallbackURL
    /// The value of `Proxy-Authorization`; nil when none is needed.
    let authorization: String?
    /// What is reached without it.
    private let exceptions: [Exception]

    /// Who is reached directly.
    private enum Exception: Sendable {
        case all
        /// This name and what is below it.
        case name(String)
        case network(Network)
    }

    /// Reads the URL of a proxy and, as in `NO_PROXY`, what is reached without it: names, which stand for all below them,
    /// addresses and networks, separated by commas; `*` is everything.
    ///
    /// - Returns: Nil when the URL is not `http://host:port`, perhaps with `user:password@` before the host.
    package init?(_ text: String, exceptions: String) {
        guard let scheme = text.firstRange(of: "://"), text[..<scheme.lowerBound].lowercased() == "http" else {
            return nil
        }
        let rest = text[scheme.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard rest[authority.endIndex...].allSatisfy({ $0 == "/" }) else { return nil }
        let parts = authority.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        guard let host = parts.last, let url = try? CallbackURL("http://\(host)") else { return nil }
        self.url = url
        if parts.count == 2 {
            // The parts of a URL are escaped; without a password there is an empty one.
            let pair = parts[0].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
                .map { String($0).removingPercentEncoding }
            guard let user = pair[0], let password = pair.count > 1 ? pair[1] : "", !user.contains(":") else {
                return nil
            }
            authorization = "Basic \(Data("\(user):\(password)".utf8).base64EncodedString())"
        } else {
            authorization = nil
        }
        self.exceptions = exceptions.split { $0 == "," || $0 == " " }.compactMap { Self.exception(String($0)) }
    }

    /// What a list entry stands for; nil for one that stands for nothing, as in other programs.
    private static func exception(_ text: String) -> Exception? {
        if text == "*" { return .all }
        if let address = IPAddress(text) { return .network(Network(base: address, prefixLength: address.family.width)) }
        if text.contains("/") { return (try? Network(text)).map { .network($0) } }
        let name = text.lowercased().drop { $0 == "." || $0 == "*" }.split(separator: ":").first.map(String.init) ?? ""
        return name.isEmpty ? nil : .name(name.hasSuffix(".") ? String(name.dropLast()) : name)
    }

    /// Whether `url` is reached through it; networks are compared with addresses that stand in the URL.
    func carries(_ url: CallbackURL) -> Bool {
        !exceptions.contains { exception in
            switch exception {
            case .all: true
            case .name(let name): url.host == name || url.host.hasSuffix(".\(name)")
            case .network(let network): url.literal.map(network.contains) ?? false
            }
        }
    }

    /// The request that opens a tunnel to `address`.
    func connect(to address: IPAddress, port: Int) -> String {
        let authority = address.family == .v6 ? "[\(address)]:\(port)" : "\(address):\(port)"
        return "CONNECT \(authority) HTTP/1.1\r\nHost: \(authority)\r\n\(credentials)\r\n"
    }

    /// The header line with the credentials; empty when there are none.
    var credentials: String { authorization.map { "Proxy-Authorization: \($0)\r\n" } ?? "" }
}

/// Why a tunnel was not opened: one clause, without a full stop.
struct ProxyRefusal: Error, CustomStringConvertible {
    let description: String
}
