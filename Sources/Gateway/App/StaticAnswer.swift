import CZlib
import HTTPTypes
import Hummingbird
import NIOCore
import Secrets
import Wire

/// An answer that never changes and holds nothing of anybody: a page of the documentation, a style sheet.
///
/// Only such answers are compressed. Where a page holds a secret beside text that somebody else chose, the length of what was
/// compressed tells of the secret ([BREACH](https://www.breachattack.com)).
package struct StaticAnswer: Sendable {
    private let type: String
    private let whole: ByteBuffer
    /// In the format of gzip; nil where that would not be smaller.
    private let compressed: ByteBuffer?
    /// The same for both: what it means is the same (RFC 9110, section 8.8.1).
    private let tag: String

    /// Compresses `bytes`, whose media type is `type`.
    package init(_ bytes: [UInt8], _ type: String) {
        self.type = type
        whole = ByteBuffer(bytes: bytes)
        compressed = Gzip.compressed(bytes).flatMap { $0.count < bytes.count ? ByteBuffer(bytes: $0) : nil }
        tag = "W/\"\(SHA256Digest.bytes(of: bytes).prefix(8).hexadecimal)\""
    }

    /// UTF-8.
    init(_ text: String, _ type: String) {
        self.init(Array(text.utf8), type)
    }

    /// The answer to `request`: compressed where it says that it takes gzip, and 304 without a body where it names what it has.
    package func response(to request: Request, keep: String = "no-cache") -> Response {
        var headers: HTTPFields = [.contentType: type, .cacheControl: keep, .eTag: tag, .vary: "Accept-Encoding"]
        if let known = request.headers[.ifNoneMatch], Self.names(known, tag) {
            headers[.contentType] = nil
            return Response(status: .notModified, headers: headers)
        }
        guard let compressed, Self.takesGzip(request.headers[.acceptEncoding] ?? "") else {
            return Response(status: .ok, headers: headers, body: .init(byteBuffer: whole))
        }
        headers[.contentEncoding] = "gzip"
        return Response(status: .ok, headers: headers, body: .init(byteBuffer: compressed))
    }

    /// Whether a list of entity tags holds `tag`, compared weakly (RFC 9110, section 13.1.2).
    static func names(_ list: String, _ tag: String) -> Bool {
        func strong(_ tag: some StringProtocol) -> String { String(tag.hasPrefix("W/") ? tag.dropFirst(2) : tag[...]) }
        return list.split(separator: ",").map { String($0).trimmed }.contains { $0 == "*" || strong($0) == strong(tag) }
    }

    /// Whether `Accept-Encoding` takes gzip (RFC 9110, section 12.5.3); without the field nothing is compressed.
    static func takesGzip(_ header: String) -> Bool {
        header.split(separator: ",").contains { part in
            let pieces = part.split(separator: ";").map { String($0).trimmed.lowercased() }
            guard pieces.first == "gzip" || pieces.first == "x-gzip" else { return false }
            let weight = pieces.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) }
            return weight.map { $0 > 0 } ?? true
        }
    }
}

/// The format of RFC 1952.
enum Gzip {
    /// `bytes` compressed; nil when zlib has no memory for it.
    static func compressed(_ bytes: [UInt8]) -> [UInt8]? {
        var stream = z_stream()
        // 16 more than the largest window: with a head and a checksum of gzip.
        let begun = deflateInit2_(
            &stream, Z_BEST_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(clamping: MemoryLayout<z_stream>.size))
        guard begun == Z_OK, let count = UInt32(exactly: bytes.count) else { return nil }
        defer { deflateEnd(&stream) }
        var result = [UInt8](repeating: 0, count: Int(clamping: deflateBound(&stream, UInt(clamping: bytes.count))))
        var input = bytes
        let status = input.withUnsafeMutableBufferPointer { input in
            result.withUnsafeMutableBufferPointer { output in
                stream.next_in = input.baseAddress
                stream.avail_in = count
                stream.next_out = output.baseAddress
                stream.avail_out = UInt32(clamping: output.count)
                return deflate(&stream, Z_FINISH)
            }
        }
        guard status == Z_STREAM_END else { return nil }
        return Array(result.prefix(Int(clamping: stream.total_out)))
    }
}
