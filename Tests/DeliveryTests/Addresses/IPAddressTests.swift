import Testing

@testable import Delivery

@Suite struct IPAddressTests {
    @Test(arguments: [
        ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"), ("192.0.2.1", "192.0.2.1"),
        ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
        ("fe80:0:0:0:0:0:0:0", "fe80::"),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ])
    func textIsParsedAndWrittenCanonically(text: String, canonical: String) {
        #expect(IPAddress(text)?.description == canonical)
    }

    @Test(arguments: ["::ffff:10.0.0.1", "::FFFF:a00:1", "0:0:0:0:0:ffff:0a00:0001"])
    func mappedAddressesFoldIntoIPv4(text: String) {
        #expect(IPAddress(text) == IPAddress("10.0.0.1"))
        #expect(IPAddress(text)?.family == .v4)
    }

    @Test func neighboursOfTheMappedPrefixStayIPv6() {
        #expect(IPAddress("::fffe:10.0.0.1")?.family == .v6)
        #expect(IPAddress("::10.0.0.1")?.family == .v6)
        #expect(IPAddress("::ffff:0:10.0.0.1")?.family == .v6)
    }

    @Test(arguments: [
        "", " ", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", "[::1]", "::1%eth0", ":::", "g::",
        "1:2:3:4:5:6:7:8:9",
    ])
    func otherTextIsNotAnAddress(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test func bytesAreInNetworkOrder() {
        #expect(IPAddress("1.2.3.4")?.bytes == [1, 2, 3, 4])
        #expect(IPAddress("102::f")?.bytes == [1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 15])
    }

    @Test(
        arguments: [
            ("2130706433", "127.0.0.1"), ("0x7f.1", "127.0.0.1"), ("017700000001", "127.0.0.1"), ("127.1", "127.0.0.1"),
            ("0X7F000001", "127.0.0.1"), ("0177.0.0.01", "127.0.0.1"), ("127.0.1", "127.0.0.1"), ("0", "0.0.0.0"),
            ("0x", "0.0.0.0"), ("4294967295", "255.255.255.255"), ("1.16777215", "1.255.255.255"),
            ("1.2.65535", "1.2.255.255"), ("0xa9fe.0xa9fe", nil), ("169.0xfea9fe", "169.254.169.254"),
            ("4294967296", nil), ("1.16777216", nil), ("1.2.65536", nil), ("1.2.3.256", nil), ("256.1", nil),
            ("1.2.3.4.5", nil), ("08", nil), ("0xg", nil), ("+1", nil), ("-1", nil), ("0x-1", nil), ("1..2", nil),
            ("", nil),
            ("99999999999999999999999999", nil),
        ] as [(String, String?)])
    func legacySpellingsMeanWhatInetAtonSays(text: String, meaning: String?) {
        #expect(IPAddress(legacyIPv4: text)?.description == meaning)
    }
}
