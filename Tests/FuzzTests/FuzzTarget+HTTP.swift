import NIOCore

@testable import Agents
@testable import Client
@testable import Delivery
@testable import Gateway

extension FuzzTarget {
    /// What receivers and servers answer us.
    static let http: [FuzzTarget] = [response, eventStream, agentLine]

    private static let response = FuzzTarget(
        "http-response",
        words: [
            "HTTP/1.1 200 OK\r\n", "HTTP/1.0 204\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "Content-Length: 5\r\n",
            "Transfer-Encoding: chunked\r\n", "Connection: close\r\n", "\r\n\r\n", "0\r\n\r\n", "fffffff", "a;b=c\r\n",
            "\n ",
        ]
    ) { bytes in
        let whole = read([bytes[...]])
        for lengths in [[1], [7, 1, 3], [bytes.count / 2 + 1]] {
            let parted = read(bytes.pieces(lengths))
            try hold(whole.isError == parted.isError, "parts of \(lengths) bytes are judged otherwise")
            if whole.isError { continue }
            try hold(whole.parser.body == parted.parser.body, "the body differs in parts of \(lengths) bytes")
            try hold(whole.parser.progress == parted.parser.progress, "the end differs in parts of \(lengths) bytes")
            try hold(
                whole.parser.head?.statusCode == parted.parser.head?.statusCode
                    && whole.parser.head?.framing == parted.parser.head?.framing
                    && whole.parser.head?.headers.map(\.value) == parted.parser.head?.headers.map(\.value),
                "the head differs in parts of \(lengths) bytes")
        }
        let head = whole.parser.head
        try hold(whole.parser.body.count <= SenderLimits.keptBodyBytes, "the body is kept beyond its limit")
        try hold((head?.headers.count ?? 0) <= SenderLimits.headerCount, "more header fields than are allowed")
        try hold(head.map { (200...999).contains($0.statusCode) } ?? true, "the status is \(head?.statusCode ?? 0)")
        let isClean = head?.headers.allSatisfy { $0.value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 9 } }
        try hold(isClean ?? true, "a header field holds a control character")
    }

    private static func read(_ parts: [ArraySlice<UInt8>]) -> (parser: ResponseParser, isError: Bool) {
        var parser = ResponseParser(isReused: false)
        do {
            for part in parts { try parser.receive(ByteBuffer(bytes: part)) }
            return (parser, false)
        } catch {
            return (parser, true)
        }
    }

    /// Server-sent events, as the commands read them.
    private static let eventStream = FuzzTarget(
        "event-stream",
        words: ["data: ", "data:", "\n\n", "\r\n", ": open at 5\n", "id: 1\n", "event: a\n", "\u{FEFF}"]
    ) { bytes in
        let whole = events(of: [bytes[...]])
        for lengths in [[1], [5, 1, 2], [bytes.count / 2 + 1]] {
            try hold(events(of: bytes.pieces(lengths)) == whole, "parts of \(lengths) bytes are read otherwise")
        }
    }

    /// What an agent's program writes: cut into lines the same way however it comes, each a message or refused.
    private static let agentLine = FuzzTarget(
        "agent-line",
        words: [
            #""jsonrpc":"2.0""#, #""id":1"#, #""method":"tools/call""#, #""params":{"#, #""arguments":{"#, "\r\n",
            "null", #""to":["#, #""limit":"#, "-1", "[",
        ]
    ) { bytes in
        let whole = lines(of: [bytes[...]])
        for lengths in [[1], [5, 1, 2], [bytes.count / 2 + 1]] {
            try hold(lines(of: bytes.pieces(lengths)) == whole, "parts of \(lengths) bytes are read otherwise")
        }
        for case .complete(let line) in whole {
            guard let message = try? AgentMessage.read(line) else { continue }
            try hold((message.id?.count ?? 0) <= 256, "an id is longer than it may be")
            for name in message.parameters.names {
                _ = try? message.parameters.texts(name)
                _ = try? message.parameters.text(name)
                let number = try? message.parameters.integer(name, in: 1...5)
                try hold((1...5).contains((number ?? nil) ?? 1), "a number is out of its range")
            }
        }
    }

    private static func lines(of parts: [ArraySlice<UInt8>]) -> [AgentLines.Line] {
        var lines = AgentLines()
        let found = parts.flatMap { lines.add($0) }
        return found + [lines.end()].compactMap(\.self)
    }

    /// Nil when the stream is refused.
    private static func events(of parts: [ArraySlice<UInt8>]) -> [EventStreamParser.Found]? {
        var parser = EventStreamParser()
        var found: [EventStreamParser.Found] = []
        do {
            for part in parts { found += try parser.parse(part) }
            return found
        } catch {
            return nil
        }
    }
}
