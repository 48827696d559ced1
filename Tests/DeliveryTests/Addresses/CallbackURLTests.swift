import Testing

@testable import Delivery

@Suite struct CallbackURLTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let text: String
        let isTLS: Bool
        let host: String
        let port: Int
        let target: String
        let hostHeader: String
        var literal: String?

        var testDescription: String { text }
    }

    @Test(arguments: [
        Case(
            text: "https://example.com", isTLS: true, host: "example.com", port: 443, target: "/",
            hostHeader: "example.com"),
        Case(
            text: "HTTP://Example.COM./a?b=c#d", isTLS: false, host: "example.com", port: 80, target: "/a?b=c",
            hostHeader: "example.com"),
        Case(
            text: "https://example.com:443/", isTLS: true, host: "example.com", port: 443, target: "/",
            hostHeader: "example.com"),
        Case(
            text: "https://example.com:80?x", isTLS: true, host: "example.com", port: 80, target: "/?x",
            hostHeader: "example.com:80"),
        Case(text: "http://h#/fragment?no", isTLS: false, host: "h", port: 80, target: "/", hostHeader: "h"),
        Case(
            text: "http://my_service:65535/%41%2f", isTLS: false, host: "my_service", port: 65_535, target: "/%41%2f",
            hostHeader: "my_service:65535"),
        Case(
            text: "http://h/h\u{e9}<>{}?q=\"^`|", isTLS: false, host: "h", port: 80,
            target: "/h%C3%A9%3C%3E%7B%7D?q=%22%5E%60%7C", hostHeader: "h"),
        Case(
            text: "http://h/a@b:c//d?://", isTLS: false, host: "h", port: 80, target: "/a@b:c//d?://", hostHeader: "h"),
        Case(
            text: "http://xn--mnchen-3ya.example", isTLS: false, host: "xn--mnchen-3ya.example", port: 80, target: "/",
            hostHeader: "xn--mnchen-3ya.example"),
        Case(
            text: "http://2130706433/", isTLS: false, host: "127.0.0.1", port: 80, target: "/", hostHeader: "127.0.0.1",
            literal: "127.0.0.1"),
        Case(
            text: "http://0x7f.1:8080", isTLS: false, host: "127.0.0.1", port: 8_080, target: "/",
            hostHeader: "127.0.0.1:8080", literal: "127.0.0.1"),
        Case(
            text: "http://017700000001.", isTLS: false, host: "127.0.0.1", port: 80, target: "/",
            hostHeader: "127.0.0.1", literal: "127.0.0.1"),
        Case(
            text: "https://[2001:DB8::1]:444", isTLS: true, host: "2001:db8::1", port: 444, target: "/",
            hostHeader: "[2001:db8::1]:444", literal: "2001:db8::1"),
        Case(
            text: "http://[::FFFF:10.0.0.1]/", isTLS: false, host: "10.0.0.1", port: 80, target: "/",
            hostHeader: "10.0.0.1", literal: "10.0.0.1"),
    ])
    func aURLIsReadInOneWay(expected: Case) throws {
        let url = try CallbackURL(expected.text)

        #expect(url.text == expected.text)
        #expect(url.isTLS == expected.isTLS)
        #expect(url.host == expected.host)
        #expect(url.port == expected.port)
        #expect(url.target == expected.target)
        #expect(url.hostHeader == expected.hostHeader)
        #expect(url.literal?.description == expected.literal)
    }

    @Test(
        arguments: [
            ("", .unsupportedScheme), ("example.com", .unsupportedScheme), ("//example.com", .unsupportedScheme),
            ("ftp://example.com", .unsupportedScheme), ("http:/example.com", .unsupportedScheme),
            ("file:///etc/passwd", .unsupportedScheme), ("javascript:alert(1)//://x", .unsupportedScheme),
            ("http://", .missingHost), ("http:///path", .missingHost), ("http://:80", .missingHost),
            ("http://.", .missingHost),
            ("http://user@host", .userInfo), ("http://user:pass@host", .userInfo), ("http://a@b@c", .userInfo),
            ("http://a.example\\@b.example", .invalidCharacter), ("http://a b", .invalidCharacter),
            (" http://a", .invalidCharacter),
            ("http://a/\r\nX-Evil: 1", .invalidCharacter), ("http://a/\u{0}", .invalidCharacter),
            ("http://a/\u{7f}", .invalidCharacter),
            ("http://m\u{fc}nchen.example", .internationalHost), ("http://\u{2460}.com", .internationalHost),
            ("http://a:0", .invalidPort), ("http://a:65536", .invalidPort), ("http://a:", .invalidPort),
            ("http://a:+80", .invalidPort),
            ("http://a:8o", .invalidPort), ("http://a:000080", .invalidPort), ("https://https://a", .invalidPort),
            ("http://a/%", .invalidPercentEncoding), ("http://a/%4", .invalidPercentEncoding),
            ("http://a/%zz", .invalidPercentEncoding),
            ("http://a?%g0", .invalidPercentEncoding),
        ] as [(String, CallbackURLError)])
    func whatCouldBeReadInTwoWaysIsRefused(text: String, error: CallbackURLError) {
        #expect(throws: error) { try CallbackURL(text) }
    }

    @Test(arguments: [
        "http://1.2.3.4.5", "http://256.256.256.256", "http://1.2.3.08", "http://a.0x1", "http://4294967296",
        "http://a..b", "http://..", "http://a!b", "http://%31.com", "http://[::1", "http://[::1]x", "http://[1.2.3.4]",
        "http://[fe80::1%25eth0]", "http://::1", "http://[]", "http://[::g]",
        "http://" + String(repeating: "a", count: 64) + ".com",
    ])
    func aHostThatIsNeitherNameNorAddressIsRefused(text: String) {
        let error = #expect(throws: CallbackURLError.self) { try CallbackURL(text) }

        guard case .invalidHost = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func the2048thByteIsTheLast() throws {
        let prefix = "http://example.com/"
        let longest = prefix + String(repeating: "a", count: 2_048 - prefix.utf8.count)

        #expect(try CallbackURL(longest).text == longest)
        #expect(throws: CallbackURLError.tooLong) { try CallbackURL(longest + "a") }
    }

    @Test func internationalHostsAreToldAboutPunycode() {
        #expect(CallbackURLError.internationalHost.description.contains("punycode"))
    }
}
