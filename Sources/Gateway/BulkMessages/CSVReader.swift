/// Cuts comma-separated values (RFC 4180) into rows, in one pass over the bytes.
///
/// As people and programs write them: lines end with CR LF, LF or CR, blanks may stand before a quote, and a quote in the
/// middle of a cell stands for itself.
struct CSVReader {
    /// Why the rest cannot be read.
    enum Fault: Error {
        /// A quote is never closed, or the text is not UTF-8.
        case damaged
        /// A row has more than ``maximumColumns`` cells.
        case tooManyColumns
    }

    /// A file of messages has five columns, and room for those that somebody keeps beside them.
    static let maximumColumns = 100

    /// How many bytes were taken so far: each is taken once.
    private(set) var bytesExamined = 0

    private let bytes: ArraySlice<UInt8>
    private var index: Int

    /// Reads from the start of `bytes`, a byte order mark aside.
    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        index = bytes.startIndex + (bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0)
    }

    /// The cells of the next row, one that is empty for an empty line, and with U+FFFD for NUL, which cannot be stored
    /// everywhere; nil at the end.
    mutating func next() throws(Fault) -> [String]? {
        guard index < bytes.endIndex else { return nil }
        var cells: [String] = []
        while true {
            let (cell, isLast) = try cell()
            if cells.count == Self.maximumColumns { throw .tooManyColumns }
            cells.append(cell)
            if isLast { return cells }
        }
    }

    /// The next cell, and whether it is the last of its row.
    private mutating func cell() throws(Fault) -> (String, isLast: Bool) {
        var text: [UInt8] = []
        var isQuoted = false
        var isBlank = true
        while index < bytes.endIndex {
            let byte = take()
            switch byte {
            case Self.quote where isQuoted:
                if index < bytes.endIndex, bytes[index] == Self.quote {
                    text.append(take())
                } else {
                    isQuoted = false
                }
            case _ where isQuoted: text.append(byte)
            case Self.quote where isBlank:
                text = []
                (isQuoted, isBlank) = (true, false)
            case Self.comma: return (try Self.string(text), false)
            case 0x0a: return (try Self.string(text), true)
            case 0x0d:
                if index < bytes.endIndex, bytes[index] == 0x0a { _ = take() }
                return (try Self.string(text), true)
            default:
                if byte != 0x20, byte != 0x09 { isBlank = false }
                text.append(byte)
            }
        }
        if isQuoted { throw .damaged }
        return (try Self.string(text), true)
    }

    private mutating func take() -> UInt8 {
        let byte = bytes[index]
        index += 1
        bytesExamined += 1
        return byte
    }

    private static func string(_ bytes: [UInt8]) throws(Fault) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .damaged }
        return bytes.contains(0) ? text.replacing("\0", with: "\u{FFFD}") : text
    }

    private static let quote = UInt8(ascii: "\"")
    private static let comma = UInt8(ascii: ",")
}
