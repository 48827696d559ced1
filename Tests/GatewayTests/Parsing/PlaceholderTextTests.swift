import TestSupport
import Testing

@testable import Gateway

/// Texts with placeholders, and how many SMS they take.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct PlaceholderTextTests {
    private static func fill(_ text: String, _ values: [String: String]) -> PlaceholderText.Filled {
        PlaceholderText(text).filled { values[$0] }
    }

    @Test(
        arguments: [
            ("", "", []), ("Hello", "Hello", []), ("Hello {{name}}!", "Hello Ann!", []),
            ("{{NAME}}{{ name }}{{na\u{200B}me}}", "AnnAnnAnn", []), ("{{{name}}}", "{Ann}", []),
            ("{{{{name}}}}", "{{Ann}}", []), ("{{first name}}", "Ann Lee", []), ("{{First\u{A0}Name}}", "Ann Lee", []),
            ("{{name", "{{name", []), ("name}}", "name}}", []), ("{{}} {{ }}", "{{}} {{ }}", []),
            ("{{a{b}} {{a}b}}", "{{a{b}} {{a}b}}", []), ("{{na\nme}}", "{{na\nme}}", []), ("{{ {{name}}", "{{ Ann", []),
            ("{{city}} {{name}} {{City}}", "{{city}} Ann {{City}}", ["city"]), ("{{blank}}", "{{blank}}", ["blank"]),
            ("{{name}}\u{301}", "Ann\u{301}", []), ("{ {name} }", "{ {name} }", []), ("{{ name}}}}", "Ann}}", []),
            ("{%if%}{{#name}}", "{%if%}{{#name}}", ["#name"]),
        ] as [(String, String, [String])])
    func aPlaceholderIsItsValueAndAllElseIsText(text: String, filled: String, missing: [String]) {
        let values = ["name": "Ann", "firstname": "Ann Lee", "blank": " \n"]
        let result = Self.fill(text, values)

        #expect(result.missing == missing)
        #expect(Array(result.text.unicodeScalars) == Array(filled.unicodeScalars), "\(result.text)")
    }

    @Test func aValueIsPutInAsItIs() {
        let values = ["name": "{{number}}", "number": "{{name}}\r\n{{"]
        #expect(Self.fill("{{name}} {{number}}", values).text == "{{number}} {{name}}\r\n{{")
        #expect(Self.fill("{{name}} {{number}}", values).missing == [])
    }

    @Test func theNamesAreToldOnceAndAllAreCounted() {
        let text = PlaceholderText("{{b}}{{a}}{{ B }}")
        #expect(text.names == ["b", "a"] && text.count == 3)
        let long = String(repeating: "n", count: 100)
        #expect(PlaceholderText("{{\(long)}}").names == [long] && PlaceholderText("{{\(long)n}}").names == [])
    }

    /// A text that is too long already takes no more values, and what is missing is told all the same.
    @Test func aTextThatIsTooLongGetsNoLonger() {
        let filled = PlaceholderText(String(repeating: "{{a}}", count: 1_000) + "{{b}}").filled(limit: 100) {
            $0 == "a" ? String(repeating: "x", count: 60) : nil
        }
        #expect(filled.text.utf16.count == 120 && filled.missing == ["b"])
    }

    @Test(
        arguments: [
            { (count: Int) in String(repeating: "{", count: 4 * count) },
            { count in String(repeating: "{{", count: count) + String(repeating: "}}", count: count) },
            { count in "{{" + String(repeating: "a}", count: count) },
            { count in String(repeating: "{{a}}", count: count) },
            { count in String(repeating: "{{\u{301}}}", count: count) },
            { count in "{{" + String(repeating: "a", count: count) + "}}" },
        ] as [@Sendable (Int) -> String]) func noByteIsLookedAtMoreThanThrice(shape: @Sendable (Int) -> String)
    {
        for count in [10_000, 20_000, 40_000] {
            let text = shape(count)
            #expect(PlaceholderText(text).bytesExamined <= 3 * text.utf8.count)
        }
    }

    @Test(
        arguments: [
            ("", 0, 1), ("Hello", 5, 1), (String(repeating: "a", count: 160), 160, 1),
            (String(repeating: "a", count: 161), 161, 2), (String(repeating: "a", count: 306), 306, 2),
            (String(repeating: "a", count: 307), 307, 3), ("€", 2, 1), (String(repeating: "€", count: 81), 162, 2),
            ("ш", 1, 1), (String(repeating: "ш", count: 70), 70, 1), (String(repeating: "ш", count: 71), 71, 2),
            (String(repeating: "ш", count: 135), 135, 3), ("€ш", 2, 1), ("👋", 2, 1), ("`", 1, 1),
            (String(repeating: "`", count: 71), 71, 2), ("Ünder [10] ~ {x}\n", 22, 1),
        ] as [(String, Int, Int)]) func aTextTakesSoManySMS(text: String, characters: Int, count: Int)
    {
        let parts = SMSParts(text)
        #expect(parts.characters == characters && parts.count == count, "\(parts)")
    }
}
