import TestSupport
import Testing
import Wire

@testable import Gateway

/// White space around what people and programs send.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct TrimmedTests {
    @Test(arguments: [
        ("", ""), (" \t\r\n\u{A0}\u{3000}", ""), ("a", "a"), ("  a b\u{2028}", "a b"), ("\r\na\r\n", "a"),
        ("\u{200B}a ", "\u{200B}a"), ("🇩🇪 ", "🇩🇪"),
    ])
    func itIsTakenOffAtBothEnds(_ text: String, _ expected: String) {
        #expect(text.trimmed == expected)
    }

    /// What looks at it twice for each character does not come back within the limit.
    @Test(arguments: ["%", "x%", "%x", "x%x"])
    func theCostGrowsWithTheLengthAlone(_ shape: String) {
        for blank in [" ", "\r\n", "\u{3000}"] {
            let text = shape.replacing("%", with: String(repeating: blank, count: 1 << 20))

            #expect(text.trimmed.utf8.count == (shape == "x%x" ? text.utf8.count : shape.count - 1))
            #expect(text[...].trimmed == text.trimmed)
        }
    }
}
