import Testing

@testable import Delivery

/// Regular expressions that look at each character once.
struct TextPatternTests {
    @Test(
        arguments: [
            ("code", "your code is 1", true), ("CODE", "your code is 1", true), ("^code", "your code", false),
            ("code$", "your code", true), ("^your code$", "your code!", false), (#"\d{4,6}"#, "pin 1234", true),
            (#"\d{4,6}"#, "pin 123", false), (#"^\d{2}$"#, "123", false), (#"^\d{2,}$"#, "12345", true),
            ("(stop|quit) now", "please quit now", true), ("(stop|quit) now", "please quit", false),
            ("^(stop|quit)?$", "", true), ("^(stop|quit)?$", "stop", true), ("^(stop|quit)?$", "x", false),
            ("a.c", "a\nc", true), ("[a-f]+x", "defx", true), ("[A-F]+x", "defx", true), ("[^a-z]", "abc", false),
            ("[^A-Z]", "abc", false), (#"[\d-]+!"#, "1-2!", true), (#"[]x]"#, "]", true), (#"\$5"#, "cost $5", true),
            (#"5\$"#, "cost 5$", true), (#"5\\$"#, #"5\"#, true), (#"\w+@\w+"#, "é@ü", true), (#"\S\s\W"#, "a !", true),
            ("straße", "straße", true), ("s", "ß", false), ("ÄRGER", "ärger", true), ("(?:ab){2}c", "ababc", true),
            ("(ab)*c", "c", true), ("(a|b|){3}c", "c", true), ("x{0}y", "y", true), ("a{0,2}b", "aab", true),
            ("(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", false), ("日本", "今日本", true),
        ] as [(String, String, Bool)]) func aTextFitsOrNot(pattern: String, text: String, fits: Bool) throws
    {
        #expect(try TextPattern(pattern).fits(text.unicodeScalars) == fits)
    }

    @Test(arguments: [
        "", "(", ")", "a)", "[", "[a", "[]", "[z-a]", "*", "a**", "a*?", "a{", "a{x}", "a{65}", "a{3,2}", "a{1,65}",
        "a{999999999999}",
        "^a|b$", "a^b", "a$b", #"\"#, #"a\"#, #"\b"#, #"\1"#, #"(?=a)"#, "(?i)a", "a*", ".*", "(a|)", "^.*", ".?$",
        "(((((((((((((((((((((a)))))))))))))))))))))", String(repeating: "a", count: 65), "a{64}b",
        String(repeating: "a?", count: 129), "(a{8}){9}", "^((((){64}){64}){64}){64}$",
    ]) func whatCannotBeUsedIsSaid(pattern: String) {
        #expect(throws: TextPatternFault.self) { try TextPattern(pattern) }
    }

    /// What other engines need ages for takes as many steps as the text has characters.
    @Test(arguments: [
        "(a+)+$", "(a|a)*b", "(a*)*b", "(a?){30}a{30}b", "a.*a.*a.*a.*b", "(.a|a.)+b",
        "[\(TextPatternTests.letters)]{63}b", "([\\w!][\\w§][\\w$][\\w%][^\\W&][^\\S/]){10}b", "[^\\d\\w\\s]{63}b",
    ])
    func noCharacterCostsMoreThanItsPlaces(pattern: String) throws {
        let automaton = try TextPattern(pattern)
        for count in [1_000, 2_000, 4_000] {
            let texts = [
                String(repeating: "a", count: count) + "!",
                // No two characters are the same: each is looked up.
                String(String.UnicodeScalarView((0..<count).compactMap { Unicode.Scalar(UInt32(0x4E00 + $0)) })),
            ]
            for text in texts {
                var steps = 0
                #expect(!automaton.fits(text.unicodeScalars, steps: &steps))
                #expect(steps <= 97 * text.unicodeScalars.count)
            }
        }
    }

    /// 200 that are not beside each other.
    private static let letters = String(
        String.UnicodeScalarView((0..<200).compactMap { Unicode.Scalar(UInt32(0x400 + 2 * $0)) }))
}
