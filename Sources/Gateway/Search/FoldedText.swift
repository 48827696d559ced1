import Foundation

/// A text as searches compare it: without case, accents, width and the like.
///
/// Both sides of every comparison go through this, in the server, so that both engines find the same. It is stored, so
/// what it gives for a text must stay; a change has to fold what is stored again.
///
/// | what | how | examples |
/// |---|---|---|
/// | case | folded, in every script that has it | `ПРИВЕТ` = `привет`, `STRASSE` = `Straße`, `ΟΔΟΣ` = `οδος`, `İ` = `I` = `ı` = `i` |
/// | accents of Latin, Greek, Cyrillic | dropped | `é` = `e`, `ά` = `α`, `ё` = `е`, `й` = `и` |
/// | Latin letters with a stroke, ligatures | as they are written without | `ø` = `o`, `ł` = `l`, `æ` = `ae`, `þ` = `th` |
/// | Hebrew points, Arabic vowel signs and hamzas | dropped | `שָׁלוֹם` = `שלום`, `مُحَمَّد` = `محمد`, `أ` = `ا` |
/// | marks that make another word: Indic, Thai, kana | stay | `कि` ≠ `क`, `น้ำ` ≠ `นำ`, `が` ≠ `か` |
/// | width and other compatible forms | the usual form | `ＡＢＣ` = `abc`, `ｶﾞ` = `ガ`, `ﬁ` = `fi`, `①` = `1` |
/// | digits | those of ASCII | `٣` = `3`, `３` = `3` |
/// | composed or not | composed | a Hangul syllable = its letters |
/// | quotes, dashes and spaces that keyboards put in | the plain ones | `’` = `'`, `–` = `-` |
/// | what is not seen: joiners, marks of direction, selectors, tatweel, control characters | dropped | `👍️` = `👍` |
///
/// One pass over the text. Letters are decomposed one by one and marks are not sorted, for Foundation's sorting takes 6 s
/// for 100,000 marks on one letter.
enum FoldedText {
    /// What is kept of a folded text: more than 255 parts of an SMS have characters.
    static let longest = 100_000

    /// Folds `text`; empty when nothing of it counts.
    static func of(_ text: String) -> String {
        if text.utf8.allSatisfy({ $0 < 0x80 }) {
            return String(decoding: text.utf8.prefix(longest).compactMap(folded(ascii:)), as: UTF8.self)
        }
        var folded = String.UnicodeScalarView()
        var last: Unicode.Scalar?
        var count = 0
        func append(_ scalar: Unicode.Scalar) {
            if let before = last, let whole = composed(before, scalar) {
                folded.removeLast()
                folded.append(whole)
                last = whole
                return
            }
            folded.append(scalar)
            last = scalar
            count += 1
        }
        for scalar in text.unicodeScalars {
            if count >= longest { break }
            if let single = known(scalar) {
                append(single)
            } else {
                for part in parts(of: scalar) { append(part) }
            }
        }
        return String(folded)
    }

    private static func folded(ascii byte: UInt8) -> UInt8? {
        switch byte {
        case 0x41...0x5A: byte + 0x20
        case 0x20...0x7E: byte
        case 0x09...0x0D: 0x20
        default: nil
        }
    }

    /// What `scalar` becomes where that is known without looking it up; nil elsewhere.
    private static func known(_ scalar: Unicode.Scalar) -> Unicode.Scalar? {
        switch scalar.value {
        case 0x41...0x5A: Unicode.Scalar(scalar.value + 0x20)
        case 0x20...0x7E: scalar
        // Kana, letters of Hangul as they are typed, ideographs and syllables: they have no case, and are as they should be.
        case 0x3041...0x3096, 0x30A1...0x30FA, 0x3131...0x3163, 0x3400...0x9FFF, 0xAC00...0xD7A3: scalar
        default: nil
        }
    }

    /// What `scalar` becomes: none, one, or up to 18.
    private static func parts(of scalar: Unicode.Scalar) -> [Unicode.Scalar] {
        let index = Int(scalar.value)
        return index < alphabets.count ? alphabets[index] : folded(scalar)
    }

    /// What becomes of the characters of most alphabets. Made at the first use, in some 10 ms.
    private static let alphabets: [[Unicode.Scalar]] = (0..<0x3000 as Range<UInt32>).map { value in
        Unicode.Scalar(value).map(folded) ?? []
    }

    private static func folded(_ scalar: Unicode.Scalar) -> [Unicode.Scalar] {
        if scalar.properties.isWhitespace { return [" "] }
        if scalar.properties.isDefaultIgnorableCodePoint { return [] }
        return String(scalar).decomposedStringWithCompatibilityMapping.unicodeScalars.flatMap { part in
            isDropped(part) ? [] : plain(part)
        }
    }

    /// A character that is decomposed, without case.
    private static func plain(_ scalar: Unicode.Scalar) -> [Unicode.Scalar] {
        if let written = replacements[scalar] { return Array(written.unicodeScalars) }
        let properties = scalar.properties
        if properties.numericType == .decimal, let value = properties.numericValue {
            return Array(String(Int(value)).unicodeScalars)
        }
        guard properties.changesWhenCaseMapped else { return [scalar] }
        // Up and down again: ß and SS, σ and ς, i and ı have one capital form. Down first, for ẞ has none.
        return properties.lowercaseMapping.unicodeScalars.flatMap { $0.properties.uppercaseMapping.unicodeScalars }
            .flatMap { $0.properties.lowercaseMapping.unicodeScalars }
            .flatMap { lower in replacements[lower].map { Array($0.unicodeScalars) } ?? [lower] }
    }

    private static let replacements: [Unicode.Scalar: String] = [
        "ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ŧ": "t", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe",
        "\u{2018}": "'", "\u{2019}": "'", "\u{201A}": "'", "\u{2BC}": "'", "\u{201C}": "\"", "\u{201D}": "\"",
        "\u{201E}": "\"", "\u{2010}": "-", "\u{2012}": "-", "\u{2013}": "-", "\u{2014}": "-", "\u{2212}": "-",
    ]

    private static func isDropped(_ scalar: Unicode.Scalar) -> Bool {
        // Tatweel only makes a word longer.
        isAccent(scalar) || scalar.value == 0x640 || scalar.properties.generalCategory == .control
    }

    /// Whether `scalar` is a mark of the scripts whose marks are accents or help to read.
    private static func isAccent(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        // Latin, Greek and Cyrillic.
        case 0x300...0x36F, 0x483...0x489, 0x1AB0...0x1AFF, 0x1DC0...0x1DFF, 0x2DE0...0x2DFF, 0xA66F...0xA672,
            0xA674...0xA67D, 0xFE20...0xFE2F:
            true
        // Hebrew.
        case 0x591...0x5BD, 0x5BF, 0x5C1...0x5C2, 0x5C4...0x5C5, 0x5C7, 0xFB1E: true
        // Arabic and Syriac.
        case 0x610...0x61A, 0x64B...0x65F, 0x670, 0x6D6...0x6DC, 0x6DF...0x6E4, 0x6E7...0x6E8, 0x6EA...0x6ED, 0x711,
            0x730...0x74A, 0x897...0x89F, 0x8CA...0x8E1, 0x8E3...0x8FF:
            true
        // Around symbols, such as the cap of a key.
        case 0x20D0...0x20F0: true
        default: false
        }
    }

    /// The one character that two make: a kana with its voiced mark, or letters of Hangul; nil when they stay two.
    private static func composed(_ first: Unicode.Scalar, _ second: Unicode.Scalar) -> Unicode.Scalar? {
        let (left, right) = (first.value, second.value)
        switch right {
        // The code of a voiced kana follows that of the plain one, but for a few.
        case 0x3099, 0x309A:
            guard (0x3041...0x30FF).contains(left) else { return nil }
            let pair = String(String.UnicodeScalarView([first, second])).precomposedStringWithCanonicalMapping
            return pair.unicodeScalars.count == 1 ? pair.unicodeScalars.first : nil
        // The Unicode Standard, 3.12: a syllable is a first consonant, a vowel, and perhaps a last consonant.
        case 0x1161...0x1175 where (0x1100...0x1112).contains(left):
            return Unicode.Scalar(0xAC00 + ((left - 0x1100) * 21 + (right - 0x1161)) * 28)
        case 0x11A8...0x11C2 where (0xAC00...0xD7A3).contains(left) && (left - 0xAC00).isMultiple(of: 28):
            return Unicode.Scalar(left + (right - 0x11A7))
        default: return nil
        }
    }
}
