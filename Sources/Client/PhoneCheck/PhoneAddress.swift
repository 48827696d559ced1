import Delivery
import Foundation
import NIOCore
import NIOPosix
import Wire

/// Where a phone looks for its server.
struct PhoneAddress: Sendable {
    let isSecure: Bool
    /// A name, or an address without brackets.
    let host: String
    let port: Int
    /// What the app's API URL is.
    let api: String

    /// What the app's API URL ends in.
    private static let path = "/api/mobile/v1"

    init(_ text: String) throws(ClientFailure) {
        let wrong = ClientFailure(.usage, "--phone must be the server's URL, such as https://sms.example.com")
        guard let url = URL(string: text.trimmed), let host = url.host, !host.isEmpty, url.query == nil,
            url.fragment == nil, url.user == nil, let scheme = url.scheme?.lowercased(),
            ["http", "https"].contains(scheme)
        else { throw wrong }
        isSecure = scheme == "https"
        self.host = String(host.drop { $0 == "[" }.prefix { $0 != "]" })
        port = url.port ?? (isSecure ? 443 : 80)
        guard (1...65_535).contains(port) else { throw wrong }
        var api = text.trimmed
        while api.hasSuffix("/") { api.removeLast() }
        self.api = url.path.split(separator: "/").isEmpty ? api + Self.path : api
    }

    var scheme: PhoneCheck.Finding {
        isSecure
            ? .fine("address", "the app's API URL is \(api)")
            : .problem("address", "\(api) is plain HTTP, which the app refuses: use https")
    }

    /// What it means that the host has no address.
    func unknown(because error: ResolutionError) -> PhoneCheck.Finding {
        switch error {
        case .notFound:
            .problem("name", "\(host) is not known to the name server: make an A or AAAA record for it, or correct it")
        case .timedOut:
            .problem(
                "name", "no name server answered for \(host): look at those of its domain, and at /etc/resolv.conf here"
            )
        case .failed, .unavailable, .cancelled:
            .problem("name", "\(host) could not be looked up: \(error)")
        }
    }

    static func isLoopback(_ address: String) -> Bool {
        address == "::1" || address.hasPrefix("127.") && IPAddress(address) != nil
    }

    /// Whether an address is not one of the public Internet.
    static func isPrivate(_ address: String) -> Bool {
        IPAddress(address).map { !AddressPolicy().permits($0) } ?? false
    }
}

extension PhoneCheck {
    /// Whether the name is known and somebody listens there.
    func names() async -> [Finding] {
        let addresses: [SocketAddress]
        do throws(ResolutionError) {
            addresses = try await resolved()
        } catch {
            return [address.unknown(because: error)]
        }
        let texts = addresses.compactMap(\.ipAddress)
        var findings = [inside(texts)]
        var silent: [String] = []
        for target in addresses where !(await isListening(target)) { silent.append(target.ipAddress ?? "") }
        if silent.count == addresses.count {
            findings.append(
                .problem(
                    "port",
                    "nobody listens on port \(address.port) of \(silent.joined(separator: ", ")): forward it on the router, and "
                        + "open it in the firewall"))
        } else if !silent.isEmpty {
            findings.append(
                .warning(
                    "port",
                    "nobody listens on port \(address.port) of \(silent.joined(separator: ", ")): phones that try it first "
                        + "wait; remove that record, or listen there"))
        } else {
            findings.append(.fine("port", "\(address.port) is open"))
        }
        return findings
    }

    private func inside(_ texts: [String]) -> Finding {
        let list = texts.joined(separator: ", ")
        if texts.allSatisfy(PhoneAddress.isLoopback) {
            return .warning(
                "name",
                "\(address.host) is \(list), this machine itself: a phone needs a name that leads here from outside")
        }
        if texts.allSatisfy(PhoneAddress.isPrivate) {
            return .warning(
                "name",
                "\(address.host) is \(list), which is inside of a network: on mobile data the phone needs a public address, "
                    + "a tunnel, or a VPN")
        }
        return .fine("name", "\(address.host) is \(list)")
    }

    /// Whether the name is that of this machine, from which every visitor is a local one.
    func leadsHere() async -> Bool {
        // What cannot be looked up was told of before.
        guard let addresses = try? await resolved() else { return false }
        return addresses.allSatisfy { PhoneAddress.isLoopback($0.ipAddress ?? "") }
    }

    /// Within 5 s, whatever name servers do: the server's own resolver asks them.
    private func resolved() async throws(ResolutionError) -> [SocketAddress] {
        var found: [IPAddress] = []
        if let literal = IPAddress(address.host) {
            found = [literal]
        } else {
            // It cannot be made where no file can be opened any more.
            guard let resolver = try? SystemResolver() else { throw .unavailable }
            defer { resolver.shutdown() }
            let name = address.host.hasSuffix(".") ? address.host.dropLast() : address.host[...]
            found = try await resolver.resolve(name.lowercased(), for: .operated, within: .seconds(10))
        }
        // An address that was parsed is one.
        let targets = found.prefix(8).compactMap { try? SocketAddress(ipAddress: "\($0)", port: address.port) }
        guard !targets.isEmpty else { throw .notFound }
        return targets
    }

    private func isListening(_ target: SocketAddress) async -> Bool {
        let bootstrap = ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup).connectTimeout(Self.patience)
        guard let channel = try? await bootstrap.connect(to: target).get() else { return false }
        // It was only opened to see whether it can be.
        try? await channel.close()
        return true
    }
}
