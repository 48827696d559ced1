import Delivery
import Gateway
import HTTPTypes
import Hummingbird
import NIOCore
import Storage
import Timestamps

/// What can be done with a file of messages that is on its way, and what came of it as a file.
struct BulkActionPages: Sendable {
    let operations: BulkMessageOperations

    func add(to group: RouterGroup<SignedInContext>) {
        group.post("/messages/bulk/batch/pause") { _, context in
            let id = context.form.text("request_id")
            guard try await operations.pause(id, userID: context.userID) else { throw PageError.notFound }
            return Response.seeOther(BulkPages.path(of: id), .held)
        }
        group.post("/messages/bulk/batch/resume") { _, context in
            let id = context.form.text("request_id")
            guard try await operations.resume(id, userID: context.userID) else { throw PageError.notFound }
            return Response.seeOther(BulkPages.path(of: id), .released)
        }
        group.post("/messages/bulk/batch/cancel") { _, context in
            let id = context.form.text("request_id")
            guard try await operations.cancel(id, userID: context.userID) != nil else { throw PageError.notFound }
            return Response.seeOther(BulkPages.path(of: id), .stopped)
        }
        group.post("/messages/bulk/batch/again") { _, context in
            let id = context.form.text("request_id")
            // Nil also for the second of two clicks: what failed is on its way again.
            let again = try await operations.sendFailedAgain(id, source: "/v1/bulk-messages", userID: context.userID)
            return Response.seeOther(BulkPages.path(of: again ?? id))
        }
        group.get("/messages/bulk/results.csv", use: results)
    }

    /// A row for each message that is left, in the order of the file, and then one for each row of the file that was wrong.
    private func results(_ request: Request, _ context: SignedInContext) async throws -> Response {
        let (userID, times) = (context.userID, context.page.times)
        let requestID = QueryParameters(request)["request_id"] ?? ""
        // A file has a thousand messages at most.
        let page = Page(skip: 0, limit: BulkSheet.maximumRows, query: "")
        let found = try await operations.store.read(.user(userID)) { tx in
            try BulkMessageQueries.find(requestID, userID: userID, in: tx).map { batch in
                (
                    leftOut: batch.leftOut,
                    messages: try BulkMessageQueries.messages(
                        of: requestID, status: nil, userID: userID, page: page, in: tx)
                )
            }
        }
        guard let (leftOut, messages) = found else { throw PageError.notFound }
        func time(_ time: Timestamp?) -> String { time.map { times.cell($0) } ?? "" }
        var file = CSVCell.mark
        file += CSVCell.line([
            "To", "From", "Status", "Reason", "Sent (\(times.zoneName))", "Delivered (\(times.zoneName))", "Message",
            "Message id",
        ])
        for message in messages {
            file += CSVCell.line([
                message.contact, message.owner, message.status.words, message.failureReason ?? "", time(message.sentAt),
                time(message.deliveredAt), message.content, message.id.text,
            ])
        }
        for row in leftOut {
            file += CSVCell.line(["", "", "not sent", "Row \(row.number) of the file: \(row.reason)", "", "", "", ""])
        }
        return .file("results.csv", .init(byteBuffer: ByteBuffer(bytes: file)))
    }
}
