import HTTPTypes
import Hummingbird
import NIOCore
import Storage

/// Whether the process lives, and whether it can do its work.
struct HealthRoutes: Sendable {
    let store: any Store
    /// Looks at the folder of attachments; nil where there is none.
    let attachments: AttachmentFolderWatch?

    func add(to router: Router<APIContext>) {
        router.get("/health") { _, _ in Self.ok }
        router.get("/health/ready") { _, _ in
            guard let reason = await store.readiness() ?? attachments?.trouble else { return Self.ok }
            return Answer(.notReady, data: [reason], message: "The server is not ready").response
        }
    }

    private static var ok: Response {
        Response(
            status: .ok, headers: [.contentType: "text/plain; charset=utf-8"],
            body: .init(byteBuffer: ByteBuffer(string: "OK")))
    }
}
