import TestSupport
import Testing
import Wire

@testable import Gateway

/// What is looked for in texts of any size.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct TextSearchTests {
    @Test(arguments: [
        ("", "a", false), ("abc", "bc", true), ("abc", "abcd", false), ("aab", "ab", true), ("Grüße", "üß", true),
        ("e\u{301}", "e", true),
    ])
    func bytesAreFound(_ text: String, _ part: String, _ isThere: Bool) {
        #expect(text.hasBytes(part) == isThere)
    }

    @Test(arguments: [
        ("", "a", "b", ""), ("a", "", "b", "a"), ("a\r\nb\r\n", "\r\n", "\n", "a\nb\n"),
        ("a\r\r\nb", "\r\n", "\n", "a\r\nb"),
        ("aaa", "aa", "b", "ba"), ("+\u{301}", "+", " ", " \u{301}"), ("Grüße", "ü", "ue", "Grueße"),
        ("a:::", ":::", "", "a"),
    ])
    func bytesAreReplaced(_ text: String, _ part: String, _ other: String, _ expected: String) {
        #expect(text.replacingBytes(part, with: other) == expected)
    }

    @Test(arguments: [("", ""), ("a", "a"), ("a\0b\0", "a\u{FFFD}b\u{FFFD}"), ("\0\u{301}", "\u{FFFD}\u{301}")])
    func aNULIsReplaced(_ text: String, _ expected: String) {
        #expect(text.storable == expected)
    }

    /// Each is larger than most bodies may be. By characters, these take minutes.
    @Test(arguments: ["🇩🇪", "\u{301}", "👨‍👩‍👧", "\u{1100}", "\r\n", "\0"])
    func theCostGrowsWithTheLengthAlone(_ unit: String) {
        let text = String(repeating: unit, count: (4 << 20) / unit.utf8.count)

        #expect(!text.hasBytes("android.permission.SEND_SMS"))
        #expect(("\0" + text).storable.unicodeScalars.first == "\u{FFFD}")
        #expect(text[...].trimmed.utf8.count <= text.utf8.count)
        #expect((text + "+").replacingBytes("+", with: " ").utf8.last == UInt8(ascii: " "))
        // A form that anybody sends, and a field of it.
        let form = QueryParameters(query: "a=\(text)+&b=1")
        #expect(form["b"] == "1" && SMSParts(ofField: text).count > 0)
    }
}
