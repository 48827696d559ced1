import Foundation
import JSON
import TestSupport
import Testing

@testable import Gateway

/// Marks in a row, which comparing takes the square of: wherever text of strangers comes in, no run stays longer than 30.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct StreamSafeTextTests {
    /// A letter with `count` marks of two classes, which have to be sorted.
    private static func marked(_ count: Int) -> String {
        "a" + String(repeating: "\u{301}\u{323}", count: count / 2)
    }

    /// The longest run of scalars that are no letters, counted in another way than by the code under test.
    private static func longestRun(_ text: String) -> Int {
        text.unicodeScalars.split { scalar in
            let parts = String(scalar).decomposedStringWithCanonicalMapping.unicodeScalars
            return parts.first?.properties.canonicalCombiningClass == .notReordered
        }.map(\.count).max() ?? 0
    }

    @Test func shortRunsStayAsTheyAre() {
        for text in ["", "a", "Grüße", "e\u{301}", "שָׁלוֹם", "น้ำ", Self.marked(30), "👨‍👩‍👧🇩🇪", "\u{34F}"] {
            #expect(StreamSafeText.made(of: text).unicodeScalars.elementsEqual(text.unicodeScalars))
        }
    }

    @Test(arguments: [31, 60, 61, 1_000, 200_000]) func longRunsAreBroken(_ count: Int) {
        let text = Self.marked(count + 1)
        let made = StreamSafeText.made(of: text)

        #expect(Self.longestRun(made) <= 30)
        // Nothing is lost, and done twice it is done once.
        #expect(made.unicodeScalars.filter { $0 != "\u{34F}" }.elementsEqual(text.unicodeScalars))
        #expect(StreamSafeText.made(of: made).unicodeScalars.elementsEqual(made.unicodeScalars))
    }

    /// Vowels that are letters until they are taken apart.
    @Test func tibetanVowelsCount() {
        let made = StreamSafeText.made(of: String(repeating: "\u{F73}\u{F75}\u{F81}", count: 10_000))

        #expect(Self.longestRun(made) <= 30)
        #expect(made.decomposedStringWithCanonicalMapping.unicodeScalars.count > 60_000)
    }

    /// In a name and in a value, as they are and escaped: what a decoder gets has short runs.
    @Test(arguments: [false, true]) func aBodyOfJSONIsBrokenBeforeItIsDecoded(isEscaped: Bool) throws {
        var text = Self.marked(10_000)
        if isEscaped { text = text.replacing("\u{301}", with: "\\u0301").replacing("\u{323}", with: "\\u0323") }
        let body = try JSONBody("{\"\(text)\":\"\(text)\",\"b\":\"\\ud800\\udc00\(text)\"}".utf8)

        let decoded = try JSONDecoder().decode([String: String].self, from: Data(body.bytes))
        #expect(decoded.count == 2)
        for text in Array(decoded.keys) + Array(decoded.values) { #expect(Self.longestRun(text) <= 30) }
        #expect(decoded.keys.map(\.unicodeScalars.count).max() ?? 0 > 10_000)
    }

    /// Marks beyond the first plane come as pairs.
    @Test func pairsOfEscapesAreOneMark() throws {
        // U+1D165 and U+1D16D, musical marks of two classes.
        let body = try JSONBody("\"\(String(repeating: "\\ud834\\udd65\\ud834\\udd6d", count: 1_000))\"".utf8)

        let text = try JSONDecoder().decode(String.self, from: Data(body.bytes))
        #expect(Self.longestRun(text) <= 30)
        #expect(text.unicodeScalars.filter { $0 != "\u{34F}" }.count == 2_000)
    }

    @Test func formsFilesAndHeadersAreBroken() throws {
        let text = Self.marked(5_000)
        let escaped = text.utf8.map { "%" + String($0, radix: 16, uppercase: true) }.joined()
        for query in ["\(text)=\(text)", "\(escaped)=\(escaped)"] {
            let parameters = QueryParameters(query: query)
            let value = try #require(parameters[StreamSafeText.made(of: text)])
            #expect(Self.longestRun(value) <= 30)
        }
        for field in ForwardedText.fields("\(escaped)=\(text)".utf8, charset: nil) {
            #expect(Self.longestRun(field.name) <= 30 && Self.longestRun(field.value) <= 30)
        }
        let header = HeaderParameters("\(text); name=\"\(text)\"; \(text)=1".utf8)
        #expect(Self.longestRun(header.value) <= 30)
        #expect(Self.longestRun(header["name"] ?? "") <= 30)
        #expect(Self.longestRun(XLSXText.decoded(text)) <= 30)
        #expect(Self.longestRun(XLSXText.decoded(text + "_x0041_")) <= 30)
    }

    @Test func aHeaderOrAPathWithThemIsRefusedAndAnSMSIsKept() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            let long = Self.marked(2_000)

            for headers in [[("Authorization", long)], [("x-api-key", long)], [("X-Other", long)], [("Host", long)]] {
                #expect(try await server.client.send("GET", "/sign-in", headers: headers, body: nil).status == 400)
            }
            let path = "/v1/messages/" + long.utf8.map { "%" + String($0, radix: 16) }.joined()
            #expect(try await account.client.get(path).status == 400)
            let stored = try await phone.receive(["from": "+18005550100", "content": .string(long)])
                .data["content"].string
            #expect(stored.unicodeScalars.filter { $0 != "\u{34F}" }.elementsEqual(long.unicodeScalars))
            #expect(Self.longestRun(stored) <= 30)
        }
    }
}
