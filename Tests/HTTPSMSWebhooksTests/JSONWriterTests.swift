import Foundation
import HTTPSMSWebhooks
import JSON
import Testing
import Timestamps

struct JSONWriterTests {
    private struct Window: JSONWritable {
        let day: Int
        let isOpen: Bool

        func write(to json: inout JSONWriter) {
            json.object { o in
                o.field("day", day)
                o.field("open", isOpen)
            }
        }
    }

    private enum Color: String, JSONWritable {
        case red
    }

    private func json(_ value: some JSONWritable) -> String {
        String(decoding: value.encodedJSON(), as: UTF8.self)
    }

    /// Computed by hand from Go's `encoding/json`: `appendString` with `escapeHTML` on.
    @Test(arguments: [
        ("", #""""#),
        ("plain", #""plain""#),
        ("\"", #""\"""#),
        ("\\", #""\\""#),
        ("a/b", #""a/b""#),
        ("\n\r\t", #""\n\r\t""#),
        ("\0", #""\u0000""#),
        ("\u{08}\u{0B}\u{0C}\u{1F}", #""\u0008\u000b\u000c\u001f""#),
        ("\u{7F}", "\"\u{7F}\""),
        ("<b>&</b>", #""\u003cb\u003e\u0026\u003c/b\u003e""#),
        ("\u{2027}\u{2028}\u{2029}\u{202A}", "\"\u{2027}\\u2028\\u2029\u{202A}\""),
        ("\u{2028}", #""\u2028""#),
        ("€ \u{20AC}", "\"€ €\""),
        ("é 漢 📨", #""é 漢 📨""#),
        ("e\u{301}", "\"e\u{301}\""),
    ])
    func textIsEscapedAsGoDoes(_ text: String, _ expected: String) {
        // `==` on strings ignores normalisation, bytes do not.
        #expect(Array(json(text).utf8) == Array(expected.utf8))
    }

    @Test func everyScalarSurvivesJSONDecoder() throws {
        let scalars = (0..<0x3000).compactMap(Unicode.Scalar.init) + [Unicode.Scalar(0x1F4E8)!, "\u{10FFFF}"]
        let text = String(String.UnicodeScalarView(scalars))

        let decoded = try JSONDecoder().decode(String.self, from: Data(text.encodedJSON()))

        #expect(Array(decoded.utf8) == Array(text.utf8))
    }

    @Test func aBridgedOrSlicedStringIsWrittenLikeAnyOther() {
        let text = String("xx<é>".dropFirst(2))

        #expect(json(text) == #""\u003cé\u003e""#)
    }

    @Test func numbersAreWrittenInFull() {
        #expect(json([Int.min, -1, 0, 9, 10, Int.max]) == "[-9223372036854775808,-1,0,9,10,9223372036854775807]")
        #expect(json(UInt.max) == "18446744073709551615")
        #expect(json(Int64(-42)) == "-42")
    }

    @Test func timesAreTrimmedToWhatTheyCarry() {
        let times = ["2026-07-22T10:00:00Z", "2026-07-22T10:00:00.5Z", "2026-07-22T10:00:00.000001Z"]

        #expect(json(times.map(at)) == "[\"" + times.joined(separator: "\",\"") + "\"]")
    }

    @Test func nilIsAnExplicitNull() {
        var writer = JSONWriter()

        writer.object { o in
            o.field("a", nil as String?)
            o.field("b", nil as Timestamp?)
            o.field("c", ["x", nil])
            o.null("d")
            o.field("e", "x" as String?)
        }

        #expect(
            String(decoding: writer.bytes, as: UTF8.self) == #"{"a":null,"b":null,"c":["x",null],"d":null,"e":"x"}"#)
    }

    @Test func objectsNestInEveryWay() {
        var writer = JSONWriter(capacity: 0)

        writer.object { o in
            o.object("empty") { _ in }
            o.field("windows", [Window(day: 1, isOpen: true), Window(day: 2, isOpen: false)])
            o.array("pairs", of: [(1, "a"), (2, "b")]) { json, pair in
                json.object { o in
                    o.field("n", pair.0)
                    o.field("s", pair.1)
                }
            }
            o.array("none", of: [] as [Int]) { json, value in json.value(value) }
            o.raw("data", Array(#"{"kept": 1}"#.utf8))
            o.raw("nothing", [])
            o.field("raw", RawJSON(Array("[]".utf8)))
            o.field(named: "<key>", Color.red)
        }

        #expect(
            String(decoding: writer.bytes, as: UTF8.self)
                == #"{"empty":{},"windows":[{"day":1,"open":true},{"day":2,"open":false}],"#
                + #""pairs":[{"n":1,"s":"a"},{"n":2,"s":"b"}],"none":[],"data":{"kept": 1},"nothing":null,"raw":[],"#
                + #""\u003ckey\u003e":"red"}"#)
    }

    @Test func aTextThatEndsInABraceDoesNotSwallowTheComma() {
        var writer = JSONWriter()

        writer.object { o in
            o.field("a", "{")
            o.field("b", "[")
        }

        #expect(String(decoding: writer.bytes, as: UTF8.self) == #"{"a":"{","b":"["}"#)
    }

    @Test func dictionariesAreSortedByName() {
        #expect(json(["b": ["2"], "a": ["1"], "B": []]) == #"{"B":[],"a":["1"],"b":["2"]}"#)
    }
}
