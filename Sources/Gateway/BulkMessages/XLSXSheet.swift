/// Reads the first sheet of an Excel workbook that is not hidden. Rows that are hidden, by a filter or by hand, count as any
/// others.
struct XLSXSheet {
    /// A thousand rows of the longest messages, many times over.
    private static let inflatedLimit = 16 << 20

    private let strings: [String]
    private let formats: XLSXFormats
    private let workbook: XLSXDocument.Workbook

    /// What is in `file`, read into `empty`, which says how. `check` is called between rows, and what it throws ends the work.
    ///
    /// - Throws: ``BulkUploadErrors``, and what `check` throws.
    static func read(
        _ file: UploadedFile, into empty: BulkSheet = BulkSheet(), check: () throws(CancellationError) -> Void = {}
    ) throws -> BulkSheet {
        let name = BulkUpload.shown(file.name)
        do {
            guard let archive = XLSXArchive(file.bytes, limit: inflatedLimit) else { throw XLSXArchive.Damaged() }
            return try read(XLSXParts(archive, check), into: empty, check: check)
        } catch is XLSXArchive.TooLarge {
            throw BulkUploadErrors.file(
                "The uploaded excel file [\(name)] is larger than \(inflatedLimit >> 20) MB once it is unpacked.")
        } catch XMLReader.Fault.tooLarge {
            throw BulkUploadErrors.file(
                """
                The uploaded excel file [\(name)] has too many cells: more than \(XMLReader.maximumTags / 1_000),000 tags. \
                Remove the columns and rows that are not needed.
                """)
        } catch let error as CancellationError {
            throw error
        } catch let error as BulkUploadErrors {
            throw error
        } catch {
            throw BulkUploadErrors.file("Cannot parse the uploaded excel file with name [\(name)].")
        }
    }

    private static func read(
        _ parts: XLSXParts, into empty: BulkSheet, check: () throws(CancellationError) -> Void
    ) throws -> BulkSheet {
        let sheet = XLSXSheet(
            strings: try parts.part("sharedStrings", else: "sharedStrings.xml").map {
                try XLSXDocument.sharedStrings($0)
            } ?? [],
            formats: try parts.part("styles", else: "styles.xml").map { try XLSXFormats($0) } ?? XLSXFormats(),
            workbook: parts.workbook)
        return try sheet.rows(of: parts.worksheet(), into: empty, check: check)
    }

    /// - Parameters:
    ///   - strings: What cells name by an index.
    ///   - formats: How cells show numbers.
    ///   - workbook: What holds for all of its sheets.
    private init(strings: [String], formats: XLSXFormats, workbook: XLSXDocument.Workbook) {
        self.strings = strings
        self.formats = formats
        self.workbook = workbook
    }

    /// The rows of a part such as `xl/worksheets/sheet1.xml`.
    ///
    /// - Throws: `XMLReader.Fault`; ``XLSXArchive/Damaged`` when rows or cells have numbers that no sheet has, come twice or
    ///   out of order, or name strings or styles that are not there; ``XLSXArchive/TooLarge`` when cells that share strings
    ///   would have more text than a workbook may unpack to; what `check` throws.
    private func rows(
        of worksheet: [UInt8], into empty: BulkSheet, check: () throws(CancellationError) -> Void
    ) throws -> BulkSheet {
        var sheet = empty
        var row = Row(number: 0)
        var cell: XLSXCell?
        var room = Self.inflatedLimit
        var xml = try XMLReader(worksheet)
        while !sheet.isFull, let event = try xml.next() {
            switch event {
            case .start(let attributes) where xml.path == Self.rowPath:
                try check()
                row = try Row(attributes, after: row.number)
            case .start(let attributes) where xml.path == Self.cellPath:
                try row.advance(to: attributes["r"])
                cell = XLSXCell(
                    place: XLSXPlace.name(column: row.column, row: row.number), type: attributes["t"],
                    format: try formats.format(style: attributes["s"]))
            case .start where xml.path == Self.formulaPath: cell?.hasFormula = true
            case .text(let text) where xml.path == Self.valuePath: cell?.value += text
            case .text(let text) where xml.path == Self.inlinePath || xml.path == Self.runPath: cell?.inline += text
            case .end(name: "c") where xml.path == Self.rowPath:
                guard let shown = cell?.shown(strings, in: workbook) else { throw XLSXArchive.Damaged() }
                guard sheet.counts(row.column) else { continue }
                row.cells[row.column] = shown
                if case .text(let text) = shown { room -= text.utf8.count }
                if room < 0 { throw XLSXArchive.TooLarge() }
            case .end(name: "row") where xml.path == Self.dataPath: try sheet.take(row.cells, number: row.number)
            case .start, .text, .end: break
            }
        }
        return sheet
    }

    /// A row while it is read.
    private struct Row {
        /// Counted from 1; 0 before the first.
        let number: Int
        /// Of the cell that was begun last, counted from 0.
        private(set) var column = -1
        var cells: [Int: SheetCell] = [:]

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
    }

    private static let dataPath = ["worksheet", "sheetData"]
    private static let rowPath = dataPath + ["row"]
    private static let cellPath = rowPath + ["c"]
    private static let formulaPath = cellPath + ["f"]
    private static let valuePath = cellPath + ["v"]
    private static let inlinePath = cellPath + ["is", "t"]
    private static let runPath = cellPath + ["is", "r", "t"]
}

/// Finds the parts of a workbook by their relationships, as programs name them as they like.
struct XLSXParts {
    let workbook: XLSXDocument.Workbook
    private let archive: XLSXArchive
    private let relationships: [XLSXDocument.Relationship]
    /// Of the workbook's part.
    private let folder: String

    /// `check` is called before the parts that may be large.
    ///
    /// - Throws: ``XLSXArchive/Damaged``, ``XLSXArchive/TooLarge``, `XMLReader.Fault`, what `check` throws.
    init(_ archive: XLSXArchive, _ check: () throws(CancellationError) -> Void) throws {
        let roots = try archive.entry("_rels/.rels").map { try XLSXDocument.relationships($0) } ?? []
        let path = roots.first { $0.kind == "officeDocument" }?.path(from: "") ?? "xl/workbook.xml"
        let parts = path.split(separator: "/")
        folder = parts.dropLast().joined(separator: "/")
        try check()
        workbook = try archive.entry(path).map { try XLSXDocument.Workbook($0) } ?? XLSXDocument.Workbook()
        try check()
        relationships =
            try archive.entry("\(folder)/_rels/\(parts.last ?? "").rels").map {
                try XLSXDocument.relationships($0)
            } ?? []
        self.archive = archive
    }

    /// The part of the workbook that is of a kind, or the one with the usual name; nil when there is none.
    func part(_ kind: String, else name: String) throws -> [UInt8]? {
        try archive.entry(relationships.first { $0.kind == kind }?.path(from: folder) ?? "\(folder)/\(name)")
    }

    /// The first sheet that is not hidden and has cells, not only a chart.
    ///
    /// - Throws: ``BulkUploadErrors`` when all are hidden; ``XLSXArchive/Damaged`` when there is none.
    func worksheet() throws -> [UInt8] {
        let visible = workbook.sheets.filter { !$0.isHidden }
        if visible.isEmpty, !workbook.sheets.isEmpty {
            throw BulkUploadErrors.file("All sheets of the workbook are hidden. Show the one that is to be sent.")
        }
        for sheet in visible {
            guard let found = relationships.first(where: { $0.id == sheet.id }) else { continue }
            if !["worksheet", ""].contains(found.kind) { continue }
            guard let part = try archive.entry(found.path(from: folder)) else { throw XLSXArchive.Damaged() }
            return part
        }
        // Some programs leave out what names a sheet's part when there is just one.
        guard workbook.sheets.count <= 1, let part = try archive.entry("\(folder)/worksheets/sheet1.xml") else {
            throw XLSXArchive.Damaged()
        }
        return part
    }
}
