import Wire

/// How somebody reads a file whose headings are not the known ones, or whose messages are to share a text.
package struct BulkMapping: Sendable, Hashable {
    /// Where a part of each message comes from.
    var places: [BulkColumn: Int]
    /// The phone that sends all of them; nil when a column says which.
    var sender: String?
    /// The text of all of them; nil when a column has it.
    var text: String?

    /// - Parameters:
    ///   - places: Columns by their places in the sheet, counted from 0.
    ///   - sender: One of the account's numbers.
    ///   - text: With placeholders that stand for cells of other columns.
    package init(places: [BulkColumn: Int], sender: String? = nil, text: String? = nil) {
        (self.places, self.sender, self.text) = (places, sender, text)
        if sender != nil { self.places[.from] = nil }
        if text != nil { self.places[.content] = nil }
    }

    /// Ends the upload when it does not fit a header.
    ///
    /// - Throws: ``BulkUploadErrors`` with all that is wrong.
    func check(_ header: [Int: String]) throws(BulkUploadErrors) {
        var problems: [BulkProblem] = []
        let needed: [(BulkColumn, Bool, String)] = [
            (.to, true, "Choose the column with the numbers that the messages go to."),
            (.from, sender == nil, "Choose the phone that sends, or the column that names it."),
            (.content, text == nil, "Choose a text, or the column that has it."),
        ]
        for (column, isNeeded, words) in needed where isNeeded && places[column] == nil {
            problems.append(.file(words))
        }
        if places.values.contains(where: { header[$0] == nil }) {
            problems.append(.file("A column that was chosen has no heading in the file. Choose the columns again."))
        }
        if let text {
            let placeholders = PlaceholderText(text)
            if text.trimmed.isEmpty { problems.append(.file("Write the text first, or choose one.")) }
            if placeholders.count > PlaceholderText.mostPlaceholders {
                problems.append(.file("Use at most \(PlaceholderText.mostPlaceholders) placeholders in the text."))
            }
            let known = Set(header.values.map(PlaceholderText.key) + [BulkMapping.number])
            for name in placeholders.names where !known.contains(PlaceholderText.key(name)) {
                problems.append(.file("The text has {{\(name)}}, but no column of the file is called so."))
            }
        }
        if !problems.isEmpty { throw BulkUploadErrors(problems, isOfHeader: true) }
    }

    /// The name that stands for the number that a message goes to, where no column has it.
    static let number = "number"
}
