import Delivery
import Foundation
import Storage
import Timestamps

/// What can be done with files of messages: reading one, and sending it, all or none.
package struct BulkMessageOperations: Sendable {
    /// Where messages are.
    package let store: any Store
    let users: UserOperations
    let quotas: Quotas
    /// What tells the time.
    package let clock: any WallClock
    /// Where files are read.
    package let uploads: UploadQueue

    /// What came of a file that was sent.
    package struct Accepted: Sendable {
        /// Of each of its messages.
        package let requestID: String
        let count: Int
    }

    /// Reads a file and tries all rules, and sends nothing. With `leavingOut`, rows that something is wrong with are left out.
    ///
    /// - Throws: ``BulkUploadErrors``, ``ServerBusy``.
    package func read(
        _ file: UploadedFile, _ mapping: BulkMapping? = nil, leavingOut: Bool = false, by client: UploadQueue.Client
    ) async throws -> BulkUpload {
        let upload = try await upload(of: file, mapping, by: client, at: clock.now())
        return try await checked(upload, leavingOut: leavingOut, userID: client.userID)
    }

    /// The headings of a file by their places, counted from 0.
    ///
    /// - Throws: ``BulkUploadErrors``, ``ServerBusy``.
    package func header(of file: UploadedFile, by client: UploadQueue.Client) async throws -> [Int: String] {
        try Self.checkSize(of: file)
        return try await uploads.run(for: client) { cancellation in
            let header = try BulkSheet.read(file, .header, check: cancellation.check).header
            if header.isEmpty { throw BulkUploadErrors.file("The file is empty.") }
            return header
        }
    }

    /// Accepts every message of a file for sending, or none. With `leavingOut`, all but those that something is wrong with; with
    /// `canUndo`, it is held for ``timeToUndo`` first. The events of its messages go to `callback`, too.
    ///
    /// - Throws: ``BulkUploadErrors``, ``ServerBusy``, and ``Refusal`` where the account has too many callbacks.
    package func send(
        _ file: UploadedFile, _ mapping: BulkMapping? = nil, leavingOut: Bool = false, callback: Callback? = nil,
        by client: UploadQueue.Client,
        source: String,
        canUndo: Bool = false,
        receipt: Receipt<Accepted>
    ) async throws -> Accepted {
        let now = clock.now()
        let userID = client.userID
        // Once more within the transaction, where a phone may be gone.
        let upload = try await checked(
            upload(of: file, mapping, by: client, at: now), leavingOut: leavingOut, userID: userID)
        // In order, so that lists that sort by time and id show them so.
        let ids = upload.items.map { _ in MessageID(at: now) }.sorted()
        return try await store.write(for: userID) { [quotas] tx in
            try receipt.keep(in: tx) {
                let accepted = try Self.add(
                    upload, ids: ids, fileName: file.name, callback: callback, userID: userID, source: source, at: now,
                    within: quotas, in: tx)
                if canUndo { try Self.hold(accepted.requestID, userID: userID, in: tx) }
                return accepted
            }
        }
    }

    static func hold(_ requestID: String, userID: UserID, in tx: any Transaction) throws {
        try BulkMessageQueries.hold(requestID, userID: userID, in: tx)
        _ = try BulkMessageQueries.mark(
            requestID, isPaused: true, startsAt: tx.now + timeToUndo, userID: userID, in: tx)
        tx.wake(.messages)
    }

    private func checked(_ upload: BulkUpload, leavingOut: Bool, userID: UserID) async throws -> BulkUpload {
        let known = try await store.read(.user(userID)) { tx in
            try PhoneQueries.known(upload.senders, userID: userID, in: tx)
        }
        if leavingOut { return try upload.leavingOutWrong(known: known) }
        try upload.check(known: known)
        return upload
    }

    private func upload(
        of file: UploadedFile, _ mapping: BulkMapping?, by client: UploadQueue.Client, at now: Timestamp
    ) async throws -> BulkUpload {
        try Self.checkSize(of: file)
        let timezone = try await users.user(client.userID).timezone
        return try await uploads.run(for: client) { cancellation in
            let sheet = try BulkSheet.read(
                file, mapping.map(BulkSheet.Reading.mapped) ?? .known, check: cancellation.check)
            return try BulkUpload(sheet, mapping, timezone: timezone, at: now)
        }
    }

    private static func checkSize(of file: UploadedFile) throws(BulkUploadErrors) {
        guard file.bytes.count < Self.fileLimit else {
            throw BulkUploadErrors.file(
                """
                The file must be less than 5 MB the file you uploaded is \
                [\((Double(file.bytes.count) / 100_000).rounded() / 10) MB].
                """)
        }
    }

    /// Stores every message, phone by phone; those of one file are one lane of each phone's queue.
    private static func add(
        _ upload: BulkUpload, ids: [MessageID], fileName: String, callback: Callback?, userID: UserID, source: String,
        at now: Timestamp, within quotas: Quotas, in tx: any Transaction
    ) throws -> Accepted {
        // All at once, before what is locked behind phones: the account's quota, and messages.
        let phones = try PhoneQueries.find(numbers: upload.senders, userID: userID, in: tx)
        try upload.check(known: Set(phones.map(\.phoneNumber)))
        let endpoint = try callback?.endpoint(userID: userID, in: tx)
        let requestID = try BulkMessageQueries.insert(
            fileName: fileName, digest: upload.digest, leftOut: BulkUploadErrors(upload.leftOut).rows, userID: userID,
            at: now, in: tx)
        let items = Dictionary(grouping: zip(ids, upload.items), by: \.1.from)
        for phone in phones {
            let messages = (items[phone.phoneNumber] ?? []).map { id, item in
                Message(
                    outgoing: id, from: phone, to: item.to, content: item.content, attachments: item.attachments,
                    requestID: requestID, sendAt: item.sendAt, batch: requestID, callback: endpoint, source: source,
                    at: tx.now)
            }
            _ = try MessageOperations.add(messages, from: phone, within: quotas, in: tx)
        }
        return Accepted(requestID: requestID, count: upload.items.count)
    }

    /// 5 MB, as in httpSMS.
    private static let fileLimit = 5_000_000
}
