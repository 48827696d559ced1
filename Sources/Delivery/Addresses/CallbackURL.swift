/// A callback URL that can be dialled: parsed once, by rules that leave no second reading.
///
/// | text | host | port | target |
/// |---|---|---|---|
/// | `https://Example.COM./hook?a=1#x` | `example.com` | 443 | `/hook?a=1` |
/// | `http://0x7f.1:8080` | `127.0.0.1` (a literal) | 8080 | `/` |
/// | `http://[::FFFF:10.0.0.1]/` | `10.0.0.1` (a literal) | 80 | `/` |
///
/// What browsers repair silently (backslashes, line breaks, an `@`) is refused: those repairs are where a checked host
/// and a dialled host come to differ.
package struct CallbackURL: Hashable, Sendable {
    /// 2,048 bytes: what other senders settled on. httpSMS stops at 255, which the URLs of Power Automate exceed.
    package static let maximumLength = 2_048

    /// The text as it was given.
    package let text: String

    /// Whether the scheme is `https`.
    package let isTLS: Bool

    /// The name in lower case without a trailing dot, or the canonical text of a literal address, without brackets.
    package let host: String

    /// The port, 1-65535; 80 or 443 when the URL names none.
    package let port: Int

    /// Path and query in ASCII, at least `/`; the fragment is left out.
    package let target: String

    /// What goes into the `Host` header: IPv6 in brackets, the port only when it is not the scheme's own.
    package let hostHeader: String

    /// The address when the host is one; nil for a name.
    package let literal: IPAddress?

    /// Parses an absolute `http` or `https` URL.
    ///
    /// - Throws: ``CallbackURLError``, whose description can be shown to the user.
    package init(_ text: String) throws(CallbackURLError) {
        guard text.utf8.count <= Self.maximumLength else { throw .tooLong }
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\\") }) else {
            throw .invalidCharacter
        }
        guard let separator = text.firstRange(of: "://") else { throw .unsupportedScheme }
        switch text[..<separator.lowerBound].lowercased() {
        case "http": isTLS = false
        case "https": isTLS = true
        default: throw .unsupportedScheme
        }
        let rest = text[separator.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard !authority.contains("@") else { throw .userInfo }

        let (hostText, portText) = try Self.split(authority: authority)
        (host, literal) = try CallbackHost.parse(hostText)
        let defaultPort = isTLS ? 443 : 80
        port = try portText.map { (text) throws(CallbackURLError) in try Self.port(text) } ?? defaultPort
        let bracketed = literal?.family == .v6 ? "[\(host)]" : host
        hostHeader = port == defaultPort ? bracketed : "\(bracketed):\(port)"
        target = try Self.target(rest[authority.endIndex...].prefix { $0 != "#" })
        self.text = text
    }

    private static func split(authority: Substring) throws(CallbackURLError) -> (host: Substring, port: Substring?) {
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { throw .invalidHost("the bracket is not closed") }
            let host = authority[...end]
            let tail = authority[authority.index(after: end)...]
            guard tail.isEmpty || tail.hasPrefix(":") else { throw .invalidHost("text follows the closing bracket") }
            return (host, tail.isEmpty ? nil : tail.dropFirst())
        }
        guard let colon = authority.firstIndex(of: ":") else { return (authority, nil) }
        let port = authority[authority.index(after: colon)...]
        guard !port.contains(":") else { throw .invalidHost("an IPv6 address must stand in brackets") }
        return (authority[..<colon], port)
    }

    private static func port(_ text: Substring) throws(CallbackURLError) -> Int {
        // "https://https://example.com" has an empty port: refused, although RFC 3986 would read it as the default.
        guard (1...5).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let port = Int(text), (1...65_535).contains(port)
        else { throw .invalidPort }
        return port
    }

    /// Checks the escapes and escapes what may not stand in a request line, as browsers do.
    private static func target(_ text: Substring) throws(CallbackURLError) -> String {
        let bytes = Array(text.utf8)
        var target: [UInt8] = bytes.first == UInt8(ascii: "/") ? [] : [UInt8(ascii: "/")]
        for (index, byte) in bytes.enumerated() {
            if byte == UInt8(ascii: "%") {
                let digits = bytes[(index + 1)...].prefix(2)
                let isEscape = digits.count == 2 && digits.allSatisfy { Character(Unicode.Scalar($0)).isHexDigit }
                guard isEscape else { throw .invalidPercentEncoding }
            }
            if byte >= 0x80 || Self.escaped.contains(byte) {
                target.append(UInt8(ascii: "%"))
                target.append(contentsOf: Self.hexadecimal(byte).utf8)
            } else {
                target.append(byte)
            }
        }
        return String(decoding: target, as: UTF8.self)
    }

    private static let escaped = Set("\"<>^`{|}".utf8)

    private static func hexadecimal(_ byte: UInt8) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
    }
}

extension CallbackURL: CustomStringConvertible {
    /// The text as it was given.
    package var description: String { text }
}
