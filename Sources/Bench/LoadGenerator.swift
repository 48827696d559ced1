import NIOCore
import NIOPosix

/// Posts SMS as many phones would, from a process of its own: one thread, one request at a time on each connection.
enum LoadGenerator {
    static func run(_ plan: LoadPlan) async throws -> LoadResult {
        let loop = MultiThreadedEventLoopGroup(numberOfThreads: 1).next()
        return try await loop.flatSubmit {
            let driver = LoadDriver(plan, loop: loop)
            driver.start()
            return driver.result.futureResult
        }.get()
    }
}

/// Hands serial numbers to connections; lives on one event loop.
final class LoadDriver {
    let result: EventLoopPromise<LoadResult>
    private let plan: LoadPlan
    private let loop: any EventLoop
    private let requests: [(before: ByteBuffer, after: ByteBuffer)]
    private var startedAt = NIODeadline.now()
    private var lastAnswerAt = NIODeadline.now()
    private var idle: [LoadConnection] = []
    private var dialled = 0
    private var sent = 0
    private var accepted = 0
    private var unaccepted: [Int] = []
    private var answered = 0
    private var isOver = false

    init(_ plan: LoadPlan, loop: any EventLoop) {
        self.plan = plan
        self.loop = loop
        result = loop.makePromise()
        requests = plan.accounts.map { account in
            let body = BenchMessage.request(plan.route, of: account.owner)
            let length = body.before.count + BenchMessage.serialDigits + body.after.count
            var before = ByteBuffer(
                string: """
                    POST \(plan.route.path) HTTP/1.1\r\nHost: 127.0.0.1\r\nx-api-key: \(account.apiKey)\r
                    Content-Type: application/json\r\nContent-Length: \(length)\r\n\r\n
                    """)
            before.writeBytes(body.before)
            return (before, ByteBuffer(bytes: body.after))
        }
    }

    func start() {
        startedAt = .now()
        for _ in 0..<plan.connections { connect() }
        let this = NIOLoopBound(self, eventLoop: loop)
        // A millisecond is finer than anything that is measured with an open loop.
        loop.scheduleRepeatedTask(initialDelay: .milliseconds(1), delay: .milliseconds(1)) { task in
            if this.value.tick() { task.cancel() }
        }
    }

    /// A connection can take a request: it is new, or its last one was answered.
    func ready(_ connection: LoadConnection) {
        if plan.rate == nil, !isOver { send(on: connection) } else { idle.append(connection) }
    }

    /// The request `serial` was answered, or will never be.
    func finished(_ serial: Int, isAccepted: Bool) {
        answered += 1
        if isAccepted {
            accepted += 1
            lastAnswerAt = .now()
        } else {
            unaccepted.append(serial)
        }
    }

    func lost(_ connection: LoadConnection) {
        idle.removeAll { $0 === connection }
        guard !isOver else { return }
        let this = NIOLoopBound(self, eventLoop: loop)
        loop.scheduleTask(in: .milliseconds(50)) { this.value.connect() }
    }

    private func connect() {
        dialled += 1
        let this = NIOLoopBound(self, eventLoop: loop)
        ClientBootstrap(group: loop)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(LoadConnection(driver: this.value))
                }
            }
            .connect(host: "127.0.0.1", port: plan.ports[dialled % plan.ports.count])
            .whenFailure { _ in
                guard !this.value.isOver else { return }
                this.value.loop.scheduleTask(in: .milliseconds(50)) { this.value.connect() }
            }
    }

    private func send(on connection: LoadConnection) {
        let request = requests[sent % requests.count]
        var buffer = request.before
        buffer.writeString(BenchMessage.serialText(sent))
        buffer.writeImmutableBuffer(request.after)
        connection.send(buffer, serial: sent)
        sent += 1
    }

    /// Starts what is due; true once all is over.
    private func tick() -> Bool {
        let elapsed = Double((NIODeadline.now() - startedAt).nanoseconds) / 1e9
        if let rate = plan.rate, !isOver {
            let due = Int(min(elapsed, plan.seconds) * rate)
            // The one that has been idle for longest, so that all ports have their share.
            while sent < due, !idle.isEmpty { send(on: idle.removeFirst()) }
        }
        if elapsed >= plan.seconds { isOver = true }
        // 10 s: what is not answered by then counts as not accepted.
        guard isOver, answered == sent || elapsed > plan.seconds + 10 else { return false }
        result.succeed(
            LoadResult(
                sent: sent, accepted: accepted, seconds: Double((lastAnswerAt - startedAt).nanoseconds) / 1e9,
                unaccepted: unaccepted.sorted()))
        return true
    }
}

/// One connection of the load generator.
final class LoadConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let driver: LoadDriver
    private var context: ChannelHandlerContext?
    private var messages = RawHTTPMessages()
    private var serial: Int?

    init(driver: LoadDriver) {
        self.driver = driver
    }

    func send(_ request: ByteBuffer, serial: Int) {
        self.serial = serial
        context?.writeAndFlush(wrapOutboundOut(request), promise: nil)
    }

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        driver.ready(self)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        messages.append(unwrapInboundIn(data))
        while let message = messages.next() {
            guard let serial else { continue }
            self.serial = nil
            driver.finished(serial, isAccepted: message.startLine.hasPrefix("HTTP/1.1 2"))
            driver.ready(self)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.context = nil
        if let serial { driver.finished(serial, isAccepted: false) }
        serial = nil
        driver.lost(self)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
