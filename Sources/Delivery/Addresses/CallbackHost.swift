/// The rules for the host of a callback URL.
enum CallbackHost {
    /// 253 bytes: the longest name that fits DNS (RFC 1035, 2.3.4), without the trailing dot.
    private static let maximumNameLength = 253

    /// 63 bytes per label (RFC 1035, 2.3.4).
    private static let maximumLabelLength = 63

    /// Returns the canonical host and, when it is an address in any spelling, that address.
    static func parse(_ text: Substring) throws(CallbackURLError) -> (host: String, literal: IPAddress?) {
        guard !text.isEmpty else { throw .missingHost }
        guard text.utf8.allSatisfy({ $0 < 0x80 }) else { throw .internationalHost }
        if text.hasPrefix("[") {
            let inner = text.dropFirst().dropLast()
            guard inner.contains(":"), let address = IPAddress(String(inner)) else {
                throw .invalidHost("\(text) is not an IPv6 address (zones are not supported)")
            }
            return (address.description, address)
        }
        let name = (text.hasSuffix(".") ? text.dropLast() : text).lowercased()
        if IPAddress.endsInNumber(name) {
            guard let address = IPAddress(legacyIPv4: name) else {
                throw .invalidHost("\(name) is neither a name nor an IPv4 address")
            }
            return (address.description, address)
        }
        try check(name)
        return (name, nil)
    }

    private static func check(_ name: String) throws(CallbackURLError) {
        guard !name.isEmpty else { throw .missingHost }
        guard name.utf8.count <= maximumNameLength else { throw .invalidHost("the name is longer than 253 characters") }
        for label in name.split(separator: ".", omittingEmptySubsequences: false) {
            guard !label.isEmpty else { throw .invalidHost("two dots follow each other") }
            guard label.utf8.count <= maximumLabelLength else {
                throw .invalidHost("a label is longer than 63 characters")
            }
            guard label.utf8.allSatisfy(isAllowed) else {
                throw .invalidHost("a name holds only letters, digits, dots, hyphens and underscores")
            }
        }
    }

    /// Underscores are not host names by RFC 952, but Docker Compose service names have them.
    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
            UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
