/// What is wrong with an uploaded file.
package struct BulkProblem: Sendable {
    /// As the spreadsheet counts; none when it is the file as a whole.
    package let rows: [Int]
    /// The column as the file calls it; nil when it is a row or the file as a whole.
    let column: String?
    /// In a sentence.
    package let reason: String
    /// The same for whoever looks at a page; ``reason`` where the words do not differ.
    package let words: String
    /// Whether it may be that of many rows.
    private let isShared: Bool

    init(rows: [Int], _ column: String?, _ reason: String, words: String? = nil, isShared: Bool = false) {
        self.rows = rows
        self.column = column
        self.reason = reason
        self.words = words ?? reason
        self.isShared = isShared
    }

    /// A problem of the file as a whole.
    package static func file(_ reason: String) -> BulkProblem { BulkProblem(rows: [], nil, reason) }

    /// httpSMS's words.
    package var message: String {
        if rows.isEmpty { return reason }
        return "\(isShared ? "Rows" : "Row") [\(rows.map(String.init).joined(separator: ", "))]: \(reason)"
    }
}

/// Everything that is wrong with an uploaded file, in the order of its rows.
package struct BulkUploadErrors: Error {
    /// All of them, in the order of rows.
    package let problems: [BulkProblem]
    /// Whether it is the headings: which column is which can be said by hand then.
    package let isOfHeader: Bool
    /// How many rows can be sent when those that are wrong are left out; 0 when the file as a whole is wrong, too.
    package let rightRows: Int

    /// - Parameters:
    ///   - problems: All of them, in the order of rows.
    ///   - isOfHeader: Whether the first row is what is wrong.
    ///   - rightRows: How many rows nothing is wrong with.
    package init(_ problems: [BulkProblem], isOfHeader: Bool = false, rightRows: Int = 0) {
        (self.isOfHeader, self.rightRows) = (isOfHeader, rightRows)
        // Sorting keeps equals in their order only when their place is compared as well.
        self.problems = problems.enumerated().sorted {
            ($0.element.rows.first ?? 0, $0.offset) < ($1.element.rows.first ?? 0, $1.offset)
        }.map(\.element)
    }

    /// One problem of the file as a whole.
    package static func file(_ reason: String) -> BulkUploadErrors { BulkUploadErrors([.file(reason)]) }

    /// The rows that have a problem, with all that is said of each: of the first thousand, in order.
    var rows: [LeftOutRow] {
        var words: [Int: [String]] = [:]
        for problem in problems {
            for row in problem.rows { words[row, default: []].append(problem.words) }
        }
        return words.sorted { $0.key < $1.key }.prefix(BulkSheet.maximumRows).map { number, words in
            LeftOutRow(number: number, reason: words.joined(separator: " "))
        }
    }

    /// The problems in words, and how many were left out where there are more than an answer should hold.
    var messages: [String] {
        var room = Self.messageBytes
        var messages: [String] = []
        for problem in problems {
            let message = problem.message
            room -= message.utf8.count
            if room < 0 {
                messages.append(
                    "There are \(problems.count - messages.count) more problems. Ask with Accept: text/csv for all of them."
                )
                break
            }
            messages.append(message)
        }
        return messages
    }

    /// All of it as a file for a spreadsheet: row, column, error. What belongs to many rows stands at each of them.
    var csv: [UInt8] { file { Self.quoted($0.reason) } }

    /// The same in the words of pages, for those who downloaded it there. They may begin with a heading of the file.
    package var report: [UInt8] { file { CSVCell.quoted($0.words) } }

    private func file(_ reason: (BulkProblem) -> [UInt8]) -> [UInt8] {
        // Excel takes a file without the mark for one in the code page of its machine.
        var file: [UInt8] = [0xef, 0xbb, 0xbf] + Array("Row,Column,Error\r\n".utf8)
        for problem in problems {
            for row in problem.rows.isEmpty ? [""] : problem.rows.map(String.init) {
                file += Array("\(row),".utf8) + Self.cell(problem.column) + [UInt8(ascii: ",")]
                file += reason(problem) + [0x0d, 0x0a]
            }
        }
        return file
    }

    /// The cell that names a column. The known names stand bare, as httpSMS has them.
    private static func cell(_ column: String?) -> [UInt8] {
        guard let column else { return [] }
        return BulkColumn(rawValue: column) == nil ? CSVCell.quoted(column) : Array(column.utf8)
    }

    /// A cell in quotes. Byte by byte, as a quote with an accent on it is another character to Swift.
    private static func quoted(_ cell: String) -> [UInt8] {
        let quote = UInt8(ascii: "\"")
        return [quote] + cell.utf8.flatMap { $0 == quote ? [quote, quote] : [$0] } + [quote]
    }

    /// 64 KiB: some 500 problems, more than anybody reads.
    private static let messageBytes = 64 << 10
}
