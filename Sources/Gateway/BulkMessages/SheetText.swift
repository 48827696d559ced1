/// The text of a CSV file as UTF-8, whatever its bytes were: UTF-8, UTF-16 or Windows-1252.
///
/// What is not text in its encoding becomes bytes that are not UTF-8. So whoever takes the text apart finds them, and can say
/// in which row.
package struct SheetText: Sendable {
    /// How the file was written.
    package enum Encoding: String, Sendable {
        case utf8 = "UTF-8"
        case utf16 = "UTF-16"
        case windows1252 = "Windows-1252"
    }

    /// The text, without a byte order mark.
    let bytes: ArraySlice<UInt8>
    let encoding: Encoding
    /// How many bytes were looked at: at most three for each of the file.
    let bytesExamined: Int

    /// Reads `file`, of which its sender says that it is in `charset`; nil when nobody says so.
    ///
    /// - Throws: ``BulkUploadErrors`` when it is in no encoding of those.
    init(_ file: ArraySlice<UInt8>, charset: String?) throws(BulkUploadErrors) {
        let first = Array(file.prefix(4))
        let isMarked = first.starts(with: [0xef, 0xbb, 0xbf])
        if first.starts(with: [0xff, 0xfe, 0, 0]) || first.starts(with: [0, 0, 0xfe, 0xff]) {
            throw .file("The file is in UTF-32. Save it as CSV UTF-8.")
        } else if let isBigEndian = Self.byteOrder(first) {
            let isBare = ![[0xff, 0xfe], [0xfe, 0xff]].contains(Array(first.prefix(2)))
            bytes = Self.utf8(ofUTF16: isBare ? file : file.dropFirst(2), isBigEndian: isBigEndian)[...]
            (encoding, bytesExamined) = (.utf16, file.count)
        } else if let charset, !isMarked, !Self.known.contains(charset) {
            throw .file("The file is in \(BulkUpload.shown(charset)). Save it as CSV UTF-8.")
        } else {
            let text = isMarked ? file.dropFirst(3) : file
            let facts = UTF8Facts(text)
            // One emoji that was cut does not make a Windows file of a UTF-8 file.
            if isMarked || facts.damaged == 0 || facts.sequences >= facts.damaged {
                (bytes, encoding, bytesExamined) = (text, .utf8, text.count)
            } else if Windows1252.isLikely(text) || charset.map(Self.western.contains) == true {
                bytes = Windows1252.utf8(text)[...]
                (encoding, bytesExamined) = (.windows1252, 3 * text.count)
            } else {
                throw .file("The file is neither in UTF-8 nor in Windows-1252. Save it as CSV UTF-8.")
            }
        }
    }

    /// Whether a file is UTF-16, and if so, in big-endian order: told by its mark, or by a header that begins with an ASCII
    /// letter, of which one byte is zero.
    private static func byteOrder(_ first: [UInt8]) -> Bool? {
        guard first.count >= 2 else { return nil }
        switch (first[0], first[1]) {
        case (0xff, 0xfe): return false
        case (0xfe, 0xff): return true
        case (0, 1...0x7f): return true
        case (1...0x7f, 0): return false
        default: return nil
        }
    }

    /// Surrogates without their other half are written as their three bytes, and half a unit at the end as 0xFF.
    private static func utf8(ofUTF16 bytes: ArraySlice<UInt8>, isBigEndian: Bool) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count)
        var high: UInt32?
        var index = bytes.startIndex
        while bytes.endIndex - index >= 2 {
            let (first, second) = (bytes[index], bytes[index + 1])
            let (upper, lower) = isBigEndian ? (first, second) : (second, first)
            let unit = UInt32(truncatingIfNeeded: upper) << 8 | UInt32(truncatingIfNeeded: lower)
            index += 2
            if let lead = high, unit & 0xfc00 == 0xdc00 {
                append(0x10000 + (lead & 0x3ff) << 10 + unit & 0x3ff, to: &text)
                high = nil
                continue
            }
            if let lead = high { append(lead, to: &text) }
            high = unit & 0xfc00 == 0xd800 ? unit : nil
            if high == nil { append(unit, to: &text) }
        }
        if let high { append(high, to: &text) }
        if index < bytes.endIndex { text.append(0xff) }
        return text
    }

    /// Writes a code point as UTF-8, that of a surrogate included, which is none.
    fileprivate static func append(_ point: UInt32, to text: inout [UInt8]) {
        func byte(_ value: UInt32) -> UInt8 { UInt8(truncatingIfNeeded: value) }
        switch point {
        case ..<0x80: text.append(byte(point))
        case ..<0x800: text += [byte(0xc0 | point >> 6), byte(0x80 | point & 0x3f)]
        case ..<0x10000: text += [byte(0xe0 | point >> 12), byte(0x80 | point >> 6 & 0x3f), byte(0x80 | point & 0x3f)]
        default:
            text += [
                byte(0xf0 | point >> 18), byte(0x80 | point >> 12 & 0x3f), byte(0x80 | point >> 6 & 0x3f),
                byte(0x80 | point & 0x3f),
            ]
        }
    }

    private static let western = ["windows-1252", "cp1252", "iso-8859-1", "latin1"]
    private static let known = ["utf-8", "utf8", "us-ascii", "ascii", "utf-16", "utf-16le", "utf-16be", ""] + western
}

/// How far bytes are UTF-8.
private struct UTF8Facts {
    /// Characters of two bytes and more.
    private(set) var sequences = 0
    /// Characters that are cut off, and bytes that are part of none.
    private(set) var damaged = 0

    init(_ bytes: ArraySlice<UInt8>) {
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let byte = bytes[index]
            index += 1
            if byte < 0x80 { continue }
            let length = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : byte >= 0xc2 ? 1 : 0
            let rest = bytes[index...].prefix(length).prefix { $0 & 0xc0 == 0x80 }
            index += rest.count
            if length > 0, rest.count == length, String(validating: [byte] + rest, as: UTF8.self) != nil {
                sequences += 1
            } else {
                damaged += 1
            }
        }
    }
}

/// The code page of Western Europe, which programs for Windows save CSV files in.
private enum Windows1252 {
    /// What the bytes 0x80 to 0x9F stand for; 0 for nothing.
    private static let controls: [UInt32] = [
        0x20ac, 0, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017d, 0,
        0, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0, 0x017e,
        0x0178,
    ]

    static func utf8(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count)
        for byte in bytes {
            if byte < 0x80 {
                text.append(byte)
            } else {
                SheetText.append(byte < 0xa0 ? controls[Int(byte) - 0x80] : UInt32(truncatingIfNeeded: byte), to: &text)
            }
        }
        return text
    }

    private enum Kind { case ascii, letter, symbol, other }

    /// Whether bytes look like a Western language. In one, letters beyond ASCII stand among ASCII letters, one or two at a
    /// time. Read so, Cyrillic, Greek or Chinese text is long words without an ASCII letter, and Polish has symbols in
    /// the middle of words.
    static func isLikely(_ bytes: ArraySlice<UInt8>) -> Bool {
        var (good, bad) = (0, 0)
        var word = Word()
        for byte in bytes {
            if (0x80..<0xa0).contains(byte), controls[Int(byte) - 0x80] == 0 { return false }
            word.take(byte, kind(byte), &good, &bad)
        }
        word.end(&good, &bad)
        return bad <= good
    }

    private struct Word {
        private var ascii = 0
        private var high = 0
        /// Whether all its letters are ones that German has: people try those as a row.
        private var isGerman = true
        private var hasSymbol = false
        private var isOdd = false

        mutating func take(_ byte: UInt8, _ kind: Kind, _ good: inout Int, _ bad: inout Int) {
            switch kind {
            case .other: end(&good, &bad)
            case .symbol: hasSymbol = ascii + high > 0
            case .ascii, .letter:
                isOdd = isOdd || hasSymbol
                if kind == .ascii { ascii += 1 } else { high += 1 }
                isGerman = isGerman && Windows1252.german.contains(byte)
            }
        }

        mutating func end(_ good: inout Int, _ bad: inout Int) {
            if isOdd || (ascii == 0 && high >= 3 && !isGerman) {
                bad += 1
            } else if ascii > 0 && high > 0 {
                good += 1
            }
            self = Word()
        }
    }

    private static func kind(_ byte: UInt8) -> Kind {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"): .ascii
        case 0xd7, 0xf7: .symbol
        case 0xc0..., 0x8a, 0x8c, 0x8e, 0x9a, 0x9c, 0x9e, 0x9f: .letter
        // Signs that nobody writes between two letters. Quotes, dashes, blanks and the like are none of them.
        case 0x83, 0x86, 0x87, 0x88, 0x98, 0xa1...0xa8, 0xac, 0xaf, 0xb1...0xb6, 0xb8, 0xb9, 0xbc...0xbf: .symbol
        default: .other
        }
    }

    private static let german = Array<UInt8>([0xc4, 0xd6, 0xdc, 0xdf, 0xe4, 0xf6, 0xfc])
}
