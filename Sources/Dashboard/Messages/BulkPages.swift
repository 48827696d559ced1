import Delivery
import Foundation
import Gateway
import HTTPTypes
import Hummingbird
import NIOCore
import Storage
import Timestamps
import Wire

/// Many messages out of one file: choosing it, looking at what it asks for, sending it, and how far that is.
struct BulkPages: Sendable {
    let operations: BulkMessageOperations
    let texts: SavedTextOperations
    let receipts: FormReceipts
    let views: PageViews

    private var columns: BulkColumnPages { BulkColumnPages(operations: operations, views: views) }

    /// Where the upload `requestID` is; its id holds part of a file's name.
    static func path(of requestID: String) -> String { PageLink.to("/messages/bulk/batch", ["request_id": requestID]) }

    func add(to group: RouterGroup<SignedInContext>) {
        group.get("/messages/bulk") { _, context in try await show(context) }
        group.post("/messages/bulk", use: preview)
        group.post("/messages/bulk/columns", use: map)
        group.post("/messages/bulk/send", use: send)
        group.get("/messages/bulk/batch", use: batch)
        group.get("/messages/bulk/sample.csv", use: sample)
    }

    private struct Content {
        let hasNumbers: Bool
        let trouble: BulkTrouble?
        let batches: [BulkLine]
    }

    private func show(
        _ context: SignedInContext, file: UploadedFile? = nil, errors: BulkUploadErrors? = nil
    ) async throws -> Response {
        let userID = context.userID
        let (numbers, batches) = try await operations.store.read(.user(userID)) { tx in
            (try PhoneNumbers.list(of: userID, in: tx), try BulkMessageQueries.latest(userID: userID, in: tx))
        }
        // The page of a file that is wrong in part holds that file, too.
        let page = { @Sendable [views] (trouble: BulkTrouble?) in
            views.page(
                .bulk, "Bulk messages",
                Content(hasNumbers: !numbers.isEmpty, trouble: trouble, batches: batches.map(BulkLine.init)), context,
                status: trouble == nil ? .ok : .unprocessableContent)
        }
        guard let errors else { return page(nil) }
        return try await operations.uploads.run(for: context.uploader) { _ in page(BulkTrouble(errors, of: file)) }
    }

    private struct Preview {
        let file: BulkFile
        /// How the file is read.
        let fields: BulkFields
        /// What is wrong with the rows that are left out.
        let leftOut: BulkTrouble?
        /// How the file was written, when that was converted.
        let converted: String?
        let once: String
        /// How many SMS the messages take.
        let parts: String
        let count: String
        let isOne: Bool
        /// When the last one goes out; nil when that is not known.
        let end: String?
        /// The same file, sent before; nil when it was not.
        let earlier: Earlier?
        let senders: [Sender]
        let rows: [Row]
        let isCut: Bool
        let shownCount: Int

        init(
            _ file: UploadedFile, _ fields: BulkFields, _ upload: BulkUpload, end: Timestamp?, earlier: BulkMessage?
        ) {
            let bySender = Dictionary(grouping: upload.items, by: \.from)
            self.file = BulkFile(file)
            self.fields = fields
            leftOut = upload.leftOut.isEmpty ? nil : BulkTrouble(BulkUploadErrors(upload.leftOut), of: file)
            parts = Figure.shown(Int64(upload.parts))
            converted = upload.encoding == .windows1252 ? upload.encoding?.rawValue : nil
            once = FormReceipts.token()
            count = Figure.shown(Int64(upload.items.count))
            isOne = upload.items.count == 1
            self.end = end.map(PageTime.shown)
            self.earlier = earlier.map {
                Earlier(path: BulkPages.path(of: $0.requestID), time: PageTime.shown($0.createdAt))
            }
            senders = upload.items.map(\.from).unique.map { number in
                Sender(number: PageParty.number(number), count: Figure.shown(Int64(bySender[number]?.count ?? 0)))
            }
            rows = upload.items.prefix(BulkPages.rowCount).map { item in
                Row(
                    number: item.row, from: PageParty.number(item.from), to: PageParty.full(item.to),
                    content: item.content,
                    time: item.sendAt.map(PageTime.shown) ?? "as soon as it can",
                    attachments: item.attachments.isEmpty ? nil : item.attachments.count)
            }
            isCut = upload.items.count > BulkPages.rowCount
            shownCount = BulkPages.rowCount
        }

        struct Earlier {
            let path: String
            let time: String
        }

        struct Sender {
            let number: String
            let count: String
        }

        struct Row {
            let number: Int
            let from: String
            let to: String
            let content: String
            let time: String
            let attachments: Int?
        }
    }

    /// Shows what a file asks for. The page holds the file, and its form carries it back: nothing is stored for files that
    /// are never sent, any node can take the form, and what is sent goes through all rules again, as what a browser sends
    /// always does.
    private func preview(_ request: Request, _ context: SignedInContext) async throws -> Response {
        guard let file = context.form.file("document") else {
            return try await show(context, errors: .file("Choose a file first."))
        }
        do {
            return try await show(file, BulkFields(), context)
        } catch let error as BulkUploadErrors where error.isOfHeader {
            return try await choose(file, nil, context)
        } catch let error as BulkUploadErrors {
            return try await show(context, file: file, errors: error)
        }
    }

    /// Shows what `file` asks for when it is read as `fields` say.
    private func show(_ file: UploadedFile, _ fields: BulkFields, _ context: SignedInContext) async throws -> Response {
        let upload = try await operations.read(
            file, fields.mapping, leavingOut: fields.leavesOut, by: context.uploader)
        let end = try await operations.estimate(upload, userID: context.userID)
        let earlier = try await operations.earlier(upload, userID: context.userID)
        let views = views
        // The file goes through the templates twice, which takes as long as reading it.
        return try await operations.uploads.run(for: context.uploader) { _ in
            views.page(
                .bulkPreview, "Check before sending", Preview(file, fields, upload, end: end, earlier: earlier),
                context)
        }
    }

    /// The file that was chosen in the place of another, or else the one that a form carries back; nil when there is none.
    private func file(of context: SignedInContext) async throws -> UploadedFile? {
        if let chosen = context.form.file("document") { return chosen }
        let document = context.form.bytes("document")
        let decoded = try await operations.uploads.run(for: context.uploader) { _ in
            document.flatMap { Data(base64Encoded: Data($0)) }.map { ArraySlice($0) }
        }
        let type = HeaderParameters(context.form.text("type").utf8)
        return decoded.map { bytes in
            UploadedFile(
                name: context.form.text("name"), contentType: type.value, charset: type["charset"]?.lowercased(),
                bytes: bytes)
        }
    }

    /// What is said when a form has no file.
    private static let lost = BulkUploadErrors.file("The file did not come along. Choose it again.")

    /// Takes what somebody said of the columns and the text, and shows the messages that come of it.
    private func map(_ request: Request, _ context: SignedInContext) async throws -> Response {
        guard let file = try await self.file(of: context) else { return try await show(context, errors: Self.lost) }
        var fields = BulkFields(context.form)
        do {
            if !context.form.text("again").isEmpty {
                return try await choose(file, fields.isMapped ? fields : nil, context)
            }
            if fields.text.hasPrefix("text ") {
                guard let id = fields.savedText, let saved = try await texts.find(id, userID: context.userID) else {
                    throw BulkUploadErrors.file(TextChoice.unknown)
                }
                // What was shown is sent, whatever becomes of the saved text meanwhile.
                fields.content = saved.content
                fields.text = BulkFields.typed
            }
            return try await show(file, fields, context)
        } catch let error as BulkUploadErrors {
            return try await refuse(file, fields, context, error)
        }
    }

    /// Says what is wrong with a file where it can be said how else it is read.
    private func refuse(
        _ file: UploadedFile, _ fields: BulkFields, _ context: SignedInContext, _ error: BulkUploadErrors
    ) async throws -> Response {
        if fields.isMapped { return try await choose(file, fields, context, errors: error) }
        return try await show(context, file: file, errors: error)
    }

    /// Asks what the columns of `file` hold. One without headings is refused.
    private func choose(
        _ file: UploadedFile, _ fields: BulkFields?, _ context: SignedInContext, errors: BulkUploadErrors? = nil
    ) async throws -> Response {
        do {
            return try await columns.show(file, fields, context, errors: errors)
        } catch let error as BulkUploadErrors {
            return try await show(context, file: file, errors: error)
        }
    }

    private func send(_ request: Request, _ context: SignedInContext) async throws -> Response {
        guard let file = try await self.file(of: context) else { return try await show(context, errors: Self.lost) }
        let fields = BulkFields(context.form)
        do {
            let accepted = try await operations.send(
                file, fields.mapping, leavingOut: fields.leavesOut, by: context.uploader, source: "/v1/bulk-messages",
                canUndo: true, receipt: receipts.receipt(of: context))
            return .seeOther(Self.path(of: accepted.requestID))
        } catch is Replayed {
            // The first of two clicks sent it: it is the newest of the list.
            return .seeOther("/messages/bulk")
        } catch let error as BulkUploadErrors {
            return try await refuse(file, fields, context, error)
        }
    }

    private struct BatchContent {
        let batch: BulkLine
        /// How many failed and were not sent again; nil for none.
        let failed: String?
        let statuses: [Choice]
        let isFiltered: Bool
        let messages: [MessageLine]
        let newerPage: String?
        let olderPage: String?
        let isLive: Bool
        /// The first of the rows that were wrong.
        let leftOut: [LeftOut]
        /// How many there are; nil for none.
        let leftOutCount: String?
        let hasMoreLeftOut: Bool
    }

    private struct LeftOut {
        let row: Int
        let reason: String
    }

    private func batch(_ request: Request, _ context: SignedInContext) async throws -> Response {
        let userID = context.userID
        let parameters = QueryParameters(request)
        let requestID = parameters["request_id"] ?? ""
        let status = parameters["status"].flatMap(MessageStatus.init(rawValue:))
        let slice = ListSlice(parameters, size: 50)
        let found = try await operations.store.read(.user(userID)) { tx in
            try BulkMessageQueries.find(requestID, userID: userID, in: tx).map { batch in
                (
                    batch: batch,
                    failed: try BulkMessageQueries.failed(of: requestID, userID: userID, in: tx).count,
                    messages: try MessagePlanner.forecast(
                        for: BulkMessageQueries.messages(
                            of: requestID, status: status, userID: userID, page: slice.page(), in: tx), in: tx)
                )
            }
        }
        guard let (batch, failed, messages) = found else { throw PageError.notFound }
        let now = operations.clock.now()
        func path(skip: Int) -> String {
            PageLink.to(
                "/messages/bulk/batch",
                ["request_id": requestID, "status": status?.rawValue ?? "", "skip": skip > 0 ? String(skip) : ""])
        }
        let line = BulkLine(batch)
        return views.page(
            .bulkBatch, line.name,
            BatchContent(
                batch: line, failed: failed == 0 ? nil : Figure.shown(Int64(failed)),
                statuses: MessageStatus.allCases.filter { $0 != .received }.map { Choice($0, $0.words, status) },
                isFiltered: status != nil,
                messages: messages.prefix(slice.size).map { MessageLine($0, now: now) },
                newerPage: slice.newerPage(path),
                olderPage: slice.olderPage(of: messages.count, path), isLive: slice.isFirst,
                leftOut: batch.leftOut.prefix(Self.leftOutCount).map { LeftOut(row: $0.number, reason: $0.reason) },
                leftOutCount: batch.leftOut.isEmpty ? nil : Figure.shown(Int64(batch.leftOut.count)),
                hasMoreLeftOut: batch.leftOut.count > Self.leftOutCount),
            context)
    }

    /// A file to begin with, whose sender is a phone of the user's.
    private func sample(_ request: Request, _ context: SignedInContext) async throws -> Response {
        let userID = context.userID
        let numbers = try await operations.store.read(.user(userID)) { tx in try PhoneNumbers.list(of: userID, in: tx) }
        let from = numbers.first ?? "+18005550199"
        let text = """
            FromPhoneNumber,ToPhoneNumber,Content,SendTime(optional),AttachmentURLs(optional)
            \(from),+18005550100,"Hello, this goes out as soon as it can.",,
            \(from),+18005550101,This one waits for its time.,2030-01-31T10:00:00,

            """
        return .file("httpsms-bulk.csv", .init(byteBuffer: ByteBuffer(string: text)))
    }

    /// As many as show whether columns are where they belong.
    private static let rowCount = 10
    /// Of wrong rows beside the messages; the results have all.
    private static let leftOutCount = 20
}

/// An upload in a list.
struct BulkLine: Sendable {
    let path: String
    let requestID: String
    /// Of the file.
    let name: String
    let createdAt: String
    let total: String
    /// How many the network took, delivered or not yet.
    let sent: String
    let totalNumber: Int
    let sentNumber: Int
    /// What is not zero, in the order in which messages move.
    let counts: [Count]
    let isOpen: Bool
    /// How many wait; nil for none.
    let waiting: String?
    let isOneWaiting: Bool
    /// Whether what waits is held.
    let isPaused: Bool
    /// When what is held begins by itself; nil when it does not.
    let start: String?
    /// When the last one goes out; nil when none waits, or all are held.
    let end: String?
    /// Where what came of it is a file.
    let resultsPath: String

    struct Count: Sendable {
        /// As a class of the style sheet.
        let status: String
        /// The same for people.
        let words: String
        let count: String
    }

    init(_ batch: BulkMessage) {
        path = BulkPages.path(of: batch.requestID)
        requestID = batch.requestID
        let file = BulkMessage.fileName(of: batch.requestID)
        name = file.trimmed.isEmpty ? batch.requestID : file
        createdAt = PageTime.shown(batch.createdAt)
        let open = [MessageStatus.pending, .scheduled, .sending].reduce(0) { $0 + (batch.counts[$1] ?? 0) }
        totalNumber = batch.total + batch.cancelled
        sentNumber = [MessageStatus.sent, .delivered].reduce(0) { $0 + (batch.counts[$1] ?? 0) }
        total = Figure.shown(Int64(totalNumber))
        sent = Figure.shown(Int64(sentNumber))
        var counts = MessageStatus.allCases.compactMap { status in
            batch.counts[status].map {
                Count(status: status.rawValue, words: status.words, count: Figure.shown(Int64($0)))
            }
        }
        if batch.cancelled > 0 {
            counts.append(
                Count(status: "cancelled", words: "cancelled", count: Figure.shown(Int64(batch.cancelled))))
        }
        self.counts = counts
        isOpen = open > 0
        waiting = batch.counts[.pending].map { Figure.shown(Int64($0)) }
        isOneWaiting = batch.counts[.pending] == 1
        isPaused = batch.isPaused
        start = batch.startsAt.map(PageTime.shown)
        end = batch.lastAt.map(PageTime.shown)
        resultsPath = PageLink.to("/messages/bulk/results.csv", ["request_id": batch.requestID])
    }
}
