import Wire

/// Reads XML as tags and text, in one pass over its bytes and without recursion.
///
/// It knows what the parts of a workbook are made of: elements, attributes, text, the five entities, character references,
/// CDATA, comments and processing instructions. A document type, which is what hostile documents grow from, is refused, and
/// so is any encoding but UTF-8.
struct XMLReader {
    /// What is read next.
    enum Event {
        /// An element begins; it is the last of ``path``.
        case start(Attributes)
        /// The element `name` ends; ``path`` is without it.
        case end(name: String)
        /// Text of the element that is the last of ``path``. It may come in pieces.
        case text(String)
    }

    /// Why the rest cannot be read.
    enum Fault: Error {
        /// It is not XML, or nested too deep, or has too many attributes in one tag.
        case damaged
        /// It has more than ``maximumTags`` tags.
        case tooLarge
    }

    /// The attributes of one tag, without the prefixes of their names. Of two with one name, the first counts.
    struct Attributes {
        fileprivate(set) var all: [(name: String, value: String)] = []

        subscript(_ name: String) -> String? { all.first { $0.name == name }?.value }
    }

    /// A sheet needs some six.
    static let maximumDepth = 64
    /// A row of a sheet has a dozen.
    static let maximumAttributes = 64
    /// A full sheet has some 20,000.
    static let maximumTags = 200_000

    /// The elements that are open, outermost first, without the prefixes of their names.
    private(set) var path: [String] = []
    /// How many bytes were taken so far: each is taken once.
    private(set) var bytesExamined = 0

    private let bytes: [UInt8]
    private var index: Int
    /// The names of the open elements as they are written.
    private var open: [ArraySlice<UInt8>] = []
    private var tags = 0
    private var hasRoot = false
    /// Whether the element that began last has also ended, as `<c/>` does.
    private var isEmpty = false

    /// Reads from the start of `bytes`.
    ///
    /// - Throws: ``Fault`` when they are not UTF-8: of UTF-16 and UTF-32, a byte order mark or a zero byte tells.
    init(_ bytes: [UInt8]) throws(Fault) {
        if bytes.starts(with: [0xfe, 0xff]) || bytes.starts(with: [0xff, 0xfe]) || bytes.contains(0) {
            throw .damaged
        }
        self.bytes = bytes
        index = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
    }

    /// What comes next; nil at the end of a document that is whole.
    mutating func next() throws(Fault) -> Event? {
        if isEmpty {
            isEmpty = false
            return close()
        }
        while index < bytes.count {
            if bytes[index] != UInt8(ascii: "<") {
                let text = try text()
                if !path.isEmpty { return .text(text) }
                // Nothing but white space stands outside of the outermost element.
                guard text.utf8.allSatisfy(Self.isSpace) else { throw .damaged }
            } else if let event = try markup() {
                return event
            }
        }
        guard hasRoot, path.isEmpty else { throw .damaged }
        return nil
    }

    /// What begins with `<`; nil for what says nothing.
    private mutating func markup() throws(Fault) -> Event? {
        let start = index
        _ = take()
        tags += 1
        if tags > Self.maximumTags { throw .tooLarge }
        switch peek {
        case UInt8(ascii: "?"):
            let instruction = try skip(past: "?>")
            if instruction.starts(with: "?xml".utf8), instruction.dropFirst(4).first.map(Self.isSpace) == true {
                guard start <= 3, Self.isUTF8(instruction) else { throw .damaged }
            }
            return nil
        case UInt8(ascii: "!"):
            _ = take()
            if accept("--") {
                _ = try skip(past: "-->")
                return nil
            }
            // What is neither a comment nor CDATA is a document type.
            guard accept("[CDATA["), !path.isEmpty else { throw .damaged }
            return .text(String(decoding: try skip(past: "]]>"), as: UTF8.self))
        case UInt8(ascii: "/"):
            _ = take()
            let name = try name()
            skipSpaces()
            guard take() == UInt8(ascii: ">"), open.last == name else { throw .damaged }
            return close()
        default: return try element()
        }
    }

    private mutating func element() throws(Fault) -> Event {
        let name = try name()
        guard path.count < Self.maximumDepth, !(hasRoot && path.isEmpty) else { throw .damaged }
        hasRoot = true
        open.append(name)
        path.append(Self.local(name))
        var attributes = Attributes()
        while true {
            let hadSpace = skipSpaces()
            switch peek {
            case UInt8(ascii: ">"):
                _ = take()
                return .start(attributes)
            case UInt8(ascii: "/"):
                _ = take()
                guard take() == UInt8(ascii: ">") else { throw .damaged }
                isEmpty = true
                return .start(attributes)
            default:
                guard hadSpace, attributes.all.count < Self.maximumAttributes else { throw .damaged }
                attributes.all.append((Self.local(try self.name()), try attributeValue()))
            }
        }
    }

    private mutating func close() -> Event {
        open.removeLast()
        return .end(name: path.removeLast())
    }

    private mutating func attributeValue() throws(Fault) -> String {
        skipSpaces()
        guard take() == UInt8(ascii: "=") else { throw .damaged }
        skipSpaces()
        guard let quote = take(), quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else { throw .damaged }
        let value = try characters { $0 == quote || $0 == UInt8(ascii: "<") }
        guard take() == quote else { throw .damaged }
        return value
    }

    private mutating func text() throws(Fault) -> String {
        try characters { $0 == UInt8(ascii: "<") }
    }

    /// Text up to a byte that is one of its ends, with entities replaced and line ends made LF.
    private mutating func characters(until isEnd: (UInt8) -> Bool) throws(Fault) -> String {
        var text: [UInt8] = []
        while let byte = peek, !isEnd(byte) {
            _ = take()
            switch byte {
            case UInt8(ascii: "&"): text += try reference()
            case 0x0d: if peek != 0x0a { text.append(0x0a) }
            default: text.append(byte)
            }
        }
        return String(decoding: text, as: UTF8.self).storable
    }

    /// What a reference stands for. The longest is `&#x10FFFF;`.
    private mutating func reference() throws(Fault) -> [UInt8] {
        let start = index
        while let byte = take(), byte != UInt8(ascii: ";") {
            if index - start > 10 { throw .damaged }
        }
        let name = String(decoding: bytes[start..<max(start, index - 1)], as: UTF8.self)
        switch name {
        case "lt": return [UInt8(ascii: "<")]
        case "gt": return [UInt8(ascii: ">")]
        case "amp": return [UInt8(ascii: "&")]
        case "quot": return [UInt8(ascii: "\"")]
        case "apos": return [UInt8(ascii: "'")]
        default:
            let isHexadecimal = name.hasPrefix("#x")
            guard name.hasPrefix("#"),
                let number = UInt32(name.dropFirst(isHexadecimal ? 2 : 1), radix: isHexadecimal ? 16 : 10), number > 0,
                let scalar = Unicode.Scalar(number)
            else { throw .damaged }
            return Array(String(scalar).utf8)
        }
    }

    private mutating func name() throws(Fault) -> ArraySlice<UInt8> {
        let start = index
        while let byte = peek, !Self.isSpace(byte), !Self.delimiters.contains(byte) { _ = take() }
        if index == start { throw .damaged }
        return bytes[start..<index]
    }

    /// What stands before `end`, which is passed as well.
    private mutating func skip(past end: StaticString) throws(Fault) -> ArraySlice<UInt8> {
        let end = Array(end.description.utf8)
        let start = index
        while let byte = take() {
            // The ends are of two or three bytes.
            if byte == end.last, index - start >= end.count, bytes[(index - end.count)..<index].elementsEqual(end) {
                return bytes[start..<(index - end.count)]
            }
        }
        throw .damaged
    }

    /// Passes `text` if that comes next.
    private mutating func accept(_ text: StaticString) -> Bool {
        let text = Array(text.description.utf8)
        guard bytes[index...].starts(with: text) else { return false }
        for _ in text { _ = take() }
        return true
    }

    @discardableResult
    private mutating func skipSpaces() -> Bool {
        let start = index
        while let byte = peek, Self.isSpace(byte) { _ = take() }
        return index > start
    }

    private var peek: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func take() -> UInt8? {
        guard let byte = peek else { return nil }
        index += 1
        bytesExamined += 1
        return byte
    }

    /// Whether the declaration names UTF-8, ASCII, or nothing.
    private static func isUTF8(_ declaration: ArraySlice<UInt8>) -> Bool {
        let text = String(decoding: declaration.prefix(256), as: UTF8.self).lowercased()
        guard let found = text.firstRange(of: "encoding") else { return declaration.count <= 256 }
        let value = text[found.upperBound...].drop { " \t\r\n=".contains($0) }.dropFirst().prefix {
            !"\"'".contains($0)
        }
        return ["utf-8", "utf8", "us-ascii", "ascii"].contains(value)
    }

    private static func local(_ name: ArraySlice<UInt8>) -> String {
        let start = name.lastIndex(of: UInt8(ascii: ":")).map { $0 + 1 } ?? name.startIndex
        return String(decoding: name[start...], as: UTF8.self).storable
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09
    }

    private static let delimiters = Array("<>/=\"'&".utf8)
}
