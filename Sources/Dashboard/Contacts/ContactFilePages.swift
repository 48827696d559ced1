import Delivery
import Foundation
import Gateway
import HTTPTypes
import Hummingbird
import NIOCore
import Storage
import Wire

/// Contacts out of a file, after a look at it, and all contacts as a file.
struct ContactFilePages: Sendable {
    let operations: ContactOperations
    let uploads: UploadQueue
    let views: PageViews

    func add(to group: RouterGroup<SignedInContext>) {
        group.get("/contacts/import") { _, context in show(context) }
        group.post("/contacts/import", use: preview)
        group.post("/contacts/import/store", use: store)
        group.get("/contacts/export.csv") { _, context in
            export(context, "contacts.csv", "text/csv; charset=utf-8", header: ContactSheet.header) {
                ContactSheet.line(of: $0)
            }
        }
        group.get("/contacts/export.vcf") { _, context in
            export(context, "contacts.vcf", "text/vcard; charset=utf-8", header: []) { VCard.card(of: $0) }
        }
    }

    private struct Content {
        let problem: String?
    }

    private func show(_ context: SignedInContext, problem: String? = nil) -> Response {
        views.page(
            .contactImport, "Import and export", Content(problem: problem), context,
            status: problem == nil ? .ok : .unprocessableContent)
    }

    private struct Preview {
        let fileName: String
        let type: String
        /// The file in base64; empty when there is nothing to store.
        let document: String
        let added: String
        let known: String
        /// Such as `12 contacts`.
        let count: String
        let without: String?
        let canStore: Bool
        let isFull: Bool
        let placeName: String
        let hasProblems: Bool
        let problems: [Problem]
        let more: String?
        let rows: [Row]
        let isCut: Bool
        let shownCount: Int

        struct Problem {
            let place: Int
            let reason: String
        }

        struct Row {
            let name: String
            let numbers: [String]
            let note: String
        }

        init(_ upload: UploadedFile, _ file: ContactFile, _ outcome: ContactImport, total: Int) {
            fileName = upload.name
            type = upload.contentType + (upload.charset.map { "; charset=\($0)" } ?? "")
            isFull = total + outcome.added > Contact.mostOfAccount
            canStore = !file.items.isEmpty && !isFull
            document = canStore ? Data(upload.bytes).base64EncodedString() : ""
            added = Figure.shown(Int64(outcome.added))
            known = Figure.shown(Int64(outcome.known))
            let count = file.items.count
            self.count = count == 1 ? "1 contact" : "\(Figure.shown(Int64(count))) contacts"
            without = file.withoutNumber == 0 ? nil : Figure.shown(Int64(file.withoutNumber))
            placeName = file.isVCard ? "Card" : "Row"
            hasProblems = !file.problems.isEmpty
            problems = file.problems.prefix(ContactFilePages.problemCount).map {
                Problem(place: $0.place, reason: $0.reason)
            }
            let left = file.problems.count - problems.count
            more = left > 0 ? "There are \(left) more problems like these." : nil
            rows = file.items.prefix(ContactFilePages.rowCount).map { item in
                Row(
                    name: item.draft.name, numbers: item.draft.phoneNumbers.map(PageParty.number),
                    note: (item.draft.properties[Contact.noteProperty] ?? "").firstScalars(200))
            }
            isCut = count > ContactFilePages.rowCount
            shownCount = ContactFilePages.rowCount
        }
    }

    /// Shows what a file asks for. The page holds the file, and its form carries it back, as with files of messages.
    private func preview(_ request: Request, _ context: SignedInContext) async throws -> Response {
        guard let upload = context.form.file("document") else {
            return show(context, problem: "Choose a file first.")
        }
        do {
            let (file, outcome) = try await operations.read(upload, by: context.uploader, in: uploads)
            let total = try await operations.list(Page(skip: 0, limit: 1, query: ""), userID: context.userID).total
            return try await uploads.run(for: context.uploader) { [views] _ in
                views.page(
                    .contactPreview, "Check before storing", Preview(upload, file, outcome, total: total), context)
            }
        } catch let error as BulkUploadErrors {
            return show(context, problem: Self.sentence(error))
        }
    }

    private func store(_ request: Request, _ context: SignedInContext) async throws -> Response {
        let document = context.form.bytes("document")
        let decoded = try await uploads.run(for: context.uploader) { _ in
            document.flatMap { Data(base64Encoded: Data($0)) }.map { ArraySlice($0) }
        }
        guard let bytes = decoded, !bytes.isEmpty else {
            return show(context, problem: "The file did not come along. Choose it again.")
        }
        let type = HeaderParameters(context.form.text("type").utf8)
        let upload = UploadedFile(
            name: context.form.text("name"), contentType: type.value, charset: type["charset"]?.lowercased(),
            bytes: bytes)
        do {
            let file = try await operations.read(upload, by: context.uploader, in: uploads).file
            _ = try await operations.bring(file.items, userID: context.userID)
            return .seeOther(ContactPages.path, .stored)
        } catch let error as BulkUploadErrors {
            return show(context, problem: Self.sentence(error))
        } catch let refusal as Refusal where refusal.kind == .quota {
            return show(context, problem: refusal.message)
        }
    }

    private static func sentence(_ error: BulkUploadErrors) -> String {
        error.problems.first.map { $0.message } ?? "The file cannot be read."
    }

    /// All contacts, a hundred at a time as the browser takes them.
    private func export(
        _ context: SignedInContext, _ name: String, _ type: String, header: [UInt8],
        line: @escaping @Sendable (Contact) -> [UInt8]
    ) -> Response {
        let userID = context.userID
        let body = ResponseBody { [operations] writer in
            if !header.isEmpty { try await writer.write(ByteBuffer(bytes: header)) }
            for skip in stride(from: 0, to: Contact.mostOfAccount, by: Self.exportCount) {
                let page = Page(skip: skip, limit: Self.exportCount, query: "")
                let contacts = try await operations.list(page, userID: userID).contacts
                if !contacts.isEmpty { try await writer.write(ByteBuffer(bytes: contacts.flatMap(line))) }
                if contacts.count < Self.exportCount { break }
            }
            try await writer.finish(nil)
        }
        return .file(name, type: type, body)
    }

    private static let rowCount = 20
    /// As many as somebody fixes before trying again.
    private static let problemCount = 100
    private static let exportCount = 100
}
