import JSON

/// Looking for something in texts of any size that anybody may send.
///
/// Not `contains` and `replacing` of the standard library, which look by characters: where one ends in a row of flags, for
/// example, depends on all flags before, so that 900 kB of them took seconds.
extension StringProtocol {
    /// Whether the bytes of `text` occur.
    package func hasBytes(_ text: String) -> Bool { utf8.firstRange(of: text.utf8) != nil }

    /// With `other` in place of the bytes of `text`, wherever they are. Looks at each byte once for each byte of `text` at most.
    package func replacingBytes(_ text: String, with other: String) -> String {
        let (bytes, searched) = (Array(utf8), Array(text.utf8))
        guard let first = searched.first else { return String(self) }
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            if bytes[index] == first, bytes[index...].starts(with: searched) {
                result += other.utf8
                index += searched.count
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// The first `count` Unicode scalars: what is one character to the eye may have any number of them.
    package func firstScalars(_ count: Int) -> String { String(String.UnicodeScalarView(unicodeScalars.prefix(count))) }

    /// As text of strangers is taken in, before it is compared or stored: with U+FFFD for NUL, which PostgreSQL cannot
    /// store, and with its runs of marks broken, see ``StreamSafeText``.
    package var storable: String {
        let text = StreamSafeText.made(of: self)
        guard text.utf8.contains(0) else { return text }
        var scalars = String.UnicodeScalarView()
        scalars.append(contentsOf: text.unicodeScalars.lazy.map { $0 == "\0" ? "\u{FFFD}" : $0 })
        return String(scalars)
    }
}

extension String {
    /// The first `count` bytes of UTF-8, and up to three fewer where a scalar would be cut. Looks at nothing behind them.
    package func firstBytes(_ count: Int) -> String {
        guard var end = utf8.index(startIndex, offsetBy: count, limitedBy: endIndex), end < endIndex else {
            return String(self)
        }
        // Of a scalar, all bytes but the first begin with the bits 10.
        while end > startIndex, utf8[end] & 0xC0 == 0x80 { utf8.formIndex(before: &end) }
        return String(self[startIndex..<end])
    }
}
