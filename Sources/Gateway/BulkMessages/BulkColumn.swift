/// What a file says of a message, column by column.
package enum BulkColumn: String, CaseIterable, Sendable {
    case from = "FromPhoneNumber"
    case to = "ToPhoneNumber"
    case content = "Content"
    case sendTime = "SendTime"
    case attachmentURLs = "AttachmentURLs"

    /// Whether a file may leave the column out.
    var isOptional: Bool { self == .sendTime || self == .attachmentURLs }

    /// The column that a header names: case, spaces and `(optional)` aside.
    package init?(_ header: String) {
        // A name as long as a text is none, and is not read.
        guard header.utf8.count <= Self.longestHeader else { return nil }
        let name = Self.plain(header)
        guard let column = Self.allCases.first(where: { Self.plain($0.rawValue) == name }) else { return nil }
        self = column
    }

    /// The column that somebody may have meant by a header that names none: `Send Time (UTC)`, `SendTme`, `From`.
    ///
    /// A header that is ignored could send a list at once that was meant for tomorrow.
    package static func resembling(_ header: String) -> BulkColumn? {
        guard header.utf8.count <= longestHeader else { return nil }
        let name = plain(header)
        guard !name.isEmpty else { return nil }
        return allCases.first { column in
            let known = plain(column.rawValue)
            return contains(name, known) || (known.starts(with: name) && (name.count >= 3 || name == plain("to")))
        } ?? allCases.first { isTypo(name, of: plain($0.rawValue)) } ?? beginning(name)
    }

    /// What people call the columns that are missed by nobody when they have another name.
    private static func beginning(_ name: [Unicode.Scalar]) -> BulkColumn? {
        func begins(_ word: String) -> Bool { name.starts(with: word.unicodeScalars) }
        if begins("schedule") || begins("send") && !begins("sender") { return .sendTime }
        return begins("attachment") ? .attachmentURLs : nil
    }

    /// In bytes: the names of all columns fit, whatever separates them.
    private static let longestHeader = 256

    /// A header in lower case, without spaces, marks that nobody sees, and `(optional)`.
    private static func plain(_ header: String) -> [Unicode.Scalar] {
        let optional = Array("(optional)".unicodeScalars)
        var name = header.lowercased().unicodeScalars.filter { scalar in
            !scalar.properties.isWhitespace && !scalar.properties.isDefaultIgnorableCodePoint
        }
        if name.count > optional.count, name.suffix(optional.count).elementsEqual(optional) {
            name.removeLast(optional.count)
        }
        return Array(name)
    }

    private static func contains(_ name: [Unicode.Scalar], _ known: [Unicode.Scalar]) -> Bool {
        guard known.count <= name.count else { return false }
        return (0...(name.count - known.count)).contains { name[$0...].starts(with: known) }
    }

    /// Whether one, two or a quarter of the letters of `known` were added, left out or exchanged.
    private static func isTypo(_ name: [Unicode.Scalar], of known: [Unicode.Scalar]) -> Bool {
        let most = max(2, known.count / 4)
        guard abs(name.count - known.count) <= most else { return false }
        var distances = Array(0...known.count)
        for (row, letter) in name.enumerated() {
            var corner = distances[0]
            distances[0] = row + 1
            for column in known.indices {
                let cost = letter == known[column] ? corner : 1 + min(corner, distances[column], distances[column + 1])
                corner = distances[column + 1]
                distances[column + 1] = cost
            }
        }
        return (distances.last ?? .max) <= most
    }
}

/// Which column of a sheet holds what, as its header says.
struct BulkColumns: Sendable {
    /// By the place in the sheet, counted from 0.
    private let columns: [Int: [BulkColumn]]
    /// The names that placeholders of a text find cells by, by the place as well; see ``PlaceholderText/key(_:)``.
    private let values: [Int: String]

    /// Reads the names in a header, by their places.
    ///
    /// - Throws: ``BulkUploadErrors`` with all that is wrong: columns that are missing, there twice, or that look like one
    ///   that they do not name. Other columns are whatever the sender keeps beside the messages.
    init(header: [Int: String]) throws(BulkUploadErrors) {
        var columns: [Int: BulkColumn] = [:]
        var problems: [BulkProblem] = []
        var resembling: [(String, BulkColumn)] = []
        for (place, name) in header.sorted(by: { $0.key < $1.key }) {
            if let column = BulkColumn(name) {
                if columns.values.contains(column) {
                    problems.append(.file("The column \(column.rawValue) is there twice."))
                }
                columns[place] = column
            } else if let column = BulkColumn.resembling(name) {
                resembling.append((name, column))
            }
        }
        let missing = BulkColumn.allCases.filter { !$0.isOptional && !columns.values.contains($0) }
        if columns.isEmpty, !missing.isEmpty {
            problems.append(
                .file(
                    """
                    The first row must name the columns: \(missing.map(\.rawValue).joined(separator: ", ")) are missing. \
                    Make sure you are using the official httpSMS template.
                    """))
        } else {
            problems += missing.map { .file("The column \($0.rawValue) is missing.") }
        }
        for (name, column) in resembling {
            // Beside `Content`, `Contact` is a column of the sender's own.
            if columns.values.contains(column), !Self.isExtended(name, column) { continue }
            problems.append(
                .file(
                    """
                    The column [\(BulkUpload.shown(name))] looks like \(column.rawValue). Name it \(column.rawValue), or \
                    something else if it is meant to be ignored.
                    """))
        }
        if !problems.isEmpty { throw BulkUploadErrors(problems, isOfHeader: true) }
        self.columns = columns.mapValues { [$0] }
        values = [:]
    }

    /// Takes columns from where `mapping` says they are, and whatever its text names.
    ///
    /// - Throws: ``BulkUploadErrors`` when it does not fit the header.
    init(header: [Int: String], _ mapping: BulkMapping) throws(BulkUploadErrors) {
        try mapping.check(header)
        columns = Dictionary(grouping: mapping.places.sorted { $0.key.rawValue < $1.key.rawValue }, by: \.value)
            .mapValues { $0.map(\.key) }
        let names = Set(PlaceholderText(mapping.text ?? "").names.map(PlaceholderText.key))
        var values: [Int: String] = [:]
        for (place, name) in header.sorted(by: { $0.key < $1.key }) {
            let key = PlaceholderText.key(name)
            if names.contains(key), !values.values.contains(key) { values[place] = key }
        }
        self.values = values
    }

    /// What the column at `place` holds; empty when it is one of the sender's own.
    subscript(_ place: Int) -> [BulkColumn] { columns[place] ?? [] }

    /// The name that a text finds the cells at `place` by; nil when it does not.
    func value(at place: Int) -> String? { values[place] }

    /// Whether anything is wanted of the cells at `place`.
    func counts(_ place: Int) -> Bool { columns[place] != nil || values[place] != nil }

    /// Whether a name is that of a column and something more, or the beginning of it.
    private static func isExtended(_ name: String, _ column: BulkColumn) -> Bool {
        let name = String(name.lowercased().filter { !$0.isWhitespace })
        let known = column.rawValue.lowercased()
        return name.contains(known) || known.hasPrefix(name)
    }
}
