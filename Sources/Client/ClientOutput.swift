import Wire

/// What a command prints: for people, or for machines with `--json`.
package struct ClientOutput: Sendable {
    /// For people, without a newline at the end, and without what would steer a terminal: strangers write SMS.
    package let text: String
    /// One JSON value.
    package let json: String
    /// What did not come about, although the server did as it was asked; nil when all is well.
    package let fault: String?
    /// Where a list goes on; nil when it does not.
    package let next: String?

    init(text: String, json: [UInt8], fault: String? = nil, next: String? = nil) {
        self.text = text.printableLines
        self.fault = fault
        self.next = next
        self.json = json.isEmpty ? "null" : String(decoding: json, as: UTF8.self)
    }
}

/// Rows under headings, as wide as their widest cell.
struct TextTable {
    private let rows: [[String]]

    /// Makes a table. Line breaks and other control characters become spaces, so that what a stranger wrote in an SMS cannot
    /// steer the terminal.
    init(_ headings: [String], _ rows: [[String]]) {
        self.rows = [headings] + rows.map { $0.map(\.printable) }
    }

    var text: String {
        let widths = rows.reduce(into: [Int](repeating: 0, count: rows[0].count)) { widths, row in
            for (column, cell) in row.enumerated() { widths[column] = max(widths[column], cell.count) }
        }
        return rows.map { row in
            let cells = zip(row, widths).map { $0.padding(to: $1) }
            var line = cells.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line
        }.joined(separator: "\n")
    }
}

/// Names with values, one a line.
struct TextList {
    private let fields: [(String, String?)]

    /// Fields without a value are left out.
    init(_ fields: [(String, String?)]) {
        self.fields = fields
    }

    var text: String {
        let shown = fields.compactMap { name, value in value.map { (name + ":", $0.printable) } }
        let width = shown.map(\.0.count).max() ?? 0
        return shown.map { "\($0.padding(to: width))  \($1)" }.joined(separator: "\n")
    }
}
