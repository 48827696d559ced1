import Wire

/// What texts are indexed by: numbers of every three characters in a row, and of one and two where those may be a word.
///
/// Different characters may have one number, so a text with all the numbers of a needle may still not contain it.
enum SearchGram {
    /// 16 bits.
    typealias Number = UInt16

    /// Calls `body` with the number of each run in `text`, which is folded; equal ones more than once. No run goes over
    /// ``SearchText/mark``.
    static func each(in text: String, _ body: (Number) -> Void) {
        var (first, second): (Unicode.Scalar?, Unicode.Scalar?) = (nil, nil)
        for scalar in text.unicodeScalars {
            if scalar == mark {
                (first, second) = (nil, nil)
                continue
            }
            if isWord(scalar) {
                body(number(scalar.value, 0, 0))
                if let second, isWord(second) { body(number(second.value, scalar.value, 0)) }
            }
            if let first, let second { body(number(first.value, second.value, scalar.value)) }
            (first, second) = (second, scalar)
        }
    }

    /// Numbers that every text has that contains `needle`, which is folded; each once. Nil when it is too short to say.
    static func asked(for needle: String) -> [Number]? {
        let scalars = Array(needle.unicodeScalars)
        var numbers: [Number] = []
        if scalars.count > 2 {
            numbers =
                (2..<scalars.count).map { end in
                    number(scalars[end - 2].value, scalars[end - 1].value, scalars[end].value)
                }.unique
        } else if scalars.allSatisfy(isWord) {
            each(in: needle) { numbers.append($0) }
            // Of two characters, the pair says most.
            numbers = numbers.suffix(1)
        }
        return numbers.isEmpty ? nil : numbers
    }

    /// Whether one or two such characters may be a word: ideographs, kana, syllables of Hangul, symbols.
    private static func isWord(_ scalar: Unicode.Scalar) -> Bool { scalar.value >= 0x2E80 }

    private static let mark: Unicode.Scalar = "\u{1}"

    /// Multiplies and shifts (the finalizer of MurmurHash3, 64 bits): each bit of the characters moves each of the number.
    private static func number(_ first: UInt32, _ second: UInt32, _ third: UInt32) -> Number {
        // 21 bits each.
        var hash = UInt64(first) << 42 | UInt64(second) << 21 | UInt64(third)
        hash = (hash ^ hash >> 33) &* 0xff51_afd7_ed55_8ccd
        hash = (hash ^ hash >> 33) &* 0xc4ce_b9fe_1a85_ec53
        return Number(truncatingIfNeeded: hash ^ hash >> 33)
    }
}
