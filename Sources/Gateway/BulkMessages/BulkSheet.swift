import Foundation
import SwiftCSV

/// A row of an uploaded file, as text; what it means is decided in ``BulkUpload``.
struct BulkRow: Sendable {
    /// Counted from 1 as a spreadsheet counts, the header included.
    let number: Int
    let from: String
    let to: String
    let content: String
    let sendTime: SendTime?
    /// Separated by commas.
    let attachmentURLs: String

    /// When a row wants to be sent.
    enum SendTime: Sendable {
        case text(String)
        /// A date cell: no zone goes with it. Seconds since 1970-01-01 00:00 by the wall clock.
        case wallClock(Int64)
    }

    /// Whether nothing stands in it.
    var isBlank: Bool { [from, to, content, attachmentURLs].allSatisfy(\.isEmpty) && sendTime == nil }
}

/// Why a file cannot be read; with the contract's words (4.3).
struct BulkFileError: Error {
    let message: String

    init(_ message: String) {
        self.message = message
    }
}

/// Reads uploaded files.
enum BulkSheet {
    /// More rows than this, blank ones included, are not read: there are too many messages in them anyway.
    static let maximumRows = 5_000

    /// The rows of `file`, blank ones left out.
    @concurrent static func rows(of file: UploadedFile) async throws -> [BulkRow] {
        let xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        let rows: [BulkRow]
        if file.contentType == "text/csv" || file.name.hasSuffix(".csv") {
            rows = try csv(file)
        } else if file.contentType == xlsx || file.name.hasSuffix(".xlsx") {
            rows = try XLSXSheet.rows(of: file)
        } else {
            throw BulkFileError("The file [\(file.name)] is not a valid CSV or Excel file.")
        }
        return rows.filter { !$0.isBlank }
    }

    /// Columns are found by their names, in any order; a row that is too short has empty cells at its end (Q25).
    private static func csv(_ file: UploadedFile) throws -> [BulkRow] {
        let unreadable = BulkFileError("Cannot read the contents of the uploaded file [\(file.name)].")
        // SwiftCSV forgives a quote that is never closed, and would take the rest of the file for one cell.
        guard var text = String(validating: file.bytes, as: UTF8.self),
            file.bytes.count(where: { $0 == UInt8(ascii: "\"") }) % 2 == 0
        else { throw unreadable }
        // Without a line break at the end it would lose an empty last cell.
        if text.last?.isNewline != true { text += "\n" }
        let table: CSV<Enumerated>
        do {
            table = try CSV<Enumerated>(
                string: text.replacing("\0", with: "\u{FFFD}"), delimiter: .comma, loadColumns: false,
                rowLimit: maximumRows)
        } catch {
            throw unreadable
        }
        let header = table.header.map(\.trimmed)
        func cell(_ name: String, of row: [String]) -> String {
            guard let column = header.firstIndex(of: name), column < row.count else { return "" }
            return row[column].trimmed
        }
        return table.rows.enumerated().map { index, row in
            let sendTime = cell("SendTime(optional)", of: row)
            return BulkRow(
                number: index + 2, from: cell("FromPhoneNumber", of: row), to: cell("ToPhoneNumber", of: row),
                content: cell("Content", of: row), sendTime: sendTime.isEmpty ? nil : .text(sendTime),
                attachmentURLs: cell("AttachmentURLs(optional)", of: row))
        }
    }
}
