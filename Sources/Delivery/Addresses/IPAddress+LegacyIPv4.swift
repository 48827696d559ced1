extension IPAddress {
    /// Parses the IPv4 spellings that `inet_aton` and browsers accept: one to four parts, each decimal, octal (`0…`)
    /// or hexadecimal (`0x…`), the last filling the bytes that remain. Nil when the text is not such a number.
    ///
    /// | text | address |
    /// |---|---|
    /// | `2130706433`, `0x7f.1`, `017700000001`, `127.1` | 127.0.0.1 |
    /// | `0` | 0.0.0.0 |
    /// | `256.1.1.1`, `1.2.3.4.5`, `08.0.0.1` | nil |
    package init?(legacyIPv4 text: some StringProtocol) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...4).contains(parts.count) else { return nil }
        var value: UInt64 = 0
        for part in parts.dropLast() {
            guard let number = Self.legacyNumber(part), number <= 0xFF else { return nil }
            value = (value << 8) | number
        }
        let remainingBits = UInt64(8 * (5 - parts.count))
        guard let last = Self.legacyNumber(parts[parts.count - 1]), last >> remainingBits == 0 else { return nil }
        self.init(v4: UInt32(clamping: (value << remainingBits) | last))
    }

    /// Whether a host must be read as an IPv4 number or not at all: its last label is all digits or hexadecimal.
    ///
    /// The rule is "ends in a number" of the WHATWG URL standard; without it `1.2.3.4.5` would be looked up as a name.
    static func endsInNumber(_ host: some StringProtocol) -> Bool {
        guard let last = host.split(separator: ".", omittingEmptySubsequences: false).last, !last.isEmpty else {
            return false
        }
        return last.utf8.allSatisfy { isDigit($0) } || legacyNumber(last) != nil
    }

    private static func legacyNumber(_ part: some StringProtocol) -> UInt64? {
        let isHexadecimal = part.hasPrefix("0x") || part.hasPrefix("0X")
        let isOctal = !isHexadecimal && part.count > 1 && part.hasPrefix("0")
        let digits = part.dropFirst(isHexadecimal ? 2 : 0)
        // A bare "0x" is zero to browsers; `UInt64(_:radix:)` alone would also take a sign.
        guard !digits.isEmpty else { return isHexadecimal ? 0 : nil }
        guard let first = digits.utf8.first, first != UInt8(ascii: "+"), first != UInt8(ascii: "-") else { return nil }
        // Larger than any address, so that a number beyond 64 bits is refused like one beyond 32.
        return UInt64(digits, radix: isHexadecimal ? 16 : isOctal ? 8 : 10)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
