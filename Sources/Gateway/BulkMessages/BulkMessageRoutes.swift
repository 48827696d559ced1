import Delivery
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import NIOFoundationCompat
import Storage
import Wire

/// `/v1/bulk-messages`: many messages out of one file, all or none.
struct BulkMessageRoutes {
    let operations: BulkMessageOperations
    let callbacks: CallbackOperations

    func add(to group: RouterGroup<UserContext>) {
        group.get("/v1/bulk-messages", use: list)
        group.post("/v1/bulk-messages", use: upload)
    }

    private func list(_ request: Request, _ context: UserContext) async throws -> Reply {
        let uploads = try await operations.store.read(.user(context.userID)) { tx in
            try BulkMessageQueries.latest(userID: context.userID, in: tx)
        }
        return Reply(fetched: uploads, "bulk message")
    }

    private func upload(_ request: Request, _ context: UserContext) async throws -> Response {
        let body = try await request.body.collect(upTo: Self.bodyLimit)
        let type = request.headers[.contentType]
        let file = try await operations.uploads.run(for: context.uploader) { _ in
            try UploadedFile("document", in: Array(body.readableBytesView), contentType: type)
        }
        let callback = try await callbacks.callback(
            QueryParameters(request)["callback_url"], userID: context.userID,
            message: "validation errors while sending bulk SMS")
        let receipt = context.receipt(of: BulkMessageOperations.Accepted.self) { accepted in
            Reply(accepted: "Added \(accepted.count) out of \(accepted.count) messages to the queue")
        }
        do {
            return receipt.reply(
                try await operations.send(
                    file, callback: callback, by: context.uploader, source: request.uri.path, receipt: receipt)
            ).answer.response
        } catch let error as BulkUploadErrors {
            if Self.wantsCSV(request) { return Self.file(error) }
            throw Refusal(
                .invalid, "validation errors while sending bulk SMS",
                problems: ["document": error.messages])
        }
    }

    /// Whether a client asks for a file in place of the envelope.
    private static func wantsCSV(_ request: Request) -> Bool {
        (request.headers[.accept] ?? "").split(separator: ",").contains {
            $0.split(separator: ";").first?.trimmed.lowercased() == "text/csv"
        }
    }

    /// Everything that is wrong, as a file.
    private static func file(_ errors: BulkUploadErrors) -> Response {
        .file(
            "httpsms-errors.csv", status: .unprocessableContent, .init(byteBuffer: ByteBuffer(bytes: errors.csv)))
    }

    /// A file of 5 MB and the form around it.
    static let bodyLimit = 6 << 20
}
