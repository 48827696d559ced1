import Wire

@testable import Delivery
@testable import Gateway

extension FuzzTarget {
    /// Where requests go and where they come from, and phone numbers.
    static let addresses: [FuzzTarget] = [callbackURL, ipAddress, forwardedFor, phoneNumber]

    private static let callbackURL = FuzzTarget(
        "callback-url", upTo: 512,
        words: [
            "http://", "https://", "[::ffff:10.0.0.1]", "0x7f.1", "127.1", "2130706433", "%25", "@", ":443", "xn--",
            ".",
        ]
    ) { bytes in
        guard let url = try? CallbackURL(bytes.text) else { return }
        try hold((1...65_535).contains(url.port), "port \(url.port)")
        for line in [url.target, url.hostHeader, url.host] {
            try hold(
                line.utf8.allSatisfy { (0x21...0x7E).contains($0) },
                "a request line would hold \(line.debugDescription)")
        }
        try hold(url.target.hasPrefix("/"), "the target is \(url.target)")
        try hold(!url.host.contains("@") && !url.host.contains("/"), "the host is \(url.host)")
        // The canonical form names the same place, whatever was written.
        let canonical = "\(url.isTLS ? "https" : "http")://\(url.hostHeader)\(url.target)"
        if canonical.utf8.count <= CallbackURL.maximumLength {
            let again = try CallbackURL(canonical)
            try hold(again.host == url.host && again.port == url.port, "\(canonical) names another host or port")
            try hold(again.target == url.target && again.literal == url.literal, "\(canonical) names another place")
        }
        if let literal = url.literal {
            let isRefused = (try? AddressPolicy().check(literal, port: url.port)) == nil
            try hold(!IPAddress.isLoopback(literal) || isRefused, "\(literal) may be called")
        }
    }

    private static let ipAddress = FuzzTarget(
        "ip-address", upTo: 128,
        words: [
            "::", "::ffff:127.0.0.1", "64:ff9b::", "fe80::1", "10.0.0.0/8", "/128", "0x", "0177", "255.255.255.255",
        ]
    ) { bytes in
        let text = bytes.text
        for address in [IPAddress(text), IPAddress(legacyIPv4: text)].compactMap(\.self) {
            try hold(IPAddress(address.description) == address, "\(address) is read as another address")
            try hold(address.bytes.count * 8 == address.family.width, "\(address) has \(address.bytes.count) bytes")
            for policy in [AddressPolicy(), AddressPolicy(allowedNetworks: [Network(base: address, prefixLength: 8)])] {
                _ = try? policy.check(address, port: 80)
            }
        }
        guard let network = try? Network(text) else { return }
        try hold((try? Network(network.description)) == network, "\(network) is read as another network")
        try hold(network.contains(network.base), "\(network) does not hold its first address")
    }

    /// Each line is one header field.
    private static let forwardedFor = FuzzTarget(
        "forwarded-for", upTo: 512, words: ["10.0.0.1", "203.0.113.7", "[2001:db8::1]:443", ",", ":80", "[", "]", "\n"]
    ) { bytes in
        let fields = bytes.text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let networks = [Network(base: IPAddress(v4: 0x0A00_0000), prefixLength: 8)]
        let proxy = IPAddress(v4: 0x0A00_0001)
        let origin = TrustedProxies(networks: networks).origin(
            peer: proxy, forwardedFor: fields, forwardedProto: fields.last, host: fields.first)
        try hold(origin.client != nil, "the client is not known")
        let stranger = IPAddress(v4: 0xCB00_7107)
        let direct = TrustedProxies(networks: networks).origin(
            peer: stranger, forwardedFor: fields, forwardedProto: "https", host: fields.first)
        try hold(direct == RequestOrigin(client: stranger, baseURL: nil), "a stranger is believed")
    }

    /// The first line is the owner's number.
    private static let phoneNumber = FuzzTarget(
        "phone-number", upTo: 128, words: ["+18005550199", "+4930123456", "\n", "tel:", ";ext=", "(0)", "0049"]
    ) { bytes in
        let (owner, number) = bytes.firstLine
        for text in [owner.text, number.text, bytes.text] {
            guard let canonical = PhoneNumber.e164(text) else { continue }
            try hold(canonical.hasPrefix("+"), "\(canonical) is not international")
            try hold(canonical.dropFirst().isDigits && canonical.utf8.count <= 24, "\(canonical) is no number")
            try hold(PhoneNumber.e164(canonical) == canonical, "\(canonical) is another number when it is read again")
        }
        let contact = PhoneNumber.contact(number.text, owner: owner.text)
        try hold(contact.utf8.count <= number.count * 3 + 8, "the contact has grown to \(contact.utf8.count) bytes")
        _ = (PhoneNumber.address(number.text), PhoneNumber.isContact(number.text))
    }
}

extension IPAddress {
    fileprivate static func isLoopback(_ address: IPAddress) -> Bool {
        address.family == .v4 ? address.bits >> 24 == 127 : address.bits == 1
    }
}
