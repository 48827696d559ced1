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
        do {
            addresses = try await resolved()
        } catch {
            return [
                .problem(
                    "name",
                    "\(address.host) is not known to the name server: make an A or AAAA record for it, or correct it")
            ]
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

    /// Off the threads that everything else runs on, as the system's resolver waits.
    private func resolved() async throws -> [SocketAddress] {
        let (host, port) = (address.host, address.port)
        return try await NIOThreadPool.singleton.runIfActive {
            var hints = addrinfo()
            hints.ai_socktype = numericCast(SOCK_STREAM.rawValue)
            var list: UnsafeMutablePointer<addrinfo>?
            guard getaddrinfo(host, "\(port)", &hints, &list) == 0 else { throw Unknown() }
            defer { freeaddrinfo(list) }
            var addresses: [SocketAddress] = []
            var next = list
            while let entry = next, addresses.count < 8 {
                if let text = Self.text(entry.pointee), let address = try? SocketAddress(ipAddress: text, port: port) {
                    addresses.append(address)
                }
                next = entry.pointee.ai_next
            }
            guard !addresses.isEmpty else { throw Unknown() }
            return addresses
        }
    }

    private struct Unknown: Error {}

    private static func text(_ entry: addrinfo) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let code = getnameinfo(
            entry.ai_addr, entry.ai_addrlen, &buffer, socklen_t(clamping: buffer.count), nil, 0, NI_NUMERICHOST)
        guard code == 0 else { return nil }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private func isListening(_ target: SocketAddress) async -> Bool {
        let bootstrap = ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup).connectTimeout(Self.patience)
        guard let channel = try? await bootstrap.connect(to: target).get() else { return false }
        // It was only opened to see whether it can be.
        try? await channel.close()
        return true
    }
}
