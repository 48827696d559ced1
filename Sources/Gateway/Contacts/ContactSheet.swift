import Storage
import Wire

/// Contacts as a table: ours, and the ones that address books of Google, Outlook and others are saved as.
package struct ContactSheet: Sendable {
    /// A row that says something of somebody.
    struct Row: Sendable {
        /// As a spreadsheet counts.
        let number: Int
        var id = ""
        var name = ""
        var numbers: [String] = []
        var emails: [String] = []
        var note = ""
        fileprivate var given = ""
        fileprivate var family = ""
    }

    /// What a column holds.
    enum Column: Sendable {
        case id, name, given, family, number, email, note

        /// The column that a header names, in the words of the usual programs; nil for one of no use.
        init?(_ header: String) {
            guard header.utf8.count <= 100 else { return nil }
            let letters = header.lowercased().unicodeScalars.filter { $0.properties.isAlphabetic }
            let name = String(String.UnicodeScalarView(letters))
            // Google has a column beside each that says whether it is at home or at work.
            if name.hasSuffix("type") || name.hasSuffix("label") { return nil }
            switch name {
            case "id": self = .id
            case "name", "fullname", "displayname", "contact", "contactname": self = .name
            case "firstname", "givenname": self = .given
            case "lastname", "familyname", "surname": self = .family
            case "note", "notes": self = .note
            case _ where name.hasPrefix("email"): self = .email
            case "number", "numbers", "tel", "cell", "mobile": self = .number
            case _ where name.contains("phone") && !name.contains("phonetic"): self = .number
            default: return nil
            }
        }
    }

    private(set) var rows: [Row] = []
    /// What is wrong with rows, by their numbers.
    private(set) var problems: [(row: Int, reason: String)] = []

    /// Reads a table with a row of headers. `check` is called between rows, and what it throws ends the work.
    ///
    /// - Throws: ``BulkUploadErrors`` when it is none, and what `check` throws.
    init(_ text: SheetText, most: Int, check: () throws(CancellationError) -> Void) throws {
        do {
            try read(text, most: most, check: check)
        } catch is CSVReader.TooManyColumns {
            throw BulkUploadErrors.file("The file has more than \(CSVReader.maximumColumns) columns.")
        }
    }

    private mutating func read(
        _ text: SheetText, most: Int, check: () throws(CancellationError) -> Void
    ) throws {
        var reader = CSVSheet.reader(of: text.bytes) { Column($0) != nil }
        var columns: [Int: Column]?
        var number = 0
        while rows.count <= most, let row = try reader.next() {
            try check()
            number += 1
            if number > 2 * most { throw BulkUploadErrors.file("The file has more than \(2 * most) rows.") }
            if let fault = row.fault {
                let reason = CSVSheet.reason(fault, text.encoding)
                guard columns != nil else { throw BulkUploadErrors.file(reason) }
                problems.append((number, reason))
            } else if row.isBlank {
                continue
            } else if let columns {
                rows.append(Self.row(number, row.cells, columns))
            } else {
                columns = try Self.columns(row.cells)
            }
        }
    }

    private static func columns(_ header: [String]) throws(BulkUploadErrors) -> [Int: Column] {
        var columns: [Int: Column] = [:]
        for (place, name) in header.enumerated() { columns[place] = Column(name) }
        func has(_ wanted: [Column]) -> Bool { columns.values.contains { wanted.contains($0) } }
        guard has([.number]), has([.name, .given, .family]) else {
            throw .file(
                """
                The first row has to name the columns, at least one “Name” and one “Phone numbers”. Download the \
                contacts as a file to have an example.
                """)
        }
        return columns
    }

    private static func row(_ number: Int, _ cells: [String], _ columns: [Int: Column]) -> Row {
        var row = Row(number: number)
        for (place, cell) in cells.enumerated() {
            let text = CSVCell.plain(cell)
            guard !text.isEmpty, let column = columns[place] else { continue }
            switch column {
            case .id: row.id = text
            case .name: row.name = text
            case .given: row.given = text
            case .family: row.family = text
            case .number: row.numbers += values(text)
            case .email: row.emails += values(text)
            case .note: row.note = row.note.isEmpty ? text : "\(row.note)\n\(text)"
            }
        }
        if row.name.isEmpty { row.name = [row.given, row.family].filter { !$0.isEmpty }.joined(separator: " ") }
        return row
    }

    /// Several in one cell stand one a line, or behind `;`, `,` or, as Google writes it, `:::`.
    private static func values(_ cell: String) -> [String] {
        cell.replacingBytes(":::", with: "\n").unicodeScalars.split(maxSplits: 100) {
            ";,\r\n".unicodeScalars.contains($0)
        }
        .map { String($0).trimmed }.filter { !$0.isEmpty }
    }

    /// The header of our own files, with the mark that tells Excel that it is UTF-8.
    package static let header = CSVCell.mark + Array("Id,Name,Phone numbers,Emails,Note\r\n".utf8)

    /// A contact as a row.
    package static func line(of contact: Contact) -> [UInt8] {
        CSVCell.line([
            contact.id.text, contact.name, contact.numbers.joined(separator: "; "),
            contact.emails.joined(separator: "; "), contact.note,
        ])
    }
}
