import Testing

@testable import Delivery

@Suite struct NetworkTests {
    @Test(arguments: [
        ("10.0.0.0/8", "10.255.255.255", true), ("10.0.0.0/8", "11.0.0.0", false),
        ("10.0.0.0/8", "9.255.255.255", false),
        ("0.0.0.0/0", "255.255.255.255", true), ("0.0.0.0/0", "::1", false), ("192.0.2.7/32", "192.0.2.7", true),
        ("192.0.2.7/32", "192.0.2.6", false), ("192.0.2.7", "192.0.2.7", true), ("192.0.2.7", "192.0.2.8", false),
        ("fd00::/8", "fdff::1", true), ("fd00::/8", "fe00::", false), ("::/0", "ffff::", true),
        ("::/0", "1.2.3.4", false),
        ("::1", "::1", true), ("::1/128", "::", false), ("::ffff:10.0.0.0/8", "10.2.3.4", true),
    ])
    func aBlockHoldsItsAddressesAndNoOthers(network: String, address: String, isInside: Bool) throws {
        let network = try Network(network)
        let address = try #require(IPAddress(address))

        #expect(network.contains(address) == isInside)
    }

    @Test(arguments: [
        ("", "not an IPv4 or IPv6 address"), ("/8", "not an IPv4 or IPv6 address"),
        ("10/8", "not an IPv4 or IPv6 address"),
        ("10.0.0.0/", "number from 0 to 32"), ("10.0.0.0/33", "number from 0 to 32"),
        ("::/129", "number from 0 to 128"),
        ("10.0.0.0/-1", "number from 0 to 32"), ("10.0.0.0/08", "number from 0 to 32"),
        ("10.0.0.0/8/8", "number from 0 to 32"), ("10.1.2.3/8", "did you mean 10.0.0.0/8?"),
        ("fd00::1/8", "did you mean fd00::/8?"),
        ("localhost/8", "not an IPv4 or IPv6 address"),
    ])
    func aSlipIsRefusedWithAReason(text: String, reason: String) {
        let error = #expect(throws: InvalidNetwork.self) { try Network(text) }

        #expect(error?.description.contains(reason) == true, "\(error?.description ?? "nothing thrown")")
    }
}
