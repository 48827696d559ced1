import Foundation
import NIOCore

/// Cuts HTTP/1.1 messages with a `Content-Length` out of a stream of bytes.
///
/// The sink and the load generator share two cores with the server that they measure; a complete parser would cost as
/// much as the server's own. They talk to known peers only, which never send chunks.
struct RawHTTPMessages {
    private var buffer = ByteBuffer()

    /// A complete message.
    struct Message {
        /// The first line, without its end.
        let startLine: String
        let body: ByteBuffer
    }

    /// Adds what was read from the socket.
    mutating func append(_ bytes: ByteBuffer) {
        if buffer.readableBytes == 0 {
            buffer = bytes
        } else {
            var bytes = bytes
            buffer.writeBuffer(&bytes)
        }
    }

    /// Takes the next message; nil when it is not complete yet.
    mutating func next() -> Message? {
        let head = buffer.withUnsafeReadableBytes { bytes -> (line: String, length: Int, bodyLength: Int)? in
            guard let length = bytes.end(of: "\r\n\r\n") else { return nil }
            let head = UnsafeRawBufferPointer(rebasing: bytes[..<length])
            let line = head.firstIndex(of: 0x0d).map { String(decoding: head[..<$0], as: UTF8.self) } ?? ""
            return (line, length, Self.contentLength(head))
        }
        guard let head, buffer.readableBytes >= head.length + head.bodyLength else { return nil }
        buffer.moveReaderIndex(forwardBy: head.length)
        guard let body = buffer.readSlice(length: head.bodyLength) else { return nil }
        return Message(startLine: head.line, body: body)
    }

    /// The value of `Content-Length`; 0 when there is none.
    private static func contentLength(_ head: UnsafeRawBufferPointer) -> Int {
        let name = "content-length:"
        guard let start = head.baseAddress else { return 0 }
        var index = 0
        while index + name.utf8.count < head.count {
            guard let lineFeed = memchr(start + index, 0x0a, head.count - index) else { return 0 }
            index = UnsafeRawPointer(lineFeed) - start + 1
            let line = (start + index).assumingMemoryBound(to: CChar.self)
            guard index + name.utf8.count < head.count, strncasecmp(line, name, name.utf8.count) == 0 else { continue }
            var value = 0
            for byte in head[(index + name.utf8.count)...].drop(while: { $0 == 0x20 }) {
                guard (0x30...0x39).contains(byte) else { break }
                value = value * 10 + Int(byte - 0x30)
            }
            return value
        }
        return 0
    }
}

extension UnsafeRawBufferPointer {
    /// Where the first occurrence of `marker` ends; nil when it does not occur.
    func end(of marker: StaticString) -> Int? {
        let length = marker.utf8CodeUnitCount
        guard let start = baseAddress else { return nil }
        var index = 0
        while index + length <= count {
            let first = Int32(marker.utf8Start.pointee)
            guard let found = memchr(start + index, first, count - index - length + 1) else { return nil }
            if memcmp(found, marker.utf8Start, length) == 0 { return UnsafeRawPointer(found) - start + length }
            index = UnsafeRawPointer(found) - start + 1
        }
        return nil
    }
}
