/// A row of an uploaded file, as text; what it means is decided in ``BulkUpload``.
struct BulkRow: Sendable {
    /// Counted from 1 as a spreadsheet counts, the header included.
    let number: Int
    private(set) var from = ""
    private(set) var to = ""
    private(set) var content = ""
    private(set) var sendTime: SendTime?
    /// Separated by commas.
    private(set) var attachmentURLs = ""
    /// What cannot be read, and was noted already.
    private(set) var unread: Set<BulkColumn> = []
    /// What stands for placeholders of a text, by ``PlaceholderText/key(_:)``.
    private(set) var values: [String: String] = [:]

    /// When a row wants to be sent.
    enum SendTime: Sendable {
        case text(String)
        /// A date cell: no zone goes with it. Seconds since 1970-01-01 00:00 by the wall clock.
        case wallClock(Int64)
    }

    init(number: Int) {
        self.number = number
    }

    /// Whether nothing stands in it.
    var isBlank: Bool {
        [from, to, content, attachmentURLs].allSatisfy(\.isEmpty) && sendTime == nil && unread.isEmpty
            && values.values.allSatisfy(\.isEmpty)
    }

    /// Takes what a cell says of `column`, which the file calls `name`.
    ///
    /// - Returns: What is wrong with it; nil for nothing.
    fileprivate mutating func set(_ column: BulkColumn, _ cell: SheetCell, name: String) -> String? {
        switch (column, cell) {
        case (.sendTime, .date(let seconds)): sendTime = .wallClock(seconds)
        case (.sendTime, .text(let text)): sendTime = text.isEmpty ? nil : .text(text)
        case (.sendTime, .number(let number)): sendTime = .text(number.shown ?? number.plain)
        case (_, .text(let text)): put(text, column)
        // The template keeps phone numbers as numbers: 18005550199 must not become 1.8E+10.
        case (.from, .number(let number)), (.to, .number(let number)): put(number.phone, column)
        case (_, .number(let number)):
            guard let shown = number.shown else {
                unread.insert(column)
                return """
                    The cell \(number.place) has the number format [\(BulkUpload.shown(number.format))], of which \
                    nobody can say what it shows everywhere. Format the cell as text.
                    """
            }
            put(shown, column)
        case (_, .date):
            unread.insert(column)
            return "The column \(name) holds a date. Format the cell as text."
        case (_, .wrong(let reason)):
            unread.insert(column)
            return reason
        }
        return nil
    }

    /// Takes what a cell says for the placeholder `key`.
    ///
    /// - Returns: What is wrong with it; nil for nothing.
    fileprivate mutating func set(value key: String, _ cell: SheetCell) -> String? {
        switch cell {
        case .text(let text): values[key] = text
        case .number(let number):
            guard let shown = number.shown else {
                return noteUnread(key, "The cell \(number.place) cannot be shown as a text. Format the cell as text.")
            }
            values[key] = shown
        case .date: return noteUnread(key, "A cell that the text needs holds a date. Format the cell as text.")
        case .wrong(let reason): return noteUnread(key, reason)
        }
        return nil
    }

    /// What cannot be read has a value, so that it is not told twice.
    private mutating func noteUnread(_ key: String, _ reason: String) -> String {
        values[key] = "?"
        return reason
    }

    private mutating func put(_ text: String, _ column: BulkColumn) {
        switch column {
        case .from: from = text
        case .to: to = text
        case .content: content = text
        case .attachmentURLs: attachmentURLs = text
        case .sendTime: break
        }
    }
}

/// What a cell of a sheet says.
enum SheetCell: Sendable {
    /// Without white space at its ends.
    case text(String)
    case number(SheetNumber)
    /// Seconds since 1970-01-01 00:00, without a zone.
    case date(Int64)
    /// Nothing that could be sent; says why.
    case wrong(String)
}

/// A number in a cell of a workbook.
struct SheetNumber: Sendable {
    /// Such as `C5`.
    let place: String
    /// As it is stored.
    let plain: String
    /// As the cell shows it; nil when that cannot be told.
    let shown: String?
    /// How the cell is to show it.
    let format: String
    /// All of its digits when it is whole, with the zeros that the cell shows before them; otherwise what the cell shows.
    let phone: String
}

/// What is in an uploaded file.
package struct BulkSheet: Sendable {
    /// In order, blank ones left out.
    private(set) var rows: [BulkRow] = []
    /// What is wrong with cells.
    private(set) var problems: [BulkProblem] = []
    /// How a CSV file was written; nil of a workbook.
    var encoding: SheetText.Encoding?
    /// The names in the first row that is not blank, by their places; empty before it.
    private(set) var header: [Int: String] = [:]
    /// Nil before the first row.
    private var columns: BulkColumns?
    private let reading: Reading

    /// How a file is read.
    enum Reading: Sendable {
        /// By the known headings.
        case known
        /// As somebody says.
        case mapped(BulkMapping)
        /// Only its headings.
        case header
    }

    init(_ reading: Reading = .known) {
        self.reading = reading
    }

    /// More messages than a file may have end the reading of it.
    package static let maximumRows = 1_000

    var isFull: Bool {
        if case .header = reading, !header.isEmpty { return true }
        return rows.count > Self.maximumRows
    }
    /// Whether the columns have no names yet.
    var isHeaderless: Bool { columns == nil }

    /// What the file calls a column; nil of what no column of a file that is read by hand holds.
    func name(of column: BulkColumn) -> String? {
        guard case .mapped(let mapping) = reading else { return column.rawValue }
        return mapping.places[column].flatMap { header[$0] }.map { BulkUpload.shown($0) }
    }

    /// Whether the cell at `place` of the next row counts: all of the header do.
    func counts(_ place: Int) -> Bool { columns.map { $0.counts(place) } ?? true }

    /// Takes a row's cells by their places. The first one that is not blank names the columns.
    ///
    /// - Throws: ``BulkUploadErrors`` when that one does not.
    mutating func take(_ cells: [Int: SheetCell], number: Int) throws(BulkUploadErrors) {
        guard let columns else {
            let names = cells.compactMapValues { cell -> String? in
                if case .text(let text) = cell, !text.isEmpty { text } else { nil }
            }
            let isBlank = cells.values.allSatisfy { if case .text("") = $0 { true } else { false } }
            if isBlank { return }
            header = names
            switch reading {
            case .known: self.columns = try BulkColumns(header: names)
            case .mapped(let mapping): self.columns = try BulkColumns(header: names, mapping)
            case .header: if names.isEmpty { throw .file("The first row has no headings.") }
            }
            return
        }
        var row = BulkRow(number: number)
        for (place, cell) in cells.sorted(by: { $0.key < $1.key }) {
            for column in columns[place] {
                let name = name(of: column) ?? column.rawValue
                guard let reason = row.set(column, cell, name: name) else { continue }
                problems.append(BulkProblem(rows: [number], name, reason))
            }
            if let key = columns.value(at: place), let reason = row.set(value: key, cell) {
                problems.append(BulkProblem(rows: [number], nil, reason))
            }
        }
        if !row.isBlank { rows.append(row) }
    }

    /// Notes what is wrong with a row as a whole.
    mutating func note(_ reason: String, row: Int) {
        problems.append(BulkProblem(rows: [row], nil, reason))
    }

    /// Reads `file`. `check` is called between rows, and what it throws ends the work.
    ///
    /// - Throws: ``BulkUploadErrors`` when the file as a whole cannot be read, and what `check` throws.
    static func read(
        _ file: UploadedFile, _ reading: Reading = .known, check: () throws(CancellationError) -> Void = {}
    ) throws -> BulkSheet {
        let xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        let name = file.name.lowercased()
        let isCSV = file.contentType == "text/csv" || name.hasSuffix(".csv")
        guard isCSV || file.contentType == xlsx || name.hasSuffix(".xlsx") else {
            throw BulkUploadErrors.file(
                "The file [\(BulkUpload.shown(file.name))] is not a valid CSV or Excel file.")
        }
        if file.bytes.starts(with: [0xd0, 0xcf, 0x11, 0xe0]) {
            throw BulkUploadErrors.file(
                """
                The uploaded file [\(BulkUpload.shown(file.name))] is of the old kind of Excel, or has a password. Save it \
                as an Excel workbook (.xlsx) without one.
                """)
        }
        // A workbook is one, whatever its name.
        let isArchive = file.bytes.starts(with: [0x50, 0x4b, 0x03, 0x04])
        let sheet = BulkSheet(reading)
        return try isCSV && !isArchive
            ? CSVSheet.read(file, into: sheet, check: check) : XLSXSheet.read(file, into: sheet, check: check)
    }
}
