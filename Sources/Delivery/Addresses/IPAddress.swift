#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// An IPv4 or IPv6 address as a number.
///
/// IPv4-mapped IPv6 (`::ffff:a.b.c.d`) is always folded into the IPv4 address it means, because that is where the
/// kernel would connect: two spellings of one destination compare equal and are judged alike.
package struct IPAddress: Hashable, Sendable {
    /// The two address families.
    package enum Family: Hashable, Sendable {
        /// 32 bits.
        case v4
        /// 128 bits.
        case v6

        /// The number of bits in an address: 32 or 128.
        package var width: Int { self == .v4 ? 32 : 128 }
    }

    /// The family after folding.
    package let family: Family

    /// The address as an unsigned number in network order; an IPv4 address uses the low 32 bits.
    package let bits: UInt128

    /// Makes an IPv4 address of its 32 bits.
    package init(v4 bits: UInt32) {
        self.init(family: .v4, bits: UInt128(bits))
    }

    /// Makes an IPv6 address of its 128 bits, or the IPv4 address when it is IPv4-mapped.
    package init(v6 bits: UInt128) {
        if bits >> 32 == 0xFFFF {
            self.init(v4: UInt32(truncatingIfNeeded: bits))
        } else {
            self.init(family: .v6, bits: bits)
        }
    }

    /// Parses strict dotted-quad IPv4 or RFC 4291 IPv6 text, without brackets and without a zone; nil when it is
    /// neither.
    ///
    /// The looser spellings that `inet_aton` knows are ``init(legacyIPv4:)``.
    package init?(_ text: String) {
        if text.utf8.contains(UInt8(ascii: ":")) {
            var address = in6_addr()
            guard inet_pton(AF_INET6, text, &address) == 1 else { return nil }
            self.init(networkOrder: address)
        } else {
            var address = in_addr()
            guard inet_pton(AF_INET, text, &address) == 1 else { return nil }
            self.init(v4: UInt32(bigEndian: address.s_addr))
        }
    }

    /// Takes the address out of what the system's resolver returns; nil for other families.
    init?(_ address: UnsafePointer<sockaddr>) {
        switch Int32(clamping: address.pointee.sa_family) {
        case AF_INET:
            let v4 = UnsafeRawPointer(address).loadUnaligned(as: sockaddr_in.self)
            self.init(v4: UInt32(bigEndian: v4.sin_addr.s_addr))
        case AF_INET6:
            let v6 = UnsafeRawPointer(address).loadUnaligned(as: sockaddr_in6.self)
            self.init(networkOrder: v6.sin6_addr)
        default:
            return nil
        }
    }

    private init(family: Family, bits: UInt128) {
        self.family = family
        self.bits = bits
    }

    private init(networkOrder address: in6_addr) {
        self.init(v6: withUnsafeBytes(of: address) { UInt128(bigEndian: $0.loadUnaligned(as: UInt128.self)) })
    }

    /// The 4 or 16 bytes in network order.
    package var bytes: [UInt8] {
        (0..<family.width / 8).reversed().map { UInt8(truncatingIfNeeded: bits >> UInt128($0 * 8)) }
    }
}

extension IPAddress: CustomStringConvertible {
    /// The canonical text: a dotted quad, or RFC 5952 (lower case, the longest run of zeros compressed).
    package var description: String {
        switch family {
        case .v4: bytes.map(String.init).joined(separator: ".")
        case .v6: Self.format(groups: (0..<8).map { UInt16(truncatingIfNeeded: bits >> UInt128((7 - $0) * 16)) })
        }
    }

    private static func format(groups: [UInt16]) -> String {
        // RFC 5952, 4.2: the first of the longest runs of two zero groups or more becomes "::".
        var longest = 0..<0
        var start = 0
        while start < groups.count {
            let end = groups[start...].firstIndex { $0 != 0 } ?? groups.count
            if end - start > max(longest.count, 1) { longest = start..<end }
            start = end + 1
        }
        let text = { (part: ArraySlice<UInt16>) in part.map { String($0, radix: 16) }.joined(separator: ":") }
        guard !longest.isEmpty else { return text(groups[...]) }
        return text(groups[..<longest.lowerBound]) + "::" + text(groups[longest.upperBound...])
    }
}
