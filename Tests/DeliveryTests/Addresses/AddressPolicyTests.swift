import Synchronization
import Testing

@testable import Delivery

@Suite struct AddressPolicyTests {
    @Test(arguments: [
        "1.0.0.0", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
        "128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.0",
        "192.0.1.255", "192.0.3.0", "192.88.98.255", "192.88.100.0", "192.167.255.255", "192.169.0.0", "198.17.255.255",
        "198.20.0.0", "198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0", "223.255.255.255",
        "168.63.129.15", "168.63.129.17", "161.25.255.255",
        "161.27.0.0", "166.7.255.255", "166.12.0.0", "192.80.8.123", "199.36.153.3", "199.36.153.12",
        "2a00:1450::5eff:808:808",
        "2000::", "2001:200::", "2001:db7:ffff::", "2001:db9::", "2003::", "2a00:1450::1", "3ffe:ffff::", "3fff:1000::",
        "64:ff9b::8.8.8.8", "::ffff:8.8.8.8",
    ])
    func publicUnicastIsAllowed(text: String) throws {
        let address = try #require(IPAddress(text))

        #expect(throws: Never.self) { try AddressPolicy().check(address, port: 443) }
    }

    @Test(arguments: [
        "0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1",
        "127.255.255.255", "169.254.0.0", "169.254.169.254", "172.16.0.0", "172.31.255.255", "192.0.0.0", "192.0.0.255",
        "192.0.2.0", "192.0.2.255", "192.88.99.0", "192.88.99.255", "192.168.0.0", "192.168.255.255", "198.18.0.0",
        "198.19.255.255", "198.51.100.0", "198.51.100.255", "203.0.113.0", "203.0.113.255", "224.0.0.0",
        "239.255.255.255", "240.0.0.0", "255.255.255.254", "255.255.255.255", "168.63.129.16", "161.26.0.10",
        "166.8.0.1", "166.11.255.255", "192.80.8.124", "199.36.153.4", "199.36.153.11", "100.100.100.200",
        "64:ff9b::168.63.129.16", "fd00:ec2::254", "fd20:ce::254", "2a00:1450::5efe:8.8.8.8",
        "2a00:1450::200:5efe:10.0.0.1",
        "::", "::1", "::2", "::8.8.8.8", "::ffff:0:8.8.8.8", "::ffff:127.0.0.1", "64:ff9b::10.0.0.1",
        "64:ff9b::127.0.0.1", "64:ff9b:0:0:0:1::", "64:ff9b:1::8.8.8.8", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "100::",
        "100::1", "100:0:0:1::", "1fff:ffff::", "2001::", "2001::1", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001:db8::",
        "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2002::", "2002:0a00:0001::1", "2002:808:808::1", "2002:ffff::",
        "3fff::", "3fff:fff:ffff::", "4000::", "5f00::", "5f00:ffff::", "fbff::", "fc00::", "fd00::1", "fdff::",
        "fe00::", "fe80::1", "febf::", "fec0::", "feff::", "ff00::", "ff02::1",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    ])
    func everythingElseIsBlocked(text: String) throws {
        let address = try #require(IPAddress(text))

        #expect(throws: BlockedAddress.self) { try AddressPolicy().check(address, port: 443) }
    }

    @Test func anAllowedNetworkOpensItselfAndNothingBesides() throws {
        let policy = AddressPolicy(allowedNetworks: [try Network("192.168.0.0/16"), try Network("fd00::/8")])

        #expect(throws: Never.self) { try policy.check(IPAddress(v4: 0xC0A8_0101), port: 80) }
        #expect(throws: Never.self) { try policy.check(#require(IPAddress("fd00::1")), port: 80) }
        #expect(throws: Never.self) { try policy.check(#require(IPAddress("64:ff9b::192.168.1.1")), port: 80) }
        #expect(throws: BlockedAddress.self) { try policy.check(#require(IPAddress("10.0.0.1")), port: 80) }
        #expect(throws: BlockedAddress.self) { try policy.check(#require(IPAddress("fc00::1")), port: 80) }
    }

    @Test(arguments: ["0.0.0.0", "::", "224.0.0.1", "255.255.255.255", "ff02::1"])
    func whatCannotBeAReceiverStaysBlockedWhenEverythingIsAllowed(text: String) throws {
        let policy = AddressPolicy(allowedNetworks: [try Network("0.0.0.0/0"), try Network("::/0")])
        let address = try #require(IPAddress(text))

        #expect(throws: BlockedAddress.self) { try policy.check(address, port: 80) }
    }

    @Test func thisServerIsNeverATargetEvenInsideAnAllowedNetwork() throws {
        let own = try #require(IPAddress("127.0.0.1"))
        let policy = AddressPolicy(
            allowedNetworks: [try Network("127.0.0.0/8")],
            ownAddresses: OwnAddress.listening(on: own, port: 9_090, interfaces: []))

        #expect(throws: BlockedAddress(address: own, port: 9_090, reason: .ownAddress)) {
            try policy.check(own, port: 9_090)
        }
        #expect(throws: BlockedAddress.self) { try policy.check(#require(IPAddress("::ffff:127.0.0.1")), port: 9_090) }
        #expect(throws: Never.self) { try policy.check(own, port: 9_091) }
        #expect(throws: Never.self) { try policy.check(#require(IPAddress("127.0.0.2")), port: 9_090) }
    }

    @Test(arguments: ["0.0.0.0", "::"])
    func aWildcardListenerIsReachedThroughLoopbackAndEveryInterface(wildcard: String) throws {
        let interface = try #require(IPAddress("192.168.1.5"))
        let own = OwnAddress.listening(on: try #require(IPAddress(wildcard)), port: 80, interfaces: [interface])
        let policy = AddressPolicy(
            allowedNetworks: [try Network("0.0.0.0/0"), try Network("::/0")], ownAddresses: own)

        for text in ["127.0.0.1", "127.9.9.9", "::1", "192.168.1.5"] {
            #expect(throws: BlockedAddress.self) { try policy.check(#require(IPAddress(text)), port: 80) }
        }
        #expect(throws: Never.self) { try policy.check(#require(IPAddress("192.168.1.6")), port: 80) }
    }

    @Test func theSystemReportsItsLoopbackInterface() throws {
        #expect(try OwnAddress.localInterfaces().contains(IPAddress(v4: 0x7F00_0001)))
    }

    @Test func theReasonNamesTheBlock() throws {
        let error = #expect(throws: BlockedAddress.self) {
            try AddressPolicy().check(IPAddress(v4: 0xA9FE_A9FE), port: 80)
        }

        #expect(
            error?.description
                == "169.254.169.254 is not a public address: link local, cloud metadata (RFC 3927)")
    }

    @Test(arguments: ["93.184.216.34", "2a00:1450::7", "::ffff:93.184.216.34", "64:ff9b::93.184.216.34"])
    func whoMayReachPublicAddressesOnlyReachesNoPortOfThisMachine(text: String) throws {
        let address = try #require(IPAddress(text))
        let machine = LocalAddresses { [IPAddress(v4: 0x5DB8_D822), IPAddress(v6: 0x2A00_1450 << 96 | 7)] }
        let policy = AddressPolicy(allowedNetworks: [try Network("0.0.0.0/0")], machine: machine)

        for port in [80, 443, 5_432, 65_535] {
            #expect(throws: Never.self) { try policy.check(address, port: port) }
            #expect(throws: BlockedAddress.self) { try policy.publicOnly.check(address, port: port) }
        }
        #expect(throws: Never.self) { try policy.publicOnly.check(IPAddress(v4: 0x0808_0808), port: 80) }
    }

    @Test func anAddressThatAnInterfaceGetsLaterIsRefusedToo() throws {
        let addresses = Mutex<[IPAddress]>([])
        let machine = LocalAddresses(interval: .zero) { addresses.withLock { $0 } }
        let policy = AddressPolicy(machine: machine).publicOnly
        let address = IPAddress(v4: 0x5DB8_D822)

        #expect(throws: Never.self) { try policy.check(address, port: 80) }
        addresses.withLock { $0 = [address] }
        #expect(throws: BlockedAddress.self) { try policy.check(address, port: 80) }
    }

    @Test func interfacesAreReadOnceInAWhileHoweverManyAsk() throws {
        let reads = Mutex(0)
        let machine = LocalAddresses {
            reads.withLock { $0 += 1 }
            return []
        }

        for _ in 0..<1_000 { #expect(!machine.contains(IPAddress(v4: 1))) }

        #expect(reads.withLock { $0 } == 1)
    }

    @Test func interfacesThatCannotBeReadLetNobodyIn() throws {
        struct Refused: Error {}
        let policy = AddressPolicy(machine: LocalAddresses { throw Refused() })

        #expect(throws: BlockedAddress.self) { try policy.publicOnly.check(IPAddress(v4: 0x0808_0808), port: 80) }
        #expect(throws: Never.self) { try policy.check(IPAddress(v4: 0x0808_0808), port: 80) }
    }

    @Test(arguments: ["10.20.30.40", "127.0.0.1", "93.184.216.34", "fd00::7"])
    func whoMayReachPublicAddressesOnlyIsNotToldTheAddressOfAName(text: String) throws {
        let address = try #require(IPAddress(text))
        let own = OwnAddress(network: try Network("127.0.0.1/32"), port: 80)
        let policy = AddressPolicy(ownAddresses: [own], machine: LocalAddresses { [IPAddress(v4: 0x5DB8_D822)] })
        let url = try CallbackURL("http://internal.corp/")

        let told = #expect(throws: BlockedAddress.self) { try policy.publicOnly.check(address, for: url) }

        #expect(told?.description == "the host has an address that webhooks of this account may not reach")
        let literal = try CallbackURL("http://\(address.family == .v6 ? "[\(text)]" : text)/")
        let typed = #expect(throws: BlockedAddress.self) { try policy.publicOnly.check(address, for: literal) }
        #expect(typed?.description.contains(text) == true)
    }
}
