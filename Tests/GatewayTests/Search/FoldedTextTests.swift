import TestSupport
import Testing

@testable import Gateway

/// Which texts searches take for the same.
@Suite(.onOneEngine) struct FoldedTextTests {
    /// Pairs that are found by one another.
    static let same: [(String, String)] = [
        ("HELLO", "hello"), ("ПРИВЕТ", "привет"), ("Ärger", "ärger"), ("ÄRGER", "arger"), ("café", "CAFÉ"),
        ("cafe\u{301}", "café"), ("Straße", "STRASSE"), ("GROẞ", "groß"), ("ΟΔΟΣ", "οδος"), ("οδοσ", "οδος"),
        ("Ά", "α"), ("Ϊ", "ι"), ("İSTANBUL", "istanbul"), ("ISTANBUL", "ıstanbul"), ("Ё", "е"), ("й", "и"),
        ("И\u{306}", "й"), ("Ў", "у"), ("Ї", "і"), ("Ørsted", "orsted"), ("ŁÓDŹ", "lodz"), ("Đà Nẵng", "da nang"),
        ("Ơ", "o"), ("ŐŰ", "ou"), ("Ǆ", "dž"), ("ǆ", "ǅ"), ("Æsop", "aesop"), ("œuvre", "OEUVRE"), ("Þór", "thor"),
        ("ŉ", "'N"), ("ſ", "s"), ("ﬁn", "FIN"), ("\u{212A}", "k"), ("\u{212B}", "å"), ("µ", "Μ"), ("Ա", "ա"),
        ("և", "ԵՒ"), ("ა", "Ა"), ("Ꭰ", "ꭰ"), ("𐐀", "𐐨"), ("𝐇𝐞𝐥𝐥𝐨", "hello"), ("שָׁלוֹם", "שלום"), ("مُحَمَّد", "محمد"),
        ("أحمد", "احمد"), ("آ", "ا"), ("مـــحمد", "محمد"), ("ﷲ", "الله"), ("ﹱ", ""), ("می\u{200C}خواهم", "میخواهم"),
        ("ܐܰ", "ܐ"), ("ＡＢＣ", "abc"), ("ｶﾞｷﾞ", "ガギ"), ("か\u{3099}", "が"), ("は\u{309A}", "ぱ"), ("ｱ", "ア"),
        ("\u{1112}\u{1161}\u{11AB}", "한"), ("\u{1112}\u{1161}", "하"), ("하\u{11AB}", "한"), ("क़", "क\u{93C}"),
        ("①", "1"), ("½", "1⁄2"), ("٣", "3"), ("۴", "4"), ("३", "3"), ("３", "3"), ("don’t", "don't"), ("“a”", "\"A\""),
        ("2020–21", "2020-21"), ("a\u{A0}b", "a b"), ("a\nb", "a b"), ("a\u{3000}b", "a b"), ("so\u{AD}ft", "soft"),
        ("👍\u{FE0F}", "👍"), ("1\u{FE0F}\u{20E3}", "1"), ("👨\u{200D}👩", "👨👩"), ("\u{202A}12\u{202C}", "12"),
        ("a\u{0}b", "AB"),
    ]

    @Test(arguments: same)
    func spellingsOfATextAreTheSame(left: String, right: String) {
        #expect(scalars(left) == scalars(right), "\(left) \(right)")
    }

    /// Pairs that are different words.
    @Test(
        arguments: [
            ("が", "か"), ("ぱ", "ば"), ("カ", "か"), ("कि", "क"), ("की", "कि"), ("น้ำ", "นำ"), ("한", "하"), ("ㅋㅏ", "카"),
            ("ދި", "ދ"), ("👍", "👎"), ("漢", "汉"), ("c", "s"), ("а", "a"), ("ы", "и"), ("ة", "ه"), ("+1", "1"),
        ] as [(String, String)])
    func wordsStayApart(left: String, right: String) {
        #expect(scalars(left) != scalars(right), "\(left) \(right)")
    }

    @Test func foldedTwiceIsFoldedOnce() {
        // Ideographs and syllables apart, which stay as they are.
        let ranges: [ClosedRange<UInt32>] = [
            0...0x33FF, 0xA640...0xABFF, 0xF900...0xFFFF, 0x10400...0x104FF, 0x1D400...0x1D7FF, 0x1F100...0x1F1FF,
        ]
        let unstable = ranges.joined().compactMap(Unicode.Scalar.init).filter { scalar in
            let once = FoldedText.of(String(scalar))
            return scalars(once) != once.unicodeScalars.map(\.value)
        }

        #expect(unstable == [])
    }

    @Test func theMarkBetweenFieldsIsInNoFoldedText() {
        #expect(FoldedText.of("a\(SearchText.mark)b é\(SearchText.mark)") == "ab e")
    }

    /// Foundation's own normalization takes 6 s for these, and four times that for twice as many.
    @Test(arguments: ["\u{301}\u{316}", "\u{93C}\u{94D}", "\u{3099}", "\u{FDFA}"])
    func marksWithoutEndAreFoldedInTheirTime(marks: String) {
        let text = "a" + String(repeating: marks, count: 100_000)

        let time = processorTime {
            #expect(FoldedText.of(text).unicodeScalars.count <= FoldedText.longest + 18)
        }

        #expect(time < .seconds(5))
    }

    private func scalars(_ text: String) -> [UInt32] { FoldedText.of(text).unicodeScalars.map(\.value) }
}
