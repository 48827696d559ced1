import NIOCore
import NIOPosix

/// The receiver of a benchmark's webhooks, in a process of its own so that its work counts against nobody.
///
/// | request | answer |
/// |---|---|
/// | `POST /ok/<endpoint>` | 200; recorded |
/// | `POST /hang/<endpoint>` | never |
/// | `GET /count` | how many were recorded, a space, and how many could not be read |
/// | `GET /records` | the records, ``SinkRecord/size`` bytes each |
/// | `GET /reset` | 200; forgets the records |
enum SinkServer {
    /// Serves on a free port of loopback, on one thread, until the process ends.
    static func run(onListening: @Sendable (Int) -> Void) async throws {
        let records = SinkRecords()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup(numberOfThreads: 1))
            .serverChannelOption(.backlog, value: 1_024)
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(SinkConnection(records: records))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        onListening(channel.localAddress?.port ?? 0)
        try await channel.closeFuture.get()
    }
}

private final class SinkConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let records: SinkRecords
    private var messages = RawHTTPMessages()

    init(records: SinkRecords) {
        self.records = records
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        messages.append(unwrapInboundIn(data))
        while let message = messages.next() {
            guard let answer = answer(to: message) else { continue }
            context.write(wrapOutboundOut(answer), promise: nil)
        }
        context.flush()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private static let ok = ByteBuffer(string: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    private func answer(to message: RawHTTPMessages.Message) -> ByteBuffer? {
        let path = message.startLine.split(separator: " ").dropFirst().first ?? ""
        if path.hasPrefix("/ok/") {
            records.receive(message.body.readableBytesView, endpoint: UInt32(path.dropFirst(4)) ?? 0)
            return Self.ok
        }
        if path.hasPrefix("/hang/") {
            records.hang()
            return nil
        }
        switch path {
        case "/count": return Self.answer(ByteBuffer(string: "\(records.count) \(records.unreadableCount)"))
        case "/records": return Self.answer(records.encoded())
        case "/reset":
            records.reset()
            return Self.ok
        default: return ByteBuffer(string: "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        }
    }

    private static func answer(_ body: ByteBuffer) -> ByteBuffer {
        var body = body
        var buffer = ByteBuffer(string: "HTTP/1.1 200 OK\r\nContent-Length: \(body.readableBytes)\r\n\r\n")
        buffer.writeBuffer(&body)
        return buffer
    }
}
