import Delivery
import Foundation
import Hummingbird
import NIOFoundationCompat
import Storage
import Timestamps

/// `/v1/bulk-messages` (contract 4.3): many messages out of one file, all or none.
struct BulkMessageRoutes {
    let store: any Store
    let users: UserOperations
    let clock: any WallClock

    func add(to group: RouterGroup<UserContext>) {
        group.get("/v1/bulk-messages", use: list)
        group.post("/v1/bulk-messages", use: upload)
    }

    private func list(_ request: Request, _ context: UserContext) async throws -> Reply {
        let uploads = try await store.read { tx in try BulkMessageQueries.latest(userID: context.userID, in: tx) }
        return Reply(fetched: uploads, "bulk message")
    }

    private func upload(_ request: Request, _ context: UserContext) async throws -> Reply {
        let body = Data(buffer: try await request.body.collect(upTo: Self.bodyLimit))
        let file = try UploadedFile("document", in: body, contentType: request.headers[.contentType])
        let user = try await users.user(context.userID)
        let now = clock.now()
        let source = request.uri.path
        do {
            if file.bytes.count >= Self.fileLimit {
                throw BulkFileError(
                    """
                    The file must be less than 5 MB the file you uploaded is \
                    [\((Double(file.bytes.count) / 100_000).rounded() / 10) MB].
                    """)
            }
            let upload = try BulkUpload(try await BulkSheet.rows(of: file), timezone: user.timezone, at: now)
            let ids = upload.items.map { _ in MessageID(at: now) }.sorted()
            let receipt = context.receipt(of: Int.self) { count in
                Reply(accepted: "Added \(count) out of \(count) messages to the queue")
            }
            let count = try await store.write { tx in
                try receipt.keep(in: tx) {
                    try Self.add(
                        upload, ids: ids, fileName: file.name, userID: user.id, source: source, at: now, in: tx)
                }
            }
            return receipt.reply(count)
        } catch let error as BulkFileError {
            throw Self.invalid([error.message])
        } catch let error as BulkUploadErrors {
            throw Self.invalid(error.messages)
        }
    }

    /// Stores every message, phone by phone; those of one file are one lane of each phone's queue.
    private static func add(
        _ upload: BulkUpload, ids: [MessageID], fileName: String, userID: UserID, source: String, at now: Timestamp,
        in tx: any Transaction
    ) throws -> Int {
        let numbers = upload.items.map(\.from).unique
        try upload.requireOwners(in: PhoneQueries.known(numbers, userID: userID, in: tx))
        let requestID = try BulkMessageQueries.insert(fileName: fileName, userID: userID, at: now, in: tx)
        for number in numbers {
            guard let phone = try PhoneQueries.find(number: number, userID: userID, in: tx) else { continue }
            let messages = zip(ids, upload.items).filter { $0.1.from == number }.map { id, item in
                Message(
                    outgoing: id, from: phone, to: item.to, content: item.content, attachments: item.attachments,
                    requestID: requestID, sendAt: item.sendAt, batch: requestID, source: source, at: tx.now)
            }
            _ = try MessagePlanner.add(messages, from: phone, in: tx)
        }
        return upload.items.count
    }

    private static func invalid(_ messages: [String]) -> APIError {
        APIError(.unprocessableContent, "validation errors while sending bulk SMS", data: ["document": messages])
    }

    /// A file of 5 MB and the form around it.
    private static let bodyLimit = 6 << 20
    private static let fileLimit = 5_000_000
}
