/// Reads the first sheet of an Excel workbook: columns A to E by their place, the first row left out.
struct XLSXSheet {
    /// A thousand rows of the longest messages, many times over.
    private static let inflatedLimit = 16 << 20

    private let strings: [String]
    private let dateStyles: [Bool]
    private let countsFrom1904: Bool

    /// The rows of `file`, blank ones left out, ``BulkSheet/maximumRows`` at most. `check` is called between rows, and what
    /// it throws ends the work.
    ///
    /// - Throws: ``BulkFileError``, and what `check` throws.
    static func rows(of file: UploadedFile, check: () throws(CancellationError) -> Void = {}) throws -> [BulkRow] {
        do {
            guard let archive = XLSXArchive(file.bytes, limit: inflatedLimit) else { throw XLSXArchive.Damaged() }
            func part(_ path: String) throws -> [UInt8]? {
                try check()
                return try archive.entry(path)
            }
            let workbook = try part("xl/workbook.xml").map { try XLSXDocument.Workbook($0) }
            let targets = try part("xl/_rels/workbook.xml.rels").map { try XLSXDocument.relationships($0) } ?? [:]
            let target = workbook?.firstSheet.flatMap { targets[$0] } ?? "worksheets/sheet1.xml"
            // A target is relative to `xl`, or absolute.
            let path = target.hasPrefix("/") ? String(target.dropFirst()) : "xl/\(target)"
            guard let worksheet = try part(path) else { throw XLSXArchive.Damaged() }
            let sheet = XLSXSheet(
                strings: try part("xl/sharedStrings.xml").map { try XLSXDocument.sharedStrings($0) } ?? [],
                dateStyles: try part("xl/styles.xml").map { try XLSXDocument.dateStyles($0) } ?? [],
                countsFrom1904: workbook?.countsFrom1904 ?? false)
            return try sheet.rows(of: worksheet, check: check)
        } catch is XLSXArchive.TooLarge {
            throw tooLarge(file)
        } catch XMLReader.Fault.tooLarge {
            throw tooLarge(file)
        } catch let error as CancellationError {
            throw error
        } catch {
            throw BulkFileError("Cannot parse the uploaded excel file with name [\(file.name)].")
        }
    }

    private static func tooLarge(_ file: UploadedFile) -> BulkFileError {
        BulkFileError(
            "The uploaded excel file [\(file.name)] is larger than \(inflatedLimit >> 20) MB once it is unpacked.")
    }

    /// - Parameters:
    ///   - strings: What cells name by an index.
    ///   - dateStyles: Whether a style shows a number as a date.
    ///   - countsFrom1904: Whether days are counted from 1904.
    init(strings: [String], dateStyles: [Bool], countsFrom1904: Bool) {
        self.strings = strings
        self.dateStyles = dateStyles
        self.countsFrom1904 = countsFrom1904
    }

    /// The rows of `xl/worksheets/sheet1.xml`, as ``rows(of:check:)-9fxzb`` gives them.
    ///
    /// - Throws: `XMLReader.Fault`; ``XLSXArchive/Damaged`` when rows or cells have numbers that no sheet has, come twice or
    ///   out of order, or name strings or styles that are not there; ``XLSXArchive/TooLarge`` when cells that share strings
    ///   would have more text than a workbook may unpack to; what `check` throws.
    func rows(of worksheet: [UInt8], check: () throws(CancellationError) -> Void = {}) throws -> [BulkRow] {
        var rows: [BulkRow] = []
        var row = Row(number: 0)
        var cell: XLSXCell?
        var room = Self.inflatedLimit
        var xml = try XMLReader(worksheet)
        while rows.count < BulkSheet.maximumRows, let event = try xml.next() {
            switch event {
            case .start(let attributes) where xml.path == Self.rowPath:
                try check()
                row = try Row(attributes, after: row.number)
            case .start(let attributes) where xml.path == Self.cellPath:
                try row.advance(to: attributes["r"])
                cell = XLSXCell(type: attributes["t"], isDate: try isDate(style: attributes["s"]))
            case .text(let text) where xml.path == Self.valuePath: cell?.value += text
            case .text(let text) where xml.path == Self.inlinePath || xml.path == Self.runPath: cell?.inline += text
            case .end(name: "c") where xml.path == Self.rowPath:
                guard let shown = cell?.shown(strings, countsFrom1904: countsFrom1904) else {
                    throw XLSXArchive.Damaged()
                }
                room -= row.set(shown)
                if room < 0 { throw XLSXArchive.TooLarge() }
            case .end(name: "row") where xml.path == Self.dataPath:
                // The first row holds the names of the columns.
                if row.number > 1, !row.bulkRow.isBlank { rows.append(row.bulkRow) }
            case .start, .text, .end: break
            }
        }
        return rows
    }

    private func isDate(style: String?) throws -> Bool {
        guard let style, !dateStyles.isEmpty else { return false }
        guard let index = Int(style), dateStyles.indices.contains(index) else { throw XLSXArchive.Damaged() }
        return dateStyles[index]
    }

    /// A row while it is read.
    private struct Row {
        /// Counted from 1; 0 before the first.
        let number: Int
        private var column = -1
        private var values: [Int: XLSXCell.Shown] = [:]

        init(number: Int) {
            self.number = number
        }

        /// A row with its number, or the one after the row before; numbers only grow.
        init(_ attributes: XMLReader.Attributes, after last: Int) throws {
            let number = attributes["r"].map { XLSXPlace.row($0.utf8) } ?? last + 1
            guard let number, number > last, number <= XLSXPlace.maximumRow else { throw XLSXArchive.Damaged() }
            self.number = number
        }

        /// Goes to a cell with its place, or to the one after the cell before; columns only grow.
        mutating func advance(to place: String?) throws {
            var next = column + 1
            if let place {
                guard let place = XLSXPlace(place), place.row == number else { throw XLSXArchive.Damaged() }
                next = place.column
            }
            guard next > column, next <= XLSXPlace.maximumColumn else { throw XLSXArchive.Damaged() }
            column = next
        }

        /// Keeps what the cell shows, and gives how many bytes that are.
        mutating func set(_ value: XLSXCell.Shown) -> Int {
            guard column <= 4 else { return 0 }
            values[column] = value
            return if case .text(let text) = value { text.utf8.count } else { 0 }
        }

        var bulkRow: BulkRow {
            func text(_ column: Int) -> String { values[column]?.text ?? "" }
            let sendTime: BulkRow.SendTime? =
                switch values[3] {
                case .date(let seconds): .wallClock(seconds)
                case .text(let text) where !text.isEmpty: .text(text)
                case .text, nil: nil
                }
            return BulkRow(
                number: number, from: text(0), to: text(1), content: text(2), sendTime: sendTime,
                attachmentURLs: text(4))
        }
    }

    private static let dataPath = ["worksheet", "sheetData"]
    private static let rowPath = dataPath + ["row"]
    private static let cellPath = rowPath + ["c"]
    private static let valuePath = cellPath + ["v"]
    private static let inlinePath = cellPath + ["is", "t"]
    private static let runPath = cellPath + ["is", "r", "t"]
}
