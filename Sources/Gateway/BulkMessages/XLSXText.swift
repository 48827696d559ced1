import Wire

/// Text in the parts of a workbook (ST_Xstring, ECMA-376 part 1, section 22.9.2.19).
enum XLSXText {
    /// Reads `_xHHHH_`, which stands for a UTF-16 unit that XML cannot hold: `_x000D_` is a carriage return, `_x005F_` an
    /// underscore. What is half a character becomes U+FFFD, and so does NUL.
    static func decoded(_ text: String) -> String {
        let bytes = Array(text.utf8)
        guard bytes.contains(UInt8(ascii: "_")) else { return text.storable }
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var units: [UInt16] = []
        var index = 0
        func flush() {
            decoded += String(decoding: units, as: UTF16.self).utf8
            units = []
        }
        while index < bytes.count {
            if let unit = unit(in: bytes[index...].prefix(7)) {
                units.append(unit)
                index += 7
            } else {
                if !units.isEmpty { flush() }
                decoded.append(bytes[index])
                index += 1
            }
        }
        flush()
        return String(decoding: decoded, as: UTF8.self).storable
    }

    private static func unit(in bytes: ArraySlice<UInt8>) -> UInt16? {
        guard bytes.count == 7, bytes.starts(with: "_x".utf8), bytes.last == UInt8(ascii: "_") else { return nil }
        let digits = bytes.dropFirst(2).dropLast()
        guard digits.allSatisfy({ ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x66) || (0x30...0x39).contains($0) }) else {
            return nil
        }
        return UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
    }
}
