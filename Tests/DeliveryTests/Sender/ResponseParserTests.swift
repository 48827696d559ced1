import NIOCore
import TestSupport
import Testing

@testable import Delivery

@Suite struct ResponseParserTests {
    private let chunked =
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 Fine\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
        + "3;a=b\r\nabc\r\n0A\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"

    private func parse<Text: StringProtocol>(_ pieces: [Text], isReused: Bool = false) throws -> ResponseParser {
        var parser = ResponseParser(isReused: isReused)
        for piece in pieces { try parser.receive(ByteBuffer(bytes: piece.utf8)) }
        return parser
    }

    @Test func everySplitGivesTheSameResponse() throws {
        for offset in 0...chunked.utf8.count {
            let split = chunked.utf8.index(chunked.startIndex, offsetBy: offset)
            let parser = try parse([chunked[..<split], chunked[split...]])

            #expect(parser.progress == .done(reusable: true), "split at \(offset)")
            #expect(parser.head?.statusCode == 200)
            #expect(parser.head?.headers.map(\.value) == ["1", "chunked"])
            #expect(parser.body == Array("abc0123456789".utf8))
        }
    }

    @Test func oneByteAtATimeGivesTheSameResponse() throws {
        let bytes = chunked.utf8.indices.map { chunked[$0..<chunked.utf8.index(after: $0)] }
        let parser = try parse(bytes)

        #expect(parser.progress == .done(reusable: true))
        #expect(parser.body == Array("abc0123456789".utf8))
    }

    @Test(arguments: [
        ("X: a\u{0}b\u{1b}[0m\u{7f}", "a?b?[0m?"), ("X:\t  padded \t", "padded"), ("X:", ""),
        ("X: a\r\n  b\r\n\tc", "a b c"), ("X: a:b", "a:b"),
    ])
    func aHeaderValueIsTrimmedUnfoldedAndMadeSafe(line: String, value: String) throws {
        let parser = try parse(["HTTP/1.1 200 OK\r\n\(line)\r\n\r\n"])

        #expect(parser.head?.headers.map(\.value) == [value])
    }

    /// Bytes that the answer before left behind, and how this one is read after them in whatever pieces it comes.
    @Test(arguments: [
        "", "\r\n", "\n", "ok", "ok\r\n\r\n", "\u{0}", "HTTP/1.1 20", "HHTTP/1.1 x00 \r\n", "HTTP/1.1\r\n",
    ])
    func leftoversOnAReusedConnectionAreSkipped(leftovers: String) throws {
        let text = leftovers + chunked
        for offset in 0...text.utf8.count {
            let split = text.utf8.index(text.startIndex, offsetBy: offset)
            let parser = try parse([text[..<split], text[split...]], isReused: true)

            #expect(parser.progress == .done(reusable: true), "split at \(offset)")
            #expect(parser.head?.statusCode == 200)
            #expect(parser.head?.headers.map(\.value) == ["1", "chunked"])
            #expect(parser.hasSkippedLeftovers == !leftovers.isEmpty)
        }
        let bytes = text.utf8.indices.map { text[$0..<text.utf8.index(after: $0)] }
        #expect(try parse(bytes, isReused: true).body == Array("abc0123456789".utf8))
    }

    @Test func leftoversEndAt32KiB() throws {
        let failure = #expect(throws: AttemptFailure.self) {
            try parse(Array(repeating: String(repeating: "a", count: 1_024), count: 33), isReused: true)
        }
        #expect(failure?.code == .invalidResponse)
    }

    @Test func invalidUTF8BecomesTheReplacementCharacter() throws {
        var parser = ResponseParser(isReused: false)
        try parser.receive(ByteBuffer(bytes: Array("HTTP/1.1 200 OK\r\nX: ".utf8) + [0xFF, 0x0D, 0x0A, 0x0D, 0x0A]))

        #expect(parser.head?.headers.map(\.value) == ["\u{FFFD}"])
    }

    @Test func the32ndKiBOfAHeadIsTheLast() throws {
        let start = "HTTP/1.1 304 OK\r\nX: "
        let end = "\r\n\r\n"
        let fill = { String(repeating: "a", count: 32 * 1_024 - start.utf8.count - end.utf8.count + $0) }

        #expect(try parse([start + fill(0) + end]).progress == .done(reusable: true))
        #expect(throws: AttemptFailure.self) { try parse([start + fill(1) + end]) }
    }

    @Test func interimHeadsCountAgainstTheHead() throws {
        let interim = "HTTP/1.1 103 Hints\r\nX: " + String(repeating: "a", count: 4 * 1_024) + "\r\n\r\n"

        let failure = #expect(throws: AttemptFailure.self) {
            try parse([String(repeating: interim, count: 8)])
        }
        #expect(failure?.code == .responseTooLarge)
    }

    @Test func theBodyIsReadUpTo64KiBAndKeptUpTo16() throws {
        let head = "HTTP/1.1 200 OK\r\n\r\n"
        let body = { String(repeating: "a", count: $0) }

        let shorter = try parse([head + body(64 * 1_024 - 1)])
        let longer = try parse([head + body(64 * 1_024)])

        #expect(shorter.progress == .body)
        #expect(shorter.body.count == 16 * 1_024)
        #expect(longer.progress == .done(reusable: false))
    }

    @Test func noBytesTrapTheParser() throws {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(seed: seed)
        let alphabet = Array("HTTP/1. 203\r\n:;-aAfF0\u{0}Content-Length".utf8) + [0x80, 0xFF]
        let heads = [
            "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n",
        ]
        var finished = 0

        for _ in 0..<5_000 {
            var parser = ResponseParser(isReused: false)
            let noise = (0..<Int.random(in: 0..<40, using: &generator)).compactMap { _ in
                alphabet.randomElement(using: &generator)
            }
            let start = Array((heads.randomElement(using: &generator) ?? "").utf8)
            // Most noise is refused; that it neither traps nor loops is the claim.
            try? parser.receive(ByteBuffer(bytes: start))
            try? parser.receive(ByteBuffer(bytes: noise))
            if case .done = parser.progress { finished += 1 }
        }

        #expect(finished > 0, "seed \(seed)")
    }
}
