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
    /// More rows than this are not read: there are too many messages in them anyway.
    static let maximumRows = 5_000

    /// The rows of `file`, blank ones left out. `check` is called between rows, and what it throws ends the work.
    ///
    /// - Throws: ``BulkFileError``, and what `check` throws.
    static func rows(of file: UploadedFile, check: () throws(CancellationError) -> Void = {}) throws -> [BulkRow] {
        let xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        if file.contentType == "text/csv" || file.name.hasSuffix(".csv") { return try csv(file, check: check) }
        if file.contentType == xlsx || file.name.hasSuffix(".xlsx") {
            return try XLSXSheet.rows(of: file, check: check)
        }
        throw BulkFileError("The file [\(file.name)] is not a valid CSV or Excel file.")
    }

    /// Columns are found by their names, in any order; a row that is too short has empty cells at its end (Q25). Of more
    /// than ``maximumRows``, blank ones included, the rest is not read.
    private static func csv(_ file: UploadedFile, check: () throws(CancellationError) -> Void) throws -> [BulkRow] {
        do {
            var reader = CSVReader(file.bytes)
            guard let header = try reader.next()?.map(\.trimmed) else { return [] }
            let columns = [
                "FromPhoneNumber", "ToPhoneNumber", "Content", "SendTime(optional)", "AttachmentURLs(optional)",
            ].map(header.firstIndex)
            var rows: [BulkRow] = []
            var number = 1
            while number <= maximumRows, let cells = try reader.next() {
                try check()
                number += 1
                let texts = columns.map { $0.flatMap { $0 < cells.count ? cells[$0].trimmed : nil } ?? "" }
                let row = BulkRow(
                    number: number, from: texts[0], to: texts[1], content: texts[2],
                    sendTime: texts[3].isEmpty ? nil : .text(texts[3]), attachmentURLs: texts[4])
                if !row.isBlank { rows.append(row) }
            }
            return rows
        } catch CSVReader.Fault.tooManyColumns {
            throw BulkFileError(
                "The uploaded file [\(file.name)] has more than \(CSVReader.maximumColumns) columns.")
        } catch is CSVReader.Fault {
            throw BulkFileError("Cannot read the contents of the uploaded file [\(file.name)].")
        }
    }
}
