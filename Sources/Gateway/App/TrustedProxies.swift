import Delivery
import HTTPTypes
import Hummingbird
import Wire

/// Who is at the far end of a request, as far as it can be believed.
package struct RequestOrigin: Hashable, Sendable {
    /// The client's address; nil when the connection has none.
    package let client: IPAddress?
    /// What the client's URL began with, `https://sms.example.com`; nil unless a trusted proxy said so.
    package let baseURL: String?

    /// Who counts as one client for limits; see `IPAddress.clientNetwork`.
    package var clientNetwork: String { client?.clientNetwork ?? "unknown" }
}

/// The proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed (TRUSTED_PROXIES). Of anybody else's request
/// these headers mean nothing, as everybody can send them.
package struct TrustedProxies: Sendable {
    /// Their addresses.
    package let networks: [Network]

    /// With all that it is made of.
    package init(networks: [Network]) {
        self.networks = networks
    }

    /// Works out where a request comes from.
    ///
    /// Each proxy appends the address that it was called from, so the list is read from its end: the first address that
    /// is not a trusted proxy is the client. What stands before it was sent by the client and may be anything.
    ///
    /// | peer | X-Forwarded-For | client, when 10.0.0.0/8 is trusted |
    /// |---|---|---|
    /// | 203.0.113.7 | 1.1.1.1 | 203.0.113.7 |
    /// | 10.0.0.1 | 1.1.1.1, 203.0.113.7 | 203.0.113.7 |
    /// | 10.0.0.1 | 203.0.113.7, 10.0.0.2 | 203.0.113.7 |
    /// | 10.0.0.1 | 203.0.113.7, nonsense | 10.0.0.1 |
    ///
    /// - Parameters:
    ///   - peer: The other end of the connection.
    ///   - forwardedFor: The values of all `X-Forwarded-For`, in order.
    ///   - forwardedProto: `X-Forwarded-Proto`; of several values the last, which the nearest proxy wrote.
    ///   - host: `Host`, which proxies pass on.
    /// - Returns: The origin; that of the connection when the peer is not trusted.
    func origin(peer: IPAddress?, forwardedFor: [String], forwardedProto: String?, host: String?) -> RequestOrigin {
        guard let peer, isTrusted(peer) else { return RequestOrigin(client: peer, baseURL: nil) }
        var client = peer
        for text in forwardedFor.flatMap({ $0.split(separator: ",") }).reversed() {
            guard let address = Self.address(text.trimmed) else { break }
            client = address
            if !isTrusted(address) { break }
        }
        return RequestOrigin(client: client, baseURL: Self.baseURL(forwardedProto, host))
    }

    /// Whether `address` belongs to one of the proxies.
    func isTrusted(_ address: IPAddress) -> Bool {
        networks.contains { $0.contains(address) }
    }

    /// An address, with a port or without.
    private static func address(_ text: String) -> IPAddress? {
        if let address = IPAddress(text) { return address }
        guard let colon = text.lastIndex(of: ":") else {
            return text.hasPrefix("[") && text.hasSuffix("]") ? IPAddress(String(text.dropFirst().dropLast())) : nil
        }
        if text.hasSuffix("]") { return IPAddress(String(text.dropFirst().dropLast())) }
        let host = text[..<colon]
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        return IPAddress(String(isBracketed ? host.dropFirst().dropLast() : host))
    }

    private static func baseURL(_ proto: String?, _ host: String?) -> String? {
        guard let scheme = proto?.split(separator: ",").last?.trimmed.lowercased(), ["http", "https"].contains(scheme),
            let host, let url = try? CallbackURL("\(scheme)://\(host)"), url.target == "/"  // Not a host: not believed.
        else { return nil }
        return "\(scheme)://\(url.hostHeader)"
    }
}

extension Request {
    /// Whether any of the fields that proxies add is there. Their absence proves nothing: a proxy may add none.
    var wasForwarded: Bool {
        headers.contains { field in
            let name = field.name.canonicalName
            return name.hasPrefix("x-forwarded") || Self.forwardingFields.contains(name)
        }
    }

    /// What proxies, load balancers and content networks add besides `X-Forwarded-*`, in lower case.
    private static let forwardingFields: Set = [
        "forwarded", "via", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "x-original-forwarded-for",
        "x-envoy-external-address", "true-client-ip", "cf-connecting-ip", "cf-ray", "fastly-client-ip", "fly-client-ip",
        "x-azure-clientip", "x-appengine-user-ip",
    ]
}

/// Gives each request its ``RequestOrigin``, and notes proxies that are not trusted.
struct ForwardingMiddleware: RouterMiddleware {
    typealias Context = APIContext

    let proxies: TrustedProxies
    let unlisted: UnlistedProxies

    @concurrent func handle(
        _ request: Request, context: APIContext, next: @concurrent (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        let peer = context.origin.client
        if let peer, !proxies.isTrusted(peer),
            request.headers[.xForwardedFor] != nil || request.headers[.forwarded] != nil
        {
            await unlisted.note(peer, logger: context.logger)
        }
        context.origin = proxies.origin(
            peer: peer, forwardedFor: request.headers[values: .xForwardedFor],
            forwardedProto: request.headers[.xForwardedProto], host: request.head.authority)
        return try await next(request, context)
    }
}
