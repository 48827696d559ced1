import Testing

@testable import Delivery

/// Parts of texts, which are found by their bytes and are whole characters.
struct SearchedTextTests {
    private func steps(_ text: String, _ part: String) -> (isThere: Bool, count: Int) {
        var steps = 0
        let isThere = SearchedText(text).contains(SearchedText.Part(part), steps: &steps)
        return (isThere, steps)
    }

    @Test(
        arguments: [
            ("", "a", false), ("abc", "abc", true), ("abc", "bc", true), ("abc", "abcd", false), ("aab", "ab", true),
            ("abcabcabd", "abcabd", true), ("aaab", "aab", true), ("grüße", "üß", true), ("grüße", "u", false),
            // A mark without a letter of its own belongs to the one before it, also where that comes again without it.
            ("x\u{301}", "x", false), ("x\u{301} x", "x", true), ("x\u{301}", "x\u{301}", true),
            ("ax\u{301}", "a", true),
            ("\r\n", "\n", false), ("\r\n\n", "\n", true), ("👨‍👩‍👧", "👩", false), ("👨‍👩‍👧👩", "👩", true),
            // The letters D, E, D, E: two flags, in which the one of ED is not.
            ("🇩🇪🇩🇪", "🇩🇪", true), ("🇩🇪🇩🇪", "🇪🇩", false), ("🇩🇪🇩🇪", "🇩", false), ("🇩🇪🇩", "🇩", true),
        ] as [(String, String, Bool)])
    func wholeCharactersAreFound(text: String, part: String, isThere: Bool) {
        #expect(steps(text, part).isThere == isThere)
        // As who goes from character to character finds it.
        let (characters, wanted) = (Array(text), Array(part))
        #expect(characters.indices.contains { characters[$0...].starts(with: wanted) } == isThere)
    }

    @Test(
        arguments: [
            ("a", "b"), ("a", "aaaaaaaaab"), ("ab", "ababababaa"), ("aab", "aabaabaaa"), ("🇩🇪", "🇩"), ("🇩🇪", "🇪🇩🇪🇩"),
            ("x\u{301}", "x"), ("👨‍👩‍👧", "👩"), ("\u{1100}", "\u{1100}x"), ("\r\n", "\n"),
        ] as [(String, String)])
    func noByteIsComparedMoreThanTwice(unit: String, part: String) {
        for count in [1_000, 2_000, 4_000] {
            let text = String(repeating: unit, count: count)
            let search = steps(text, part)
            #expect(!search.isThere)
            #expect(search.count <= 2 * text.utf8.count)
        }
    }
}
