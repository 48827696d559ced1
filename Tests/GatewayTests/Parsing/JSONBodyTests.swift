import JSON
import TestSupport
import Testing

@testable import Gateway

/// What of a JSON body goes to a decoder.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct JSONBodyTests {
    private static func read(_ text: String) throws -> String {
        String(decoding: try JSONBody(text.utf8).bytes, as: UTF8.self)
    }

    @Test(arguments: [
        (#"{"a":"\u0000"}"#, #"{"a":"\uFFFD"}"#), (#""\\u0000""#, #""\\u0000""#),
        (#""\\\u0000\u0000""#, #""\\\uFFFD\uFFFD""#),
        (#""\u000""#, #""\u000""#), (#""\u0001""#, #""\u0001""#), (#""\u0000"#, #""\uFFFD"#), (#""\"#, #""\"#),
        (#"\u0000"#, #"\u0000"#), ("", ""), (#""[[[{{{,,,""#, #""[[[{{{,,,""#),
    ]) func aNULThatIsEscapedIsReplaced(text: String, expected: String) throws {
        #expect(try Self.read(text) == expected)
    }

    @Test(arguments: [
        (#""\ud83d""#, #""\uFFFD""#), (#""\uD83D\uDE00""#, #""\uD83D\uDE00""#), (#""\ude00""#, #""\uFFFD""#),
        (#""\ude00\ud83d""#, #""\uFFFD\uFFFD""#), (#""\ud83d\ud83d\ude00""#, #""\uFFFD\ud83d\ude00""#),
        (#""\ud83d\ude00\ude00""#, #""\ud83d\ude00\uFFFD""#), (#""\ud83dx\ude00""#, #""\uFFFDx\uFFFD""#),
        (#""\ud83d\n""#, #""\uFFFD\n""#), (#""\ud83d\u0041""#, #""\uFFFD\u0041""#),
        (#""\\ud83d""#, #""\\ud83d""#), (#""\\\ud83d""#, #""\\\uFFFD""#), (#""\ud83"#, #""\ud83"#),
        (#""\ud83d"#, #""\uFFFD"#), (#""\ud83d\u"#, #""\uFFFD\u"#), (#""\ud83d\\ude00""#, #""\uFFFD\\ude00""#),
        (#"{"\udbff":1}"#, #"{"\uFFFD":1}"#), (#""\ud7ff\ue000""#, #""\ud7ff\ue000""#),
    ]) func halfASurrogatePairIsReplaced(text: String, expected: String) throws {
        #expect(try Self.read(text) == expected)
    }

    @Test(arguments: [
        ("[1.5,-0.5,1e400,1,-1,1.0,1e3,0]", "[true,true,true,1,-1,1.0,1e3,0]"),
        ("[9223372036854775807,9223372036854775808,-9223372036854775809]", "[9223372036854775807,true,true]"),
        (#"{"1.5":"1.5","a\"":2.5}"#, #"{"1.5":"1.5","a\"":true}"#),
        // What is not a number of JSON stays what it is.
        ("[-,1.,.5,01.5,1.2.3,1e,1-1.5]", "[-,1.,.5,01.5,1.2.3,1e,1-1.5]"), ("", ""),
    ]) func numbersThatAreNoIntegersAreMarked(text: String, expected: String) throws {
        #expect(String(decoding: try JSONBody(text.utf8).withoutFractions, as: UTF8.self) == expected)
    }

    @Test func depthAndNumberOfValuesAreBounded() throws {
        let nested = { (depth: Int, begin: String, end: String) in
            String(repeating: begin, count: depth) + String(repeating: end, count: depth)
        }
        for (begin, end) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
            let levels = begin.count { "[{".contains($0) }
            #expect(throws: Never.self) { try Self.read(nested(64 / levels, begin, end)) }
            #expect(throws: JSONBody.Fault.tooDeep) { try Self.read(nested(64 / levels + 1, begin, end)) }
            #expect(throws: JSONBody.Fault.tooDeep) { try Self.read(nested(100_000, begin, end)) }
        }
        let list = { (count: Int) in "[\(Array(repeating: "0", count: count).joined(separator: ","))]" }
        #expect(throws: Never.self) { try Self.read(list(9_999)) }
        #expect(throws: JSONBody.Fault.tooManyValues) { try Self.read(list(10_000)) }
        #expect(throws: JSONBody.Fault.tooManyValues) { try Self.read(String(repeating: "{}", count: 10_000)) }
    }

    @Test(
        arguments: [[0xfe, 0xff, 0, 0x5b], [0xff, 0xfe, 0x5b, 0], [0x5b, 0], [0, 0, 0, 0x5b], [0x22, 0, 0x22]]
            as [[UInt8]])
    func otherEncodingsAreNoJSON(bytes: [UInt8]) {
        #expect(throws: JSONBody.Fault.invalid) { try JSONBody(bytes) }
    }

    @Test(arguments: [
        "\\", "\\u", "\\u0000", "\\u000", "\\u00001", "\\ud83d", "\\ud83d\\ude00", "\"", "\\\"", "[]", "a",
    ])
    func
        noByteIsLookedAtMoreThanThreeTimes(piece: String) throws
    {
        for count in [10_000, 20_000, 40_000] {
            let text = "\"" + String(repeating: piece, count: count)
            #expect(try JSONBody(text.utf8).bytesExamined <= 3 * text.utf8.count)
        }
    }

    @Test func aBodyThatIsTooMuchForADecoderIsRefusedWithAReason() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            let bodies = [
                (
                    "{\"x\":\(String(repeating: "[", count: 600))\(String(repeating: "]", count: 600))}",
                    "64 levels deep"
                ),
                ("{\"x\":[\(Array(repeating: "{}", count: 10_000).joined(separator: ","))]}", "10000 values"),
                ("{\"x\":[\(Array(repeating: "0", count: 5_000_000).joined(separator: ","))]}", "10000 values"),
            ]
            for (body, reason) in bodies {
                for headers in [[], [("Idempotency-Key", "1")]] {
                    let answer = try await phone.client.send(
                        "POST", "/v1/messages/receive", headers: [("Content-Type", "application/json")] + headers,
                        body: Array(body.utf8))

                    #expect(answer.status == 400, "\(answer)")
                    #expect(answer.data.string.contains(reason), "\(answer)")
                }
            }
        }
    }
}
