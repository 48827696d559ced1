import Delivery
import Foundation
import Gateway
import Hummingbird
import Storage

/// What the columns of a file hold, and which text its messages have, said by hand.
struct BulkColumnPages: Sendable {
    let operations: BulkMessageOperations
    let views: PageViews

    private struct Content {
        let file: BulkFile
        let trouble: BulkTrouble?
        /// How the file is read, for the one that takes its place.
        let fields: BulkFields
        let phones: [Choice]
        let to: [Choice]
        let from: [Choice]
        let sendTime: [Choice]
        let attachments: [Choice]
        let text: [Choice]
        let texts: [Choice]
        let hasTexts: Bool
        let isTyped: Bool
        let content: String
        /// The headings as a text names them.
        let placeholders: String
    }

    /// Shows the form for `file`. Nil `fields` are guessed.
    func show(
        _ file: UploadedFile, _ fields: BulkFields?, _ context: SignedInContext, errors: BulkUploadErrors? = nil
    ) async throws -> Response {
        let userID = context.userID
        let (phones, choice) = try await operations.store.read(.user(userID)) { tx in
            (try PhoneNumbers.list(of: userID, in: tx), try TextChoice(of: userID, chosen: "", in: tx))
        }
        let header = try await operations.header(of: file, by: context.uploader)
        let fields = fields ?? BulkFields(header: header, phones: phones)
        let headings = header.sorted { $0.key < $1.key }.prefix(CSVReader.maximumColumns).map { place, name in
            (value: BulkFields.column(place), name: BulkUpload.shown(name))
        }
        @Sendable func columns(_ chosen: String) -> [Choice] {
            headings.map { Choice(value: $0.value, isChosen: $0.value == chosen, note: $0.name) }
        }
        let names = headings.map(\.name).filter { PlaceholderText("{{\($0)}}").count == 1 }.prefix(Self.shownCount)
        let views = views
        return try await operations.uploads.run(for: context.uploader) { _ in
            views.page(
                .bulkColumns, "Columns and text",
                Content(
                    file: BulkFile(file), trouble: errors.map { BulkTrouble($0, of: file, fields) }, fields: fields,
                    phones: Choice.phones(phones, chosen: fields.from), to: columns(fields.to),
                    from: columns(fields.from), sendTime: columns(fields.sendTime),
                    attachments: columns(fields.attachments), text: columns(fields.text),
                    texts: choice.texts.map { text in
                        let value = "text \(text.value)"
                        return Choice(value: value, isChosen: value == fields.text, note: text.note)
                    },
                    hasTexts: choice.hasTexts, isTyped: fields.text == BulkFields.typed, content: fields.content,
                    placeholders: names.map { "{{\($0)}}" }.joined(separator: ", ")),
                context, status: errors == nil ? .ok : .unprocessableContent)
        }
    }

    /// Of headings in a sentence.
    private static let shownCount = 12
}

/// A file in the page that shows it, whose form carries it back.
struct BulkFile: Sendable {
    let name: String
    /// With the charset that came with it.
    let type: String
    /// In base64.
    let document: String

    init(_ file: UploadedFile) {
        name = file.name
        type = file.contentType + (file.charset.map { "; charset=\($0)" } ?? "")
        document = Data(file.bytes).base64EncodedString()
    }
}

/// What is wrong with a file, as a page shows it.
struct BulkTrouble: Sendable {
    let fileName: String
    let problems: [Line]
    let more: String?
    /// All problems as a file, in base64; nil when none is that of a row.
    let report: String?
    /// The same file without the rows that are wrong; nil when nothing would be left.
    let rest: Rest?

    struct Rest: Sendable {
        let count: String
        let isOne: Bool
        let file: BulkFile
        let fields: BulkFields
    }

    struct Line: Sendable {
        /// Nil when it is the file as a whole.
        let rows: String?
        let reason: String
    }

    /// - Parameters:
    ///   - errors: What is wrong.
    ///   - file: With what; nil when there is none.
    ///   - fields: How it was read.
    init(_ errors: BulkUploadErrors, of file: UploadedFile?, _ fields: BulkFields = BulkFields()) {
        let problems = errors.problems
        fileName = file?.name ?? ""
        let left = problems.count - Self.shownCount
        self.problems = problems.prefix(Self.shownCount).map { problem in
            let rows = problem.rows.map(String.init).joined(separator: ", ")
            return Line(rows: rows.isEmpty ? nil : rows, reason: problem.words)
        }
        more = left > 0 ? "There are \(left) more problems like these." : nil
        report =
            problems.contains { !$0.rows.isEmpty }
            ? Data(errors.report).base64EncodedString() : nil
        rest = file.flatMap { file in
            errors.rightRows == 0
                ? nil
                : Rest(
                    count: Figure.shown(Int64(errors.rightRows)), isOne: errors.rightRows == 1, file: BulkFile(file),
                    fields: fields)
        }
    }

    /// As many as somebody fixes before trying again.
    private static let shownCount = 100
}
