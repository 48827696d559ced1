import Wire

/// A row of a file that was sent without it, as it was wrong.
package struct LeftOutRow: Sendable, Hashable {
    /// As the spreadsheet counts.
    package let number: Int
    /// In a line.
    package let reason: String

    /// A reason that is longer than anybody reads is cut.
    init(number: Int, reason: String) {
        self.number = number
        self.reason = reason.firstScalars(Self.longestReason).split(whereSeparator: \.isNewline).joined(separator: " ")
    }

    /// Reads what ``text(of:)`` wrote.
    static func rows(_ text: String) -> [LeftOutRow] {
        text.split(separator: "\n").compactMap { line in
            let parts = line.split(separator: " ", maxSplits: 1)
            guard parts.count == 2, let number = Int(parts[0]) else { return nil }
            return LeftOutRow(number: number, reason: String(parts[1]))
        }
    }

    /// Rows as they are stored: a line for each, with its number first.
    static func text(of rows: [LeftOutRow]) -> String {
        rows.map { "\($0.number) \($0.reason)" }.joined(separator: "\n")
    }

    /// In characters: one problem is a sentence with a cell in it, of a hundred at most.
    private static let longestReason = 400
}
