import Testing

@testable import Delivery

@Suite struct HostsFileTests {
    private static let text = """
        # comment one.test
        127.0.0.1\tlocalhost   One.test # hidden.test
          10.0.0.2 two.test
        fe80::1%eth0 zoned.test
        ::1 one.test ip6-localhost
        10.0.0.3 prefix-one.test one.test-suffix xone.test
        not-an-address bad.test
        10.0.0.4\ttwo.test\t10.0.0.9\r
        10.0.0.5 last.test
        """

    @Test(
        arguments: [
            ("localhost", ["127.0.0.1"]), ("one.test", ["127.0.0.1", "::1"]), ("two.test", ["10.0.0.2", "10.0.0.4"]),
            ("hidden.test", []), ("bad.test", []), ("zoned.test", []), ("test", []), ("ne.test", []), ("", []),
            ("127.0.0.1", []), ("last.test", ["10.0.0.5"]), ("prefix-one.test", ["10.0.0.3"]), ("comment", []),
        ] as [(String, [String])])
    func aNameHasTheAddressesOfItsLines(name: String, addresses: [String]) {
        let file = HostsFile(Array(Self.text.utf8))

        #expect(file.addresses(of: name, limit: 10).map(\.description) == addresses)
    }

    @Test func noMoreThanTheLimitAreGiven() {
        let file = HostsFile(Array((0..<2_000).map { "10.0.\($0 / 256).\($0 % 256) many.test\n" }.joined().utf8))

        #expect(file.addresses(of: "many.test", limit: 100).count == 100)
    }

    @Test func aFileThatIsNotThereHasNoNames() {
        #expect(HostsFile(path: "/nonexistent/hosts").addresses(of: "localhost", limit: 1).isEmpty)
        #expect(HostsFile(path: "/").addresses(of: "localhost", limit: 1).isEmpty)
    }

    @Test(
        arguments: [
            String(repeating: "a.test ", count: 20_000), "10.0.0.1 " + String(repeating: "xa.test ", count: 20_000),
            "10.0.0.1 " + String(repeating: " ", count: 100_000) + "# " + String(repeating: "a.test ", count: 20_000),
            String(repeating: "\0", count: 100_000), String(repeating: "a.test\n", count: 20_000),
            String(repeating: " ", count: 100_000) + "a.test",
        ])
    func garbageHasNoNames(text: String) {
        #expect(HostsFile(Array(text.utf8)).addresses(of: "a.test", limit: 10).isEmpty)
    }
}
