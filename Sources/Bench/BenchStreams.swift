import NIOCore
import NIOPosix
import Synchronization

/// The streams of phones, each on a connection of its own, and when what was told on them came.
final class BenchStreams: Sendable {
    private struct State {
        var open = 0
        /// When a message for the phone was sent, by its index.
        var sentAt: [Int: ContinuousClock.Instant] = [:]
        var times: [Duration] = []
    }

    private let state = Mutex(State())
    /// The phones that were told, by index; one that is told twice comes twice.
    let told: AsyncStream<Int>
    private let tell: AsyncStream<Int>.Continuation

    init() {
        // One for each message that is sent.
        (told, tell) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(100_000))
    }

    /// Opens the stream of `phone` and waits until the server has begun it.
    func open(_ phone: BenchPhone, index: Int, at port: Int) async throws {
        let began = MultiThreadedEventLoopGroup.singleton.next().makePromise(of: Void.self)
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        BenchStream(began: began) { [weak self] in self?.hear(index) })
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        try await channel.writeAndFlush(ByteBuffer(string: phone.streamRequest))
        try await began.futureResult.get()
        state.withLock { $0.open += 1 }
    }

    /// Notes that a message for the phone `index` is sent now.
    func note(_ index: Int) {
        state.withLock { $0.sentAt[index] = .now }
    }

    /// How long the phones that were told waited for it.
    var times: [Duration] { state.withLock { $0.times } }

    private func hear(_ index: Int) {
        let now = ContinuousClock.now
        let isExpected = state.withLock { state in
            guard let sentAt = state.sentAt.removeValue(forKey: index) else { return false }
            state.times.append(sentAt.duration(to: now))
            return true
        }
        if isExpected { tell.yield(index) }
    }
}

/// One connection with a stream; what it says besides messages is left alone.
private final class BenchStream: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let began: EventLoopPromise<Void>
    private let onMessage: () -> Void
    /// What was not searched whole yet.
    private var rest = ByteBuffer()
    private var hasBegun = false

    init(began: EventLoopPromise<Void>, onMessage: @escaping () -> Void) {
        (self.began, self.onMessage) = (began, onMessage)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        rest.writeImmutableBuffer(unwrapInboundIn(data))
        while let end = rest.withUnsafeReadableBytes({ $0.end(of: "\n\n") }),
            let frame = rest.readSlice(length: end)
        {
            // The first is a comment behind the head.
            if !hasBegun {
                hasBegun = true
                began.succeed()
            }
            if frame.withUnsafeReadableBytes({ $0.end(of: "event: MessageEnqueued") }) != nil { onMessage() }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if !hasBegun { began.fail(BenchFailure("the server closed a stream before it began")) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
