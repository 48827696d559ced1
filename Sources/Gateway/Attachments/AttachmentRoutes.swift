import Delivery
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import NIOFoundationCompat
import Storage

/// `/v1/attachments`: no key, for receivers of webhooks fetch files with what the event tells them.
struct AttachmentRoutes {
    let store: any Store
    let storage: AttachmentStorage

    func add(to router: Router<APIContext>) {
        router.get("/v1/attachments/:userID/:messageID/:attachmentIndex/:filename", use: download)
    }

    private func download(_ request: Request, _ context: APIContext) async throws -> Response {
        let missing = Refusal.absent("attachment not found")
        guard let userID = context.parameters.get("userID"),
            let messageID = context.parameters.get("messageID").flatMap({ MessageID($0) }),
            let index = context.parameters.get("attachmentIndex", as: Int.self),
            let fileName = context.parameters.get("filename")
        else { throw missing }
        let found = try await store.read(.user(UserID(userID))) { tx -> (file: StoredAttachment, content: Data?)? in
            let file = try AttachmentQueries.find(
                userID: UserID(userID), message: messageID, index: index, fileName: fileName, in: tx)
            return try file.map { ($0, try AttachmentQueries.content($0.token, in: tx)) }
        }
        guard let (file, content) = found else { throw missing }
        let read = if let content { content } else { try await storage.readFile(file.token) }
        guard let data = read else { throw missing }
        return Response(
            status: .ok,
            headers: [
                .contentType: file.contentType == "text/x-vcard" ? "text/vcard" : file.contentType,
                .contentDisposition: "attachment",
                .contentSecurityPolicy: "sandbox; default-src 'none'",
            ],
            body: .init(byteBuffer: ByteBuffer(data: data)))
    }
}
