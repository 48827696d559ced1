import Hummingbird
import Logging
import NIOCore

/// The baseline of ingest and send: their routes on the same framework, which read the body and store nothing.
enum NoOpServer {
    /// Serves on a free port of loopback until the process is told to end.
    static func run(onListening: @escaping @Sendable (Int) -> Void) async throws {
        let router = Router()
        for route in [LoadPlan.Route.receive, .send] {
            router.post(RouterPath(route.path)) { request, _ in
                _ = try await request.body.collect(upTo: 1 << 20)
                return Response(
                    status: .ok, headers: [.contentType: "application/json"],
                    body: .init(byteBuffer: ByteBuffer(string: #"{"status":"success","message":"ok","data":null}"#)))
            }
        }
        var logger = Logger(label: "httpsms")
        logger.logLevel = .warning
        let application = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in onListening(channel.localAddress?.port ?? 0) }, logger: logger)
        try await application.runService()
    }
}
