import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// A connection of HTTP/1.1 with a place among the open ones, and with deadlines.
struct LimitedHTTPChannel: ServerChildChannel {
    typealias Value = HTTP1Channel.Value

    private let base: HTTP1Channel
    private let connections: OpenConnections

    /// - Parameters:
    ///   - responder: Answers requests.
    ///   - connections: Who is there already.
    ///   - limits: How long a client may take.
    init(responder: @escaping HTTPChannelHandler.Responder, connections: OpenConnections, limits: ConnectionLimits) {
        base = HTTP1Channel(
            responder: responder,
            configuration: .init(
                additionalChannelHandlers: [RequestDeadlines(limits: limits, connections: connections)],
                idleTimeout: nil))
        self.connections = connections
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        let admission = connections.admit(channel)
        if admission != .admitted { logger.debug("connection refused", metadata: ["open": "\(connections.count)"]) }
        do {
            // A failure here would end the server's accepting: what is refused is set up as well, and closes once active.
            if admission != .admitted {
                try channel.pipeline.syncOperations.addHandler(BusyAnswer(closesAtOnce: admission == .refused))
            }
            try channel.pipeline.syncOperations.addHandler(BytesArrived.Reporter())
            let value = base.setup(channel: channel, logger: logger)
            let decoder = try channel.pipeline.syncOperations.handler(
                type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            try channel.pipeline.syncOperations.addHandlers(
                [HostCheck(), ContinueAnswer()], position: .after(decoder))
            return value
        } catch {
            return channel.eventLoop.makeFailedFuture(error)
        }
    }

    func handle(value: Value, logger: Logger) async {
        await base.handle(value: value, logger: logger)
    }
}

/// Tells a client that there is no place for it, and closes.
///
/// With TLS the answer is written once the handshake is done; ``RequestDeadlines`` ends one that takes too long.
private final class BusyAnswer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let closesAtOnce: Bool
    private var hasAnswered = false

    init(closesAtOnce: Bool) {
        self.closesAtOnce = closesAtOnce
    }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        if closesAtOnce { context.close(promise: nil) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // The answer follows the first bytes of the request: what is closed with unread bytes is reset, and the answer
        // may be lost with it.
        guard !hasAnswered else { return }
        hasAnswered = true
        let answer = context.channel.allocator.buffer(string: Self.answer)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(answer)).whenComplete { _ in bound.value.close(promise: nil) }
    }

    private static let body = #"""
        {"status":"error","message":"The server has too many connections. Try again later.","code":"server_busy"}
        """#
    private static let answer =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 5\r\n"
        + "Connection: close\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
}

/// Tells the handlers behind the parser of HTTP that bytes came, as a dripping head is none of its parts.
struct BytesArrived: Sendable {
    final class Reporter: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias InboundOut = ByteBuffer

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            context.fireUserInboundEventTriggered(BytesArrived())
            context.fireChannelRead(data)
        }
    }
}
