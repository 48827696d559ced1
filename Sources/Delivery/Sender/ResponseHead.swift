import NIOCore

/// The head of a final response.
struct ResponseHead: Sendable {
    /// How the end of the body is found (RFC 9112, 6.3, for the answer to a `POST`).
    enum Framing: Hashable, Sendable {
        case none
        case length(Int)
        case chunked
        case untilClose
    }

    let statusCode: Int
    let isHTTP11: Bool
    var headers: [(name: String, value: String)] = []

    /// How the body ends; anything ambiguous is read until the connection closes, which never desynchronises a reuse.
    var framing: Framing {
        if statusCode == 204 || statusCode == 304 { return .none }
        let codings = values(of: "transfer-encoding")
        guard codings.isEmpty else {
            let isChunked = isHTTP11 && codings.count == 1 && codings[0].lowercased() == "chunked"
            return isChunked ? .chunked : .untilClose
        }
        guard let first = values(of: "content-length").first else { return .untilClose }
        let isSane =
            first.utf8.count <= 18 && !first.isEmpty && first.utf8.allSatisfy { (0x30...0x39).contains($0) }
            && values(of: "content-length").allSatisfy { $0 == first }
        return isSane ? Int(first).map { .length($0) } ?? .untilClose : .untilClose
    }

    /// Whether the connection may carry another request once the body has ended.
    var allowsReuse: Bool {
        let tokens = values(of: "connection").flatMap { $0.split(separator: ",") }
        let asksToClose = tokens.contains { $0.lowercased().trimmingSpaces == "close" }
        // Both framings at once is how responses are smuggled (RFC 9112, 6.3): never reuse.
        let isAmbiguous = !values(of: "transfer-encoding").isEmpty && !values(of: "content-length").isEmpty
        return isHTTP11 && !asksToClose && !isAmbiguous && !announcesForbiddenBody && framing != .untilClose
    }

    /// Whether an answer that has no body by its status announces one: some receivers then send it.
    private var announcesForbiddenBody: Bool {
        guard framing == .none else { return false }
        return !values(of: "transfer-encoding").isEmpty || values(of: "content-length").contains { $0 != "0" }
    }

    private func values(of name: String) -> [String] {
        headers.filter { $0.name.utf8.count == name.utf8.count && $0.name.lowercased() == name }.map(\.value)
    }
}

extension StringProtocol {
    fileprivate var trimmingSpaces: SubSequence {
        let isSpace = { (character: Character) in character == " " || character == "\t" }
        let start = drop(while: isSpace)
        return start[..<(start.lastIndex { !isSpace($0) }.map(start.index(after:)) ?? start.startIndex)]
    }
}

extension ResponseHead {
    /// `HTTP/1.1 200` has 12 bytes.
    static let statusLineBytes = 12

    /// Whether `bytes` begin with a status line as far as they go; the first 12 bytes decide.
    static func mayBeginStatusLine(_ bytes: some Collection<UInt8>) -> Bool {
        zip(bytes, 0..<statusLineBytes).allSatisfy { byte, place in
            switch place {
            case 7: byte == 0x30 || byte == 0x31
            case 9...11: (0x30...0x39).contains(byte)
            default: byte == statusLinePattern[place]
            }
        }
    }

    private static let statusLinePattern = Array("HTTP/1.1 200".utf8)

    /// Parses `HTTP/1.x SP status [SP reason]`.
    ///
    /// - Throws: `invalid_response`.
    init(statusLine line: some Collection<UInt8>) throws(AttemptFailure) {
        let bytes = Array(line.prefix(13))
        guard bytes.count >= 12, bytes.starts(with: "HTTP/1.".utf8), bytes[7] == 0x30 || bytes[7] == 0x31,
            bytes[8] == 0x20, bytes[9...11].allSatisfy({ (0x30...0x39).contains($0) }), bytes[9] != 0x30,
            bytes.count == 12 || bytes[12] == 0x20
        else {
            throw AttemptFailure(.invalidResponse, "the status line is not one of HTTP/1.1")
        }
        statusCode = bytes[9...11].reduce(0) { $0 * 10 + Int($1 - 0x30) }
        isHTTP11 = bytes[7] == 0x31
    }
}
