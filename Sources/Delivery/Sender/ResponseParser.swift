import NIOCore

/// Reads one response, a piece at a time, with bounds on everything; a value without sockets.
///
/// Our own rather than NIO's decoder, because the outcome hangs on the head alone: interim heads, the reason phrase and
/// trailers count against the same 32 KiB, bytes that cannot be HTTP fail at once instead of at the deadline, and
/// whatever is wrong after a final status line of 2xx only costs the connection.
///
/// | what comes before the status line | a fresh connection | one that carried another request |
/// |---|---|---|
/// | CR, LF | `invalid_response` | skipped: the answer before had more bytes than it announced |
/// | other bytes | `invalid_response` | skipped, up to 32 KiB |
struct ResponseParser {
    /// How far the response has been read.
    enum Progress: Hashable, Sendable {
        /// The final head is not complete.
        case head
        /// The final head is known, the body goes on.
        case body
        /// Nothing more is wanted; the connection may carry another request or not.
        case done(reusable: Bool)
    }

    private(set) var progress = Progress.head

    /// The final head once ``progress`` is beyond `.head`.
    private(set) var head: ResponseHead?

    /// The first 16 KiB of the body.
    private(set) var body: [UInt8] = []

    /// Whether bytes of the answer before were skipped: the receiver miscounts, and more may follow this answer.
    private(set) var hasSkippedLeftovers = false

    /// Whether what comes before a status line is what is left of the answer before.
    private var mayHaveLeftovers: Bool
    private var pending: ByteBuffer?
    private var scanned = 0
    private var headBytes = 0
    private var interimResponses = 0
    private var current: ResponseHead?
    private var bodyReader = BodyReader(framing: .none)

    /// Prepares for one answer; `isReused` when the connection carried another request before.
    init(isReused: Bool) {
        mayHaveLeftovers = isReused
    }

    /// The head that decides: the final one, or as much as was read of one whose status line says 2xx.
    var answer: ResponseHead? {
        head ?? current.flatMap { (200..<300).contains($0.statusCode) ? $0 : nil }
    }

    /// Takes the next bytes.
    ///
    /// - Throws: `invalid_response` or `response_too_large`, only while there is no ``answer``.
    mutating func receive(_ bytes: ByteBuffer) throws(AttemptFailure) {
        var bytes = bytes
        if progress == .head {
            if pending?.writeBuffer(&bytes) != nil, let joined = pending { bytes = joined }
            do throws(AttemptFailure) {
                try readHead(&bytes)
            } catch {
                guard let answer else { throw error }
                head = answer
                progress = .done(reusable: false)
                return
            }
            pending = progress == .head ? bytes : nil
        }
        switch progress {
        case .head: break
        case .body: readBody(bytes)
        // Bytes beyond the end belong to no request of ours.
        case .done: if bytes.readableBytes > 0 { progress = .done(reusable: false) }
        }
    }

    private mutating func readHead(_ bytes: inout ByteBuffer) throws(AttemptFailure) {
        try skipLeftovers(&bytes)
        while progress == .head {
            let view = bytes.readableBytesView
            if current == nil, !view.prefix(7).elementsEqual("HTTP/1.".utf8.prefix(view.count)) {
                throw AttemptFailure(.invalidResponse, "the answer does not begin like HTTP/1.1")
            }
            guard let newline = view[(view.startIndex + scanned)...].firstIndex(of: 0x0A) else {
                scanned = view.count
                guard headBytes + view.count <= SenderLimits.headBytes else { throw Self.headTooLarge }
                return
            }
            // A lone line feed ends a line too (RFC 9112, 2.2).
            let isCRLF = newline > view.startIndex && view[newline - 1] == 0x0D
            let line = view[view.startIndex..<(isCRLF ? newline - 1 : newline)]
            let length = newline + 1 - view.startIndex
            headBytes += length
            scanned = 0
            guard headBytes <= SenderLimits.headBytes else { throw Self.headTooLarge }
            try read(line: line)
            bytes.moveReaderIndex(forwardBy: length)
        }
    }

    /// Drops what comes before the first status line, or before what may become one. Each byte is looked at once, but for
    /// the last 12.
    private mutating func skipLeftovers(_ bytes: inout ByteBuffer) throws(AttemptFailure) {
        guard mayHaveLeftovers else { return }
        let view = bytes.readableBytesView
        let start = view.indices.first { ResponseHead.mayBeginStatusLine(view[$0...]) } ?? view.endIndex
        let count = start - view.startIndex
        hasSkippedLeftovers = hasSkippedLeftovers || count > 0
        headBytes += count
        scanned = max(scanned - count, 0)
        bytes.moveReaderIndex(forwardBy: count)
        guard headBytes <= SenderLimits.headBytes else {
            throw AttemptFailure(.invalidResponse, "no answer begins in the first \(SenderLimits.headBytes) bytes")
        }
        mayHaveLeftovers = bytes.readableBytes < ResponseHead.statusLineBytes
    }

    private mutating func read(line: ByteBufferView) throws(AttemptFailure) {
        guard var head = current else {
            current = try ResponseHead(statusLine: line)
            return
        }
        guard line.isEmpty else {
            try Self.read(field: line, into: &head)
            current = head
            return
        }
        current = nil
        switch head.statusCode {
        case 101: throw AttemptFailure(.invalidResponse, "the receiver switched protocols without being asked")
        case 100..<200:
            interimResponses += 1
            guard interimResponses <= SenderLimits.interimResponses else {
                throw AttemptFailure(.invalidResponse, "more than \(SenderLimits.interimResponses) interim responses")
            }
        default:
            self.head = head
            bodyReader = BodyReader(framing: head.framing)
            progress = bodyReader.isAtEnd ? .done(reusable: head.allowsReuse) : .body
        }
    }

    private static func read(field line: ByteBufferView, into head: inout ResponseHead) throws(AttemptFailure) {
        if let first = line.first, isSpace(first) {
            // obs-fold continues the line before it (RFC 9112, 5.2).
            guard let last = head.headers.indices.last else {
                throw AttemptFailure(.invalidResponse, "a header line begins with a space")
            }
            head.headers[last].value += " " + text(line)
            return
        }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex else {
            throw AttemptFailure(.invalidResponse, "a header line has no name")
        }
        guard head.headers.count < SenderLimits.headerCount else {
            throw AttemptFailure(.responseTooLarge, "more than \(SenderLimits.headerCount) header fields")
        }
        head.headers.append((text(line[..<colon]), text(line[(colon + 1)...])))
    }

    private mutating func readBody(_ bytes: ByteBuffer) {
        let end = bodyReader.read(bytes.readableBytesView, keeping: &body)
        switch end {
        case .clean: progress = .done(reusable: head?.allowsReuse ?? false)
        case .broken: progress = .done(reusable: false)
        case nil: break
        }
    }

    private static let headTooLarge = AttemptFailure(
        .responseTooLarge, "the head is larger than \(SenderLimits.headBytes) bytes")

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    /// The bytes without surrounding blanks; what is not UTF-8 becomes U+FFFD, control characters become `?`.
    private static func text(_ bytes: ByteBufferView) -> String {
        var bytes = bytes
        while let first = bytes.first, isSpace(first) { bytes = bytes.dropFirst() }
        while let last = bytes.last, isSpace(last) { bytes = bytes.dropLast() }
        let isClean = bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
        guard !isClean else { return String(decoding: bytes, as: UTF8.self) }
        // A NUL would be refused by PostgreSQL's text, others play tricks on terminals.
        let safe = bytes.map { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 ? $0 : UInt8(ascii: "?") }
        return String(decoding: safe, as: UTF8.self)
    }
}
