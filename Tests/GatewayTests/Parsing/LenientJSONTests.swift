import TestSupport
import Testing

@testable import Gateway

/// What is read of text that is almost JSON.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct LenientJSONTests {
    private static func repaired(_ bytes: [UInt8]) -> String {
        String(decoding: LenientJSON.repaired(bytes), as: UTF8.self)
    }

    private static func reason(_ text: String) -> String? {
        LenientJSON.escapingText(of: "reason", besides: ["event_name", "timestamp"], in: Array(text.utf8))
            .map { String(decoding: $0, as: UTF8.self) }
    }

    @Test(
        arguments: [
            (Array("{\"a\":\"b\nc\td\"}".utf8), #"{"a":"b\u000ac\u0009d"}"#),
            (Array("{\n\"a\":1}".utf8), "{\n\"a\":1}"),
            ([0x22, 0x00, 0x22], #""\uFFFD""#), ([0x22, 0xed, 0xa0, 0xbd, 0x22], "\"\u{FFFD}\u{FFFD}\u{FFFD}\""),
            ([0x22, 0xe9, 0x22], "\"\u{FFFD}\""), ([0x22, 0xf0, 0x9f, 0x22], "\"\u{FFFD}\""),
            (Array(#""\d\x\u12""#.utf8), #""\\d\\x\\u12""#), (Array(#""\n\\\"\u0041\/""#.utf8), #""\n\\\"\u0041\/""#),
            (Array(#""a\"#.utf8), #""a\\"#), ([], ""), (Array("nonsense".utf8), "nonsense"),
        ] as [([UInt8], String)])
    func whatIsNotTextIsReplacedOrEscaped(bytes: [UInt8], expected: String) {
        #expect(Self.repaired(bytes) == expected)
    }

    @Test(
        arguments: [
            (
                #"{"event_name": "FAILED", "reason": "no "SIM", sorry", "timestamp": "T"}"#,
                #"{"event_name": "FAILED", "reason": "no \"SIM\", sorry","timestamp": "T"}"#
            ),
            (
                "{\n  \"event_name\": \"FAILED\",\n  \"reason\": \"a\n\"b\"\",\n  \"timestamp\": \"T\"\n}",
                "{\n  \"event_name\": \"FAILED\",\n  \"reason\": \"a\\u000a\\\"b\\\"\",\"timestamp\": \"T\"\n}"
            ),
            // Early versions of the app had no comma there.
            (
                "{\"event_name\": \"FAILED\", \"reason\": \"a\"b\"\n  \"timestamp\": \"T\"}",
                #"{"event_name": "FAILED", "reason": "a\"b","timestamp": "T"}"#
            ),
            (
                #"{"event_name":"F","timestamp":"T","reason":"a"b\c"}"#,
                #"{"event_name":"F","timestamp":"T","reason":"a\"b\\c"}"#
            ),
            (
                #"{"event_name":"F","reason":""","timestamp":null}"#,
                #"{"event_name":"F","reason":"\"","timestamp":null}"#
            ),
            (
                #"{"reason":"a"b","timestamp":"T","event_name":"F"}"#,
                #"{"reason":"a\"b","timestamp":"T","event_name":"F"}"#
            ),
            // What looks like the next member does not end the text when another follows.
            (
                #"{"event_name":"F","reason":"x", "timestamp": "y"","timestamp":"T"}"#,
                #"{"event_name":"F","reason":"x\", \"timestamp\": \"y\"","timestamp":"T"}"#
            ),
            (#"{"event_name":"F","reason":"a"b"#, nil), (#"{"event_name":"F"}"#, nil), ("", nil), ("}", nil),
            (#"{"reason":1}"#, nil), (#"{"reason":"}"#, nil), (#"{"reason":""}"#, #"{"reason":""}"#),
        ] as [(String, String?)])
    func theTextBetweenTheQuotesIsEscaped(text: String, expected: String?) {
        #expect(Self.reason(text) == expected)
    }
}
