#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// A receiver of raw bytes on loopback that does whatever a test tells it to.
///
/// The script runs on the connection's event loop once per complete request, or once per connection when it
/// `answersConnections` without waiting for a request.
package final class RawReceiver: Sendable {
    /// One connection of the receiver, as the script sees it.
    package struct Peer: Sendable {
        /// The connection.
        package let channel: any Channel
        /// Counts connections from 0.
        package let connection: Int
        /// Counts requests on this connection from 0.
        package let request: Int

        /// Writes `text` as it is.
        package func write(_ text: String) {
            channel.writeAndFlush(ByteBuffer(string: text), promise: nil)
        }

        /// Writes one piece after the other; the last is repeated forever when asked.
        package func drip(_ pieces: [String], every interval: TimeAmount, forEver: Bool = false) {
            guard let piece = pieces.first, channel.isActive else { return }
            write(piece)
            let rest = forEver && pieces.count == 1 ? pieces : Array(pieces.dropFirst())
            channel.eventLoop.scheduleTask(in: interval) { drip(rest, every: interval, forEver: forEver) }
        }

        /// Writes 16 KiB a millisecond for as long as the other side reads.
        ///
        /// Not as fast as possible: that fills megabytes of socket buffers and keeps the shared event loop from others.
        package func flood(_ text: String) {
            guard channel.isActive else { return }
            let piece = String(repeating: text, count: 16 * 1_024 / text.utf8.count + 1)
            channel.writeAndFlush(ByteBuffer(string: piece)).whenSuccess {
                channel.eventLoop.scheduleTask(in: .milliseconds(1)) { flood(text) }
            }
        }

        /// Closes with FIN.
        package func close() {
            channel.close(promise: nil)
        }

        /// Closes with RST instead of FIN.
        package func reset() {
            var linger = linger()
            linger.l_onoff = 1
            (channel as? any SocketOptionProvider)?.setSoLinger(linger).whenComplete { _ in close() }
        }
    }

    /// What the receiver does with a request, on the event loop of its connection.
    package typealias Script = @Sendable (Peer) -> Void

    private struct State {
        var requests: [String] = []
        var channels: [any Channel] = []
        var openConnections = 0
    }

    private let state = Mutex(State())
    private let tls: NIOSSLContext?
    private let answersConnections: Bool
    private let script: Script

    /// The complete requests so far, heads and bodies, in order of arrival.
    package var requests: [String] { state.withLock { $0.requests } }

    /// How many connections were accepted.
    package var connectionCount: Int { state.withLock { $0.channels.count } }

    /// How many connections are open now.
    package var openConnections: Int { state.withLock { $0.openConnections } }

    private init(tls: NIOSSLContext?, answersConnections: Bool, script: @escaping Script) {
        self.tls = tls
        self.answersConnections = answersConnections
        self.script = script
    }

    /// Listens on a free port while the body runs.
    package static func run<Answer>(
        host: String = "127.0.0.1", tls: NIOSSLContext? = nil, answersConnections: Bool = false,
        script: @escaping Script, body: (RawReceiver, Int) async throws -> Answer
    ) async throws -> Answer {
        let receiver = RawReceiver(tls: tls, answersConnections: answersConnections, script: script)
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { receiver.accept($0) }
            .bind(host: host, port: 0).get()
        guard let port = server.localAddress?.port else { throw NeverHappened(description: "the receiver has no port") }
        let answer: Result<Answer, any Error>
        do { answer = .success(try await body(receiver, port)) } catch { answer = .failure(error) }
        try await server.close()
        for channel in receiver.state.withLock({ $0.channels }) { channel.close(promise: nil) }
        return try answer.get()
    }

    private func accept(_ channel: any Channel) -> EventLoopFuture<Void> {
        let index = state.withLock { state in
            state.channels.append(channel)
            state.openConnections += 1
            return state.channels.count - 1
        }
        channel.closeFuture.whenComplete { _ in self.state.withLock { $0.openConnections -= 1 } }
        return channel.eventLoop.makeCompletedFuture {
            if let tls = self.tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
            try channel.pipeline.syncOperations.addHandler(RequestReader(receiver: self, connection: index))
        }
    }

    private final class RequestReader: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let receiver: RawReceiver
        private let connection: Int
        private var received = ByteBuffer()
        private var nextLength: Int?
        private var requestCount = 0

        init(receiver: RawReceiver, connection: Int) {
            self.receiver = receiver
            self.connection = connection
        }

        func channelActive(context: ChannelHandlerContext) {
            if receiver.answersConnections {
                receiver.script(Peer(channel: context.channel, connection: connection, request: 0))
            }
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var bytes = unwrapInboundIn(data)
            received.writeBuffer(&bytes)
            while let length = nextRequestLength(), let request = received.readString(length: length) {
                nextLength = nil
                receiver.state.withLock { $0.requests.append(request) }
                requestCount += 1
                guard !receiver.answersConnections else { continue }
                receiver.script(Peer(channel: context.channel, connection: connection, request: requestCount - 1))
            }
        }

        /// The length of the next request, head and body, once it is there; the head is searched once.
        private func nextRequestLength() -> Int? {
            if nextLength == nil {
                let text = String(decoding: received.readableBytesView.prefix(4_096), as: UTF8.self)
                guard let end = text.firstRange(of: "\r\n\r\n") else { return nil }
                let lines = text[..<end.lowerBound].split(separator: "\r\n")
                let bodyLength = lines.compactMap { $0.hasPrefix("Content-Length: ") ? Int($0.dropFirst(16)) : nil }
                    .first
                nextLength = text[..<end.upperBound].utf8.count + (bodyLength ?? 0)
            }
            return nextLength.flatMap { $0 <= received.readableBytes ? $0 : nil }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }
}
