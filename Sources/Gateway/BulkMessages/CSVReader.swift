import Wire

/// Cuts separated values (RFC 4180) into rows, in one pass over the bytes.
///
/// As people and programs write them: lines end with CR LF, LF or CR, blanks may stand before a quote, and a quote in the
/// middle of a cell that does not begin with one stands for itself.
package struct CSVReader {
    /// One row of a file.
    struct Row {
        /// With U+FFFD for NUL, which cannot be stored everywhere; one that is empty for an empty line.
        var cells: [String] = []
        /// The first thing that is wrong in it; the cells are not to be trusted then.
        var fault: Fault?

        /// Whether nothing stands in it.
        var isBlank: Bool { fault == nil && cells.allSatisfy(\.trimmed.isEmpty) }
    }

    /// What may be wrong in a row.
    enum Fault {
        /// A quote opens a cell and never closes it. Nothing can be read from there on.
        case openQuote
        /// Text follows the quote that closes a cell. It may well be that an earlier quote was never closed.
        case strayQuote
        /// Not in the encoding of the file.
        case notText
    }

    /// A row has more than ``maximumColumns`` cells.
    struct TooManyColumns: Error {}

    /// A file of messages has five columns, and room for those that somebody keeps beside them.
    package static let maximumColumns = 100

    /// How many bytes were taken so far: each is taken once.
    private(set) var bytesExamined = 0

    private let bytes: ArraySlice<UInt8>
    private let separator: UInt8
    private var index: Int

    /// Reads from the start of `bytes`, which are UTF-8 without a byte order mark.
    init(_ bytes: ArraySlice<UInt8>, separator: UInt8 = UInt8(ascii: ",")) {
        self.bytes = bytes
        self.separator = separator
        index = bytes.startIndex
    }

    /// The next row; nil at the end.
    mutating func next() throws(TooManyColumns) -> Row? {
        guard index < bytes.endIndex else { return nil }
        var row = Row()
        while true {
            let isLast = cell(of: &row)
            if row.cells.count > Self.maximumColumns { throw TooManyColumns() }
            if isLast { return row }
        }
    }

    /// Whether nothing stands in what is left. All of that is taken.
    mutating func isRestBlank() -> Bool {
        while index < bytes.endIndex {
            let byte = take()
            guard byte == separator || [0x0a, 0x0d, 0x20, 0x09, Self.quote].contains(byte) else { return false }
        }
        return true
    }

    /// Where a cell is.
    private enum Place { case start, plain, quoted, behindQuote }

    /// Takes the next cell, and says whether it is the last of its row.
    private mutating func cell(of row: inout Row) -> Bool {
        var text: [UInt8] = []
        // What stands behind the quote that closes the cell.
        var tail: [UInt8] = []
        var place = Place.start
        var isLast = true
        taking: while index < bytes.endIndex {
            let byte = take()
            switch (place, byte) {
            case (.quoted, Self.quote):
                if index < bytes.endIndex, bytes[index] == Self.quote {
                    text.append(take())
                } else {
                    place = .behindQuote
                }
            case (.quoted, _): text.append(byte)
            case (_, separator):
                isLast = false
                break taking
            case (_, 0x0a): break taking
            case (_, 0x0d):
                if index < bytes.endIndex, bytes[index] == 0x0a { _ = take() }
                break taking
            case (.start, Self.quote):
                text = []
                place = .quoted
            case (.behindQuote, _): tail.append(byte)
            case (.plain, _), (.start, 0x20), (.start, 0x09): text.append(byte)
            case (.start, _):
                place = .plain
                text.append(byte)
            }
        }
        if place == .quoted { row.fault = row.fault ?? .openQuote }
        guard let text = Self.string(text), let tail = Self.string(tail) else {
            row.fault = row.fault ?? .notText
            row.cells.append("")
            return isLast
        }
        if !tail.unicodeScalars.allSatisfy(Self.isUnseen) { row.fault = row.fault ?? .strayQuote }
        row.cells.append(text + tail)
        return isLast
    }

    private mutating func take() -> UInt8 {
        let byte = bytes[index]
        index += 1
        bytesExamined += 1
        return byte
    }

    private static func string(_ bytes: [UInt8]) -> String? {
        guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
        return text.storable
    }

    /// Blanks, joiners and marks on the quote before: nothing that somebody wrote beside a cell.
    private static func isUnseen(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.properties.isWhitespace || scalar.properties.isDefaultIgnorableCodePoint { return true }
        return switch scalar.properties.generalCategory {
        case .format, .nonspacingMark, .spacingMark, .enclosingMark: true
        default: false
        }
    }

    private static let quote = UInt8(ascii: "\"")
}
