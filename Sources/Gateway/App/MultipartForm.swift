import Wire

/// A `multipart/form-data` body (RFC 7578), read in one pass over its bytes.
///
/// A delimiter is the only thing in a body that begins with CR LF and the boundary, and a boundary holds no CR. So whatever
/// the bytes are, a match that fails can only begin again at the byte that broke it, and no byte is looked at twice.
package struct MultipartForm: Sendable {
    /// A field or a file.
    package struct Part: Sendable {
        /// The field's name.
        package let name: String
        /// Nil when it is not a file.
        package let fileName: String?
        /// Lower-cased and without parameters; empty when there is none.
        let contentType: String
        /// The parameter of the type, lower-cased; nil when there is none.
        let charset: String?
        /// A piece of the body, which it keeps in memory.
        package let bytes: ArraySlice<UInt8>
    }

    /// In the order of the body; parts without a name are left out.
    package let parts: [Part]
    /// How many bytes were looked at, those of header fields twice more.
    let bytesExamined: Int

    /// A form of the dashboard has some ten fields, an upload one.
    static let maximumParts = 100
    /// 16 KiB: names of files have at most 255 bytes on most systems.
    static let maximumHeaderBytes = 16 << 10

    /// Reads a body.
    ///
    /// - Throws: ``Refusal`` `.malformed` when the body is not a form, is cut off, or has too many parts or headers.
    package init(_ body: [UInt8], contentType header: String?) throws(Refusal) {
        let type = HeaderParameters((header ?? "").utf8)
        guard type.value == "multipart/form-data", let boundary = type["boundary"], Self.isBoundary(boundary) else {
            throw Refusal.malformed("the Content-Type header must be multipart/form-data with a boundary")
        }
        var reader = Reader(delimiter: Array("\r\n--\(boundary)".utf8))
        for index in body.indices {
            try reader.take(body[index], at: index, of: body)
            if reader.isAtEnd { break }
        }
        guard reader.isAtEnd else { throw Refusal.malformed("the form ends before its last boundary") }
        parts = reader.parts
        bytesExamined = reader.examined
    }

    /// 1 to 70 characters (RFC 2046, section 5.1.1), and none that a line break or a header ends with.
    private static func isBoundary(_ text: String) -> Bool {
        (1...70).contains(text.utf8.count) && text.utf8.allSatisfy { (0x20...0x7e).contains($0) }
    }

    /// The state between two bytes.
    private struct Reader {
        private enum State {
            /// Before the first delimiter.
            case preamble
            /// Behind a delimiter: two hyphens end the form, a line break begins a part.
            case delimiterEnd
            /// In the header fields, up to an empty line.
            case headers
            /// In what the part holds.
            case content
            /// Behind the last delimiter.
            case end
        }

        private let delimiter: [UInt8]
        private var state = State.preamble
        /// How much of the delimiter was seen. The first one needs no line break before it.
        private var matched = 2
        /// The byte before, behind a delimiter; nil right behind it.
        private var last: UInt8?
        /// How much of the CR LF CR LF was seen that ends header fields.
        private var lineEnds = 0
        /// Where the header fields or the content begin.
        private var start = 0
        private var disposition: HeaderParameters?
        private var contentType: HeaderParameters?
        private var count = 0
        private(set) var parts: [Part] = []
        private(set) var examined = 0

        init(delimiter: [UInt8]) {
            self.delimiter = delimiter
        }

        var isAtEnd: Bool { state == .end }

        mutating func take(_ byte: UInt8, at index: Int, of body: [UInt8]) throws(Refusal) {
            examined += 1
            switch state {
            case .preamble:
                if completesDelimiter(byte) { state = .delimiterEnd }
            case .delimiterEnd: try takeDelimiterEnd(byte, at: index)
            case .headers: try takeHeader(byte, at: index, of: body)
            case .content:
                if completesDelimiter(byte) {
                    add(body[start..<max(start, index + 1 - delimiter.count)])
                    state = .delimiterEnd
                }
            case .end: break
            }
        }

        private mutating func completesDelimiter(_ byte: UInt8) -> Bool {
            if byte == delimiter[matched] {
                matched += 1
            } else {
                matched = byte == delimiter[0] ? 1 : 0
            }
            guard matched == delimiter.count else { return false }
            matched = 0
            last = nil
            return true
        }

        private mutating func takeDelimiterEnd(_ byte: UInt8, at index: Int) throws(Refusal) {
            switch (last, byte) {
            case (UInt8(ascii: "-"), UInt8(ascii: "-")): state = .end
            case (0x0d, 0x0a):
                count += 1
                if count > MultipartForm.maximumParts {
                    throw Refusal.malformed("the form has more than \(MultipartForm.maximumParts) parts")
                }
                state = .headers
                start = index + 1
                // A part without header fields begins with the empty line that ends them.
                lineEnds = 2
            // Blanks may stand between a boundary and its line break.
            case (nil, UInt8(ascii: "-")), (nil, 0x0d), (0x20, 0x0d), (nil, 0x20), (0x20, 0x20): last = byte
            default: throw Refusal.malformed("the form has something else than a line break behind a boundary")
            }
        }

        private mutating func takeHeader(_ byte: UInt8, at index: Int, of body: [UInt8]) throws(Refusal) {
            if index - start >= MultipartForm.maximumHeaderBytes {
                throw Refusal.malformed(
                    "a part of the form has more than \(MultipartForm.maximumHeaderBytes >> 10) KiB of headers")
            }
            let isNext = byte == (lineEnds % 2 == 0 ? 0x0d : 0x0a)
            lineEnds = isNext ? lineEnds + 1 : byte == 0x0d ? 1 : 0
            guard lineEnds == 4 else { return }
            readFields(body[start...index])
            state = .content
            start = index + 1
            // The empty line may be the line break of a delimiter: then the part is empty.
            matched = 2
        }

        private mutating func readFields(_ lines: ArraySlice<UInt8>) {
            disposition = nil
            contentType = nil
            examined += lines.count
            for line in lines.split(whereSeparator: { $0 == 0x0d || $0 == 0x0a }) {
                guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
                let name = String(decoding: line[..<colon], as: UTF8.self).storable.lowercased()
                if name == "content-disposition", disposition == nil {
                    disposition = HeaderParameters(line[(colon + 1)...])
                } else if name == "content-type", contentType == nil {
                    contentType = HeaderParameters(line[(colon + 1)...])
                }
            }
            examined += (disposition?.bytesExamined ?? 0) + (contentType?.bytesExamined ?? 0)
        }

        private mutating func add(_ bytes: ArraySlice<UInt8>) {
            guard let disposition, let name = disposition["name"] else { return }
            parts.append(
                Part(
                    name: name, fileName: disposition.fileName, contentType: contentType?.value ?? "",
                    charset: contentType?["charset"]?.lowercased(), bytes: bytes))
        }
    }
}
