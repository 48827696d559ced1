import NIOCore

/// Writes the head of a webhook request.
enum RequestHead {
    /// Fields that frame or route the message or negotiate the connection: the sender's own.
    static let reservedNames: Set<String> = [
        "connection", "content-length", "expect", "host", "keep-alive", "proxy-authorization", "proxy-connection", "te",
        "trailer", "transfer-encoding", "upgrade",
    ]

    /// Appends head and body of a request, ready for the socket; in absolute form where a proxy reads it.
    ///
    /// - Throws: `header_invalid` when a field could break out of its line or is reserved.
    static func write(
        _ request: WebhookRequest, to buffer: inout ByteBuffer, through proxy: EgressProxy? = nil
    ) throws(AttemptFailure) {
        let reader = request.url.isTLS ? nil : proxy
        let origin = reader == nil ? "" : "http://\(request.url.hostHeader)"
        buffer.writeString(
            "\(request.method.rawValue) \(origin)\(request.target) HTTP/1.1\r\nHost: \(request.url.hostHeader)\r\n")
        if let reader { buffer.writeString(reader.credentials) }
        for (name, value) in request.headers {
            try check(name: name, value: value)
            buffer.writeString(name)
            buffer.writeStaticString(": ")
            buffer.writeString(value)
            buffer.writeStaticString("\r\n")
        }
        buffer.writeString("Content-Length: \(request.body.count)\r\n\r\n")
        buffer.writeBytes(request.body)
    }

    /// Whether `name` is a token (RFC 9110, 5.6.2).
    static func isToken(_ name: String) -> Bool { !name.isEmpty && holds(name, isTokenByte) }

    private static func check(name: String, value: String) throws(AttemptFailure) {
        guard isToken(name) else {
            throw AttemptFailure(.headerInvalid, "a header name has characters that are not allowed")
        }
        // Visible ASCII, space and tab (RFC 9110, 5.5); beyond ASCII receivers disagree on the reading.
        guard holds(value, { (0x20...0x7E).contains($0) || $0 == 0x09 }) else {
            throw AttemptFailure(.headerInvalid, "the value of \(name) has characters that are not allowed")
        }
        guard !isReserved(name) else {
            throw AttemptFailure(.headerInvalid, "\(name) is set by the sender")
        }
    }

    /// Whether `isAllowed` holds for each byte of `text`. Over its bytes where they lie, as nearly all texts have them: the
    /// general way takes ten times as long.
    @inline(__always)
    private static func holds(_ text: String, _ isAllowed: (UInt8) -> Bool) -> Bool {
        text.utf8.withContiguousStorageIfAvailable { bytes in
            for byte in bytes where !isAllowed(byte) { return false }
            return true
        } ?? text.utf8.allSatisfy(isAllowed)
    }

    /// Most names are told by their first letter.
    private static func isReserved(_ name: String) -> Bool {
        switch (name.utf8.first ?? 0) | 0x20 {
        case UInt8(ascii: "c"), UInt8(ascii: "e"), UInt8(ascii: "h"), UInt8(ascii: "k"), UInt8(ascii: "p"),
            UInt8(ascii: "t"), UInt8(ascii: "u"):
            reservedNames.contains(name.lowercased())
        default: false
        }
    }

    /// `tchar` of RFC 9110, 5.6.2.
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"),
            UInt8(ascii: "%"), UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"),
            UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"),
            UInt8(ascii: "|"), UInt8(ascii: "~"):
            true
        default: false
        }
    }
}
