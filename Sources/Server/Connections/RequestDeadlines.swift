import Gateway
import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Ends connections of clients that take too long: see ``ConnectionLimits``. One for each connection, on its event loop.
final class RequestDeadlines: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// What is waited for.
    private enum Stage {
        case head
        case body(began: NIODeadline, bytes: Int)
        case answer
    }

    private let limits: ConnectionLimits
    private let connections: OpenConnections
    private var stage = Stage.head
    private var hasBegunAnswer = false
    private var isRefused = false
    private var hasBytes = false
    private var unanswered = 0
    /// Whether the request is what a phone reports.
    private var isReport = false
    private var timer: Scheduled<Void>?
    private var stallTimer: Scheduled<Void>?
    private var ticket: UInt64?

    init(limits: ConnectionLimits, connections: OpenConnections) {
        self.limits = limits
        self.connections = connections
    }

    func handlerAdded(context: ChannelHandlerContext) {
        // A connection that says nothing is the first to go when others need its place.
        ticket = connections.isIdle(context.channel)
        wait(limits.head, context) { self.headIsLate($0) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end()
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is BytesArrived {
            hasBytes = true
            if case .head = stage, ticket != nil {
                isBusy()
                wait(limits.head, context) { self.headIsLate($0) }
            }
            return
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            isBusy()
            isReport = PhoneReportPaths.isReport(head)
            unanswered += 1
            stage = .body(began: .now(), bytes: 0)
            wait(limits.body, context) { self.lookAtBody($0) }
        case .body(let bytes):
            if case .body(let began, let count) = stage {
                stage = .body(began: began, bytes: count.addingReportingOverflow(bytes.readableBytes).partialValue)
            }
        case .end:
            stage = .answer
            timer?.cancel()
            if unanswered == 0 { isIdle(context) }
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !isRefused else { return promise?.fail(ChannelError.ioOnClosedChannel) ?? () }
        switch unwrapOutboundIn(data) {
        case .head(let head): hasBegunAnswer = head.status.kind != .informational
        case .body: break
        case .end:
            hasBegunAnswer = false
            unanswered -= 1
            // An early answer leaves the rest of the body to its own deadline.
            if unanswered <= 0, case .answer = stage { isIdle(context) }
        }
        context.write(data, promise: promise)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        stallTimer?.cancel()
        stallTimer = nil
        if !context.channel.isWritable { watchReader(context, waiting: nil) }
        context.fireChannelWritabilityChanged()
    }

    private func isIdle(_ context: ChannelHandlerContext) {
        isBusy()
        ticket = connections.isIdle(context.channel)
        wait(limits.idle, context) { $0.close(promise: nil) }
        stage = .head
    }

    private func isBusy() {
        if let ticket { connections.isBusy(ticket) }
        ticket = nil
    }

    private func end() {
        isBusy()
        timer?.cancel()
        stallTimer?.cancel()
    }

    private func wait(
        _ time: TimeAmount, _ context: ChannelHandlerContext, _ then: @escaping (ChannelHandlerContext) -> Void
    ) {
        timer?.cancel()
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: time) { then(context) }
    }

    private func headIsLate(_ context: ChannelHandlerContext) {
        if hasBytes { refuse(context) } else { context.close(promise: nil) }
    }

    private func lookAtBody(_ context: ChannelHandlerContext) {
        guard case .body(let began, let bytes) = stage else { return }
        let needed = Self.bytes(at: limits.bodyBytesPerSecond, for: NIODeadline.now() - began)
        guard Double(bytes) >= needed else { return refuse(context) }
        wait(min(limits.body, .seconds(10)), context) { self.lookAtBody($0) }
    }

    /// Answers where HTTP allows it, that is, when no answer to the request has begun or was given, and closes.
    ///
    /// The answer is 408; for what a phone reports it is 503, see ``PhoneReportPaths``.
    private func refuse(_ context: ChannelHandlerContext) {
        let isWaiting = if case .head = stage { unanswered == 0 } else { unanswered == 1 }
        guard !hasBegunAnswer, isWaiting, context.channel.isWritable else { return context.close(promise: nil) }
        var answer = HTTPResponse(status: .requestTimeout, headerFields: [.connection: "close", .contentLength: "0"])
        if isReport {
            answer.status = .serviceUnavailable
            answer.headerFields[.retryAfter] = "5"
        }
        isRefused = true
        context.write(wrapOutboundOut(.head(answer)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil))).assumeIsolated().whenComplete { _ in
            context.close(promise: nil)
        }
    }

    /// Closes when what waits to be sent does not shrink as it must.
    private func watchReader(_ context: ChannelHandlerContext, waiting before: Int?) {
        stallTimer = context.eventLoop.assumeIsolated().scheduleTask(in: limits.stall) {
            // Without the option nothing is known of the client's progress, and the time alone decides.
            let option = try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)
            let waiting = option ?? 0
            let needed = Self.bytes(at: self.limits.answerBytesPerSecond, for: self.limits.stall)
            if let before, Double(before - waiting) < needed {
                context.close(promise: nil)
            } else {
                self.watchReader(context, waiting: waiting)
            }
        }
    }

    private static func bytes(at bytesPerSecond: Int, for time: TimeAmount) -> Double {
        Double(bytesPerSecond) * Double(time.nanoseconds) / 1_000_000_000
    }
}
