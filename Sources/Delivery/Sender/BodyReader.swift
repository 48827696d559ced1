import NIOCore

/// Finds the end of a response's body and keeps its beginning.
struct BodyReader {
    /// How a body ends.
    enum End: Hashable, Sendable {
        /// At the byte that its framing announced: the connection is in step.
        case clean
        /// Past the cap, malformed, or followed by bytes that nobody asked for.
        case broken
    }

    private enum State {
        case data(remaining: Int)
        case untilClose
        case chunkLine(size: Int?, length: Int, inExtension: Bool)
        case chunkData(remaining: Int)
        case chunkEnd
        case trailer(lineLength: Int)
        case ended(End)
    }

    private var state: State
    private var bytesRead = 0

    init(framing: ResponseHead.Framing) {
        switch framing {
        case .none, .length(0): state = .ended(.clean)
        case .length(let length): state = .data(remaining: length)
        case .chunked: state = .chunkLine(size: nil, length: 0, inExtension: false)
        case .untilClose: state = .untilClose
        }
    }

    /// Whether there is no body to read.
    var isAtEnd: Bool {
        if case .ended = state { true } else { false }
    }

    /// Reads on; returns how the body ended, or nil when it goes on.
    mutating func read(_ bytes: ByteBufferView, keeping body: inout [UInt8]) -> End? {
        bytesRead += bytes.count
        var rest = bytes[...]
        while let first = rest.first {
            switch state {
            case .ended: return .broken
            case .untilClose:
                Self.keep(rest, in: &body)
                rest = rest[rest.endIndex...]
            case .data(let remaining):
                let part = take(&rest, atMost: remaining, in: &body)
                state = part == remaining ? .ended(.clean) : .data(remaining: remaining - part)
            case .chunkData(let remaining):
                let part = take(&rest, atMost: remaining, in: &body)
                state = part == remaining ? .chunkEnd : .chunkData(remaining: remaining - part)
            case .chunkLine, .chunkEnd, .trailer:
                rest = rest.dropFirst()
                state = after(first)
            }
        }
        if case .ended(let end) = state { return end }
        return bytesRead >= SenderLimits.readBodyBytes ? .broken : nil
    }

    /// The state after one byte of chunked framing (RFC 9112, 7.1); a lone line feed ends a line too.
    private func after(_ byte: UInt8) -> State {
        switch state {
        case .chunkLine(let size, let length, let inExtension):
            guard length < SenderLimits.chunkLineBytes else { return .ended(.broken) }
            if byte == 0x0A {
                guard let size else { return .ended(.broken) }
                return size == 0 ? .trailer(lineLength: 0) : .chunkData(remaining: size)
            }
            if inExtension || byte == UInt8(ascii: ";") || Self.isBlank(byte) {
                guard size != nil else { return .ended(.broken) }
                return .chunkLine(size: size, length: length + 1, inExtension: true)
            }
            // 7 hexadecimal digits, 256 MiB, are far beyond what is read.
            guard let digit = Self.hexadecimal(byte), (size ?? 0) < 1 << 24 else { return .ended(.broken) }
            return .chunkLine(size: ((size ?? 0) << 4) | digit, length: length + 1, inExtension: false)
        case .chunkEnd:
            if byte == 0x0D { return .chunkEnd }
            return byte == 0x0A ? .chunkLine(size: nil, length: 0, inExtension: false) : .ended(.broken)
        case .trailer(let lineLength):
            if byte == 0x0A { return lineLength == 0 ? .ended(.clean) : .trailer(lineLength: 0) }
            return byte == 0x0D ? state : .trailer(lineLength: lineLength + 1)
        case .data, .untilClose, .chunkData, .ended:
            return state
        }
    }

    private func take(_ rest: inout ByteBufferView, atMost count: Int, in body: inout [UInt8]) -> Int {
        let part = rest.prefix(count)
        Self.keep(part, in: &body)
        rest = rest[part.endIndex...]
        return part.count
    }

    private static func keep(_ bytes: ByteBufferView, in body: inout [UInt8]) {
        body.append(contentsOf: bytes.prefix(max(SenderLimits.keptBodyBytes - body.count, 0)))
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }

    private static func hexadecimal(_ byte: UInt8) -> Int? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): Int(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): Int(byte - UInt8(ascii: "A") + 10)
        default: nil
        }
    }
}
