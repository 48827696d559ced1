/// A block that is not public unicast, and what it is for.
struct SpecialPurposeNetwork: Sendable {
    let network: Network
    let purpose: String

    init(_ bits: UInt32, _ prefixLength: Int, _ purpose: String) {
        network = Network(base: IPAddress(v4: bits), prefixLength: prefixLength)
        self.purpose = purpose
    }

    init(v6 bits: UInt128, _ prefixLength: Int, _ purpose: String) {
        network = Network(base: IPAddress(v6: bits), prefixLength: prefixLength)
        self.purpose = purpose
    }
}

extension SpecialPurposeNetwork {
    /// Every IPv4 block that is not public unicast: the IANA IPv4 Special-Purpose Address Registry without its three
    /// globally reachable entries (192.31.196.0/24, 192.52.193.0/24, 192.175.48.0/24), plus multicast.
    static let v4: [SpecialPurposeNetwork] =
        [
            .init(0x0000_0000, 8, "this network (RFC 791)"),
            .init(0x0A00_0000, 8, "private use (RFC 1918)"),
            .init(0x6440_0000, 10, "shared address space of carriers (RFC 6598)"),
            .init(0x7F00_0000, 8, "loopback (RFC 1122)"),
            .init(0xA9FE_0000, 16, "link local, cloud metadata (RFC 3927)"),
            .init(0xAC10_0000, 12, "private use (RFC 1918)"),
            .init(0xC000_0000, 24, "IETF protocol assignments (RFC 6890)"),
            .init(0xC000_0200, 24, "documentation (RFC 5737)"),
            .init(0xC058_6300, 24, "deprecated 6to4 relay anycast (RFC 7526)"),
            .init(0xC0A8_0000, 16, "private use (RFC 1918)"),
            .init(0xC612_0000, 15, "benchmarking (RFC 2544)"),
            .init(0xC633_6400, 24, "documentation (RFC 5737)"),
            .init(0xCB00_7100, 24, "documentation (RFC 5737)"),
            .init(0xE000_0000, 4, "multicast (RFC 5771)"),
            .init(0xF000_0000, 4, "reserved, limited broadcast (RFC 1112, RFC 919)"),
        ] + platforms

    /// Blocks that look public and are answered by the platform that a server runs on, from inside only. All other
    /// metadata services have link-local, shared or unique local addresses, which are refused as such.
    private static let platforms: [SpecialPurposeNetwork] = [
        .init(0xA83F_8110, 32, "the platform of Microsoft Azure"),
        .init(0xA11A_0000, 16, "services inside of IBM Cloud"),
        .init(0xA608_0000, 14, "service endpoints inside of IBM Cloud"),
        .init(0xC050_087C, 32, "metadata of Equinix Metal"),
        .init(0xC724_9904, 30, "restricted Google APIs inside of Google Cloud"),
        .init(0xC724_9908, 30, "private Google APIs inside of Google Cloud"),
    ]

    /// The IPv6 blocks inside 2000::/3 that are not public unicast (IANA IPv6 Special-Purpose Address Registry).
    ///
    /// 2001::/23 holds Teredo, ORCHID, benchmarking and protocol anycast; 6to4 (2002::/16) is refused whole although
    /// some of it embeds public IPv4, since RFC 7526 retired its relays and no receiver lives there.
    static let v6: [SpecialPurposeNetwork] = [
        .init(v6: 0x2001 << 112, 23, "IETF protocol assignments, Teredo (RFC 2928, RFC 4380)"),
        .init(v6: 0x2001_0DB8 << 96, 32, "documentation (RFC 3849)"),
        .init(v6: 0x2002 << 112, 16, "6to4, which embeds an IPv4 address (RFC 3056)"),
        .init(v6: 0x3FFF << 112, 20, "documentation (RFC 9637)"),
    ]

    /// Blocks outside 2000::/3 that deserve a better reason than "not global unicast". All of it is refused anyway.
    static let v6OutsideGlobalUnicast: [SpecialPurposeNetwork] = [
        .init(v6: 0, 128, "unspecified address (RFC 4291)"),
        .init(v6: 1, 128, "loopback (RFC 4291)"),
        .init(v6: 0x0064_FF9B_0001 << 80, 48, "local IPv4/IPv6 translation (RFC 8215)"),
        .init(v6: 0x0100 << 112, 64, "discard only (RFC 6666)"),
        .init(v6: 0x5F00 << 112, 16, "segment routing identifiers (RFC 9602)"),
        .init(v6: 0xFC00 << 112, 7, "unique local (RFC 4193)"),
        .init(v6: 0xFE80 << 112, 10, "link local (RFC 4291)"),
        .init(v6: 0xFEC0 << 112, 10, "site local, deprecated (RFC 3879)"),
        .init(v6: 0xFF00 << 112, 8, "multicast (RFC 4291)"),
    ]

    /// Whether the interface identifier is that of ISATAP, `[02]00:5efe` and an IPv4 address (RFC 5214, 6.1): a host with
    /// such an interface connects to that IPv4 address, whatever the prefix.
    static func isISATAP(_ address: IPAddress) -> Bool {
        let marker = UInt32(truncatingIfNeeded: address.bits >> 32)
        return marker & ~0x0200_0000 == 0x0000_5EFE
    }

    /// 2000::/3, the only IPv6 space that IANA hands out for global unicast.
    static let globalUnicast = Network(base: IPAddress(v6: 0x2000 << 112), prefixLength: 3)

    /// 64:ff9b::/96, the well-known NAT64 prefix (RFC 6052): a translator connects to the IPv4 in the low 32 bits.
    static let wellKnownNAT64 = Network(base: IPAddress(v6: 0x0064_FF9B << 96), prefixLength: 96)

    /// What no configuration opens: the kernel takes the unspecified address for this host, and nothing answers HTTP
    /// at a multicast or broadcast address.
    static let neverTargets: [SpecialPurposeNetwork] = [
        .init(0x0000_0000, 32, "unspecified address, which means this host"),
        .init(0xE000_0000, 4, "multicast (RFC 5771)"),
        .init(0xFFFF_FFFF, 32, "limited broadcast (RFC 919)"),
        .init(v6: 0, 128, "unspecified address, which means this host"),
        .init(v6: 0xFF00 << 112, 8, "multicast (RFC 4291)"),
    ]
}
