import Timestamps

extension JSONWriter {
    /// Writes text in quotes, escaped as Go's `encoding/json` does with its HTML escaping on.
    ///
    /// Escaped are `"`, `\`, everything below U+0020, `<`, `>`, `&`, U+2028 and U+2029; text stays UTF-8 otherwise.
    package mutating func string(_ value: String) {
        var value = value
        bytes.append(0x22)
        value.withUTF8 { utf8 in
            var start = 0
            var index = 0
            while index < utf8.count {
                let byte = utf8[index]
                guard Self.mayNeedEscape(byte) else {
                    index += 1
                    continue
                }
                // U+2028 and U+2029 are E2 80 A8 and E2 80 A9; what else begins with E2 passes.
                if byte == 0xE2 {
                    guard index + 2 < utf8.count, utf8[index + 1] == 0x80, utf8[index + 2] & 0xFE == 0xA8 else {
                        index += 1
                        continue
                    }
                    bytes.append(contentsOf: UnsafeBufferPointer(rebasing: utf8[start..<index]))
                    text(utf8[index + 2] == 0xA8 ? #"\u2028"# : #"\u2029"#)
                    index += 3
                } else {
                    bytes.append(contentsOf: UnsafeBufferPointer(rebasing: utf8[start..<index]))
                    escape(byte)
                    index += 1
                }
                start = index
            }
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: utf8[start...]))
        }
        bytes.append(0x22)
    }

    /// Writes a whole number in decimal.
    package mutating func integer(_ value: some FixedWidthInteger) {
        if value < 0 { bytes.append(0x2D) }  // -
        digits(UInt64(value.magnitude))
    }

    /// Writes `true` or `false`.
    package mutating func boolean(_ value: Bool) {
        text(value ? "true" : "false")
    }

    /// Writes RFC 3339 text in UTC with up to six digits of a second, trailing zeros removed.
    package mutating func timestamp(_ value: Timestamp) {
        var text = value.rfc3339
        bytes.append(0x22)
        text.withUTF8 { bytes.append(contentsOf: $0) }
        bytes.append(0x22)
    }

    mutating func digits(_ value: UInt64) {
        // 20 digits hold UInt64.max.
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { buffer in
            var rest = value
            var start = 20
            repeat {
                start -= 1
                buffer.initializeElement(at: start, to: UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
                rest /= 10
            } while rest > 0
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: buffer[start...]))
        }
    }

    private static func mayNeedEscape(_ byte: UInt8) -> Bool {
        switch byte {
        case 0..<0x20, UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "<"), UInt8(ascii: ">"),
            UInt8(ascii: "&"), 0xE2:
            true
        default:
            false
        }
    }

    private mutating func escape(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): text(#"\""#)
        case UInt8(ascii: "\\"): text(#"\\"#)
        case UInt8(ascii: "\n"): text(#"\n"#)
        case UInt8(ascii: "\r"): text(#"\r"#)
        case UInt8(ascii: "\t"): text(#"\t"#)
        default:
            text(#"\u00"#)
            for nibble in [byte >> 4, byte & 0xF] {
                bytes.append(nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") - 10 + nibble)
            }
        }
    }
}

extension String {
    /// The most bytes that the text takes as JSON, in quotes: known without writing it. Looks at each byte once.
    package var longestJSON: Int {
        var count = 2
        for byte in utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): count += 2
            // U+2028 and U+2029 begin with E2, as other scalars do.
            case 0..<0x20, UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"), 0xE2: count += 6
            default: count += 1
            }
        }
        return count
    }
}
