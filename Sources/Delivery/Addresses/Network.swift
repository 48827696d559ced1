/// A block of addresses in CIDR notation, such as `192.168.0.0/16` or `fd00::/8`.
package struct Network: Hashable, Sendable {
    /// The first address of the block.
    package let base: IPAddress

    /// How many leading bits are fixed: 0-32 or 0-128.
    package let prefixLength: Int

    /// Parses `address/length`, or a single address as the block that holds it alone.
    ///
    ///     try Network("192.168.0.0/16")
    ///
    /// - Throws: ``InvalidNetwork`` when the address or the length is malformed, or when bits beyond the prefix are
    ///   set: `10.1.2.3/8` is more likely a slip than a wish to open all of `10.0.0.0/8`.
    package init(_ text: String) throws(InvalidNetwork) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = IPAddress(String(parts[0])) else {
            throw InvalidNetwork(text: text, problem: "the part before the slash is not an IPv4 or IPv6 address")
        }
        let width = address.family.width
        guard parts.count == 2 else {
            self.init(base: address, prefixLength: width)
            return
        }
        let digits = parts[1]
        guard let length = Int(digits), (0...width).contains(length), String(length) == digits else {
            throw InvalidNetwork(text: text, problem: "the prefix length must be a number from 0 to \(width)")
        }
        self.init(base: address, prefixLength: length)
        guard base == address else {
            throw InvalidNetwork(text: text, problem: "bits beyond the prefix are set; did you mean \(self)?")
        }
    }

    /// Makes the block of the given length that holds an address; a length beyond the family's width is cut to it.
    package init(base: IPAddress, prefixLength: Int) {
        let width = base.family.width
        self.prefixLength = min(max(prefixLength, 0), width)
        let hostBits = UInt128(width - self.prefixLength)
        // `>>` and `<<` of Swift are smart shifts: by 128 they give zero.
        let bits = (base.bits >> hostBits) << hostBits
        self.base = base.family == .v4 ? IPAddress(v4: UInt32(truncatingIfNeeded: bits)) : IPAddress(v6: bits)
    }

    /// Whether an address lies in the block; never true across families.
    package func contains(_ address: IPAddress) -> Bool {
        guard address.family == base.family else { return false }
        return (address.bits ^ base.bits) >> UInt128(base.family.width - prefixLength) == 0
    }
}

extension Network: CustomStringConvertible {
    /// The CIDR text, as in `10.0.0.0/8`.
    package var description: String { "\(base)/\(prefixLength)" }
}

/// Why a text is not a CIDR block.
package struct InvalidNetwork: Error, Hashable, CustomStringConvertible {
    /// The text that was refused.
    package let text: String

    /// What is wrong with it.
    package let problem: String

    /// One sentence for the operator.
    package var description: String {
        "\"\(text)\" is not a network in CIDR notation such as 192.168.0.0/16: \(problem)."
    }
}
