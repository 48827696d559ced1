import NIOCore

/// One attempt from the dial to the end of the response, on one event loop.
///
/// | stage | the deadline or a cancellation gives | the connection's end gives |
/// |---|---|---|
/// | connecting | `connect_timeout` | `connect_failed` |
/// | handshaking, before a proxy has opened the tunnel | `proxy_failed` | `proxy_failed` |
/// | handshaking | `tls_timeout` | `tls_failed` |
/// | waiting, before the answer | `timeout` | `connection_closed`, or `tls_failed` when the receiver says so |
/// | waiting, after the answer | the response | the response |
///
/// The answer is the final head, or a final status line of 2xx. A request is written once: the receiver may have read it
/// whatever the connection does afterwards, and another try is an attempt of its own, counted and delayed. That a
/// resting connection still stands is asked of the kernel in the moment before the request is written.
///
/// `@unchecked Sendable`: every mutable member is touched on `loop` only; other threads call ``run(reusing:)`` once.
final class Exchange: @unchecked Sendable {
    private enum Stage {
        case connecting
        case handshaking
        case waiting
    }

    private let loop: any EventLoop
    private let request: ByteBuffer
    private let destination: Destination
    private let key: PoolKey
    private let pool: ConnectionPool
    private let deadline: NIODeadline

    private var continuation: CheckedContinuation<AttemptResult, Never>?
    private var result: AttemptResult
    private var stage = Stage.connecting
    private var stageBegan = NIODeadline.now()
    private var parser = ResponseParser(isReused: false)
    private var connection: Connection?
    private var dial: Dial?
    private var deadlineTimer: Scheduled<Void>?
    private var bodyTimer: Scheduled<Void>?
    private var isCancelled = false
    private var hasReadByte = false

    init(
        loop: any EventLoop, request: ByteBuffer, destination: Destination, key: PoolKey, pool: ConnectionPool,
        deadline: NIODeadline, result: AttemptResult
    ) {
        self.loop = loop
        self.request = request
        self.destination = destination
        self.key = key
        self.pool = pool
        self.deadline = deadline
        self.result = result
    }

    /// Runs the attempt and returns its result without `duration`; cancelling the task ends it.
    func run(reusing connection: Connection?) async -> AttemptResult {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                loop.execute { self.begin(reusing: connection, continuation) }
            }
        } onCancel: {
            loop.execute { self.cancel() }
        }
    }

    private func begin(reusing connection: Connection?, _ continuation: CheckedContinuation<AttemptResult, Never>) {
        self.continuation = continuation
        guard !isCancelled else {
            connection?.close()
            return fail(AttemptFailure(.cancelled))
        }
        deadlineTimer = loop.assumeIsolated().scheduleTask(deadline: deadline) { self.deadlinePassed() }
        switch connection?.restingState {
        case .quiet?:
            guard let connection else { return }
            parser = ResponseParser(isReused: true)
            connection.serve(self)
            send(on: connection)
        case .outOfStep?:
            connection?.close()
            pool.distrust(key)
            startDial()
        case .ended?, nil:
            connection?.close()
            startDial()
        }
    }

    private func startDial() {
        enter(.connecting)
        let dial = Dial(destination, on: loop, deadline: deadline) { [weak self] in self?.dialled($0) }
        self.dial = dial
        dial.start()
    }

    private func dialled(_ outcome: Result<Connection, AttemptFailure>) {
        dial = nil
        switch outcome {
        case .failure(let failure): fail(failure)
        case .success(let connection):
            result.phases.connect = sinceStageBegan()
            result.address = connection.address
            self.connection = connection
            connection.serve(self)
            if connection.isReady { send(on: connection) } else { enter(.handshaking) }
        }
    }

    private func send(on connection: Connection) {
        self.connection = connection
        result.address = connection.address
        enter(.waiting)
        result.isWritten = true
        connection.write(request)
    }

    private func deadlinePassed() {
        switch stage {
        case .connecting:
            switch destination.hop {
            case .receiver: fail(AttemptFailure(.connectTimeout, "no connection within the time limit"))
            case .proxy: fail(AttemptFailure(.proxyFailed, "the proxy cannot be reached within the time limit"))
            }
        case .handshaking where isBeforeTunnel:
            fail(AttemptFailure(.proxyFailed, "the proxy did not open the tunnel within the time limit"))
        case .handshaking: fail(AttemptFailure(.tlsTimeout, "the TLS handshake did not end within the time limit"))
        case .waiting: respondOrFail(AttemptFailure(.timeout, "no complete response head within the time limit"))
        }
    }

    private func cancel() {
        isCancelled = true
        respondOrFail(AttemptFailure(.cancelled, result.isWritten ? "this server gave the request up" : ""))
    }

    private func respondOrFail(_ failure: AttemptFailure) {
        if parser.answer == nil { fail(failure) } else { respond(isReusable: false) }
    }

    private func fail(_ failure: AttemptFailure) {
        result.outcome = .failure(failure)
        finish(isReusable: false)
    }

    private func respond(isReusable: Bool) {
        guard let head = parser.answer else { return }
        result.outcome = .response(statusCode: head.statusCode)
        result.responseHeaders = head.headers
        result.responseBody = parser.body
        finish(isReusable: isReusable)
    }

    private func finish(isReusable: Bool) {
        guard let continuation else { return }
        self.continuation = nil
        deadlineTimer?.cancel()
        bodyTimer?.cancel()
        dial?.cancel()
        dial = nil
        if let connection {
            self.connection = nil
            // A receiver that answers before it has read the request leaves the connection out of step.
            if parser.hasSkippedLeftovers { pool.distrust(key) }
            if isReusable, connection.hasWrittenAll { pool.put(connection, key) } else { connection.close() }
        }
        continuation.resume(returning: result)
    }

    /// Whether a proxy was asked for a tunnel and has not opened it.
    private var isBeforeTunnel: Bool {
        if case .proxy(tunnel: _?) = destination.hop { connection?.isTunnelled == false } else { false }
    }

    private func enter(_ stage: Stage) {
        self.stage = stage
        stageBegan = .now()
    }

    private func sinceStageBegan() -> Duration { Duration(NIODeadline.now() - stageBegan) }
}

// What the connection tells the exchange.
extension Exchange {
    /// The TLS handshake has succeeded.
    func becameReady() {
        guard stage == .handshaking, let connection else { return }
        result.phases.tls = sinceStageBegan()
        send(on: connection)
    }

    /// Bytes of the response have come.
    func received(_ bytes: ByteBuffer) {
        if !hasReadByte {
            hasReadByte = true
            result.phases.firstByte = sinceStageBegan()
        }
        do throws(AttemptFailure) {
            try parser.receive(bytes)
        } catch {
            return fail(error)
        }
        switch parser.progress {
        case .head: if parser.answer != nil { limitRest() }
        case .body: limitRest()
        case .done(let isReusable): respond(isReusable: isReusable)
        }
    }

    /// The connection is gone, with an error or without.
    func connectionEnded(_ error: (any Error)?) {
        let isBeforeTunnel = isBeforeTunnel
        connection = nil
        switch stage {
        case .connecting: break
        case .handshaking where isBeforeTunnel:
            let reason = (error as? ProxyRefusal)?.description ?? "the proxy closed the connection"
            fail(AttemptFailure(.proxyFailed, reason))
        case .handshaking: fail(AttemptFailure(.tlsFailed, TLSFailure.detail(error)))
        case .waiting where TLSFailure.isOne(error):
            // Under TLS 1.3 the receiver judges our side of the handshake after we have written the request.
            respondOrFail(AttemptFailure(.tlsFailed, TLSFailure.detail(error)))
        case .waiting:
            let place = hasReadByte ? "in the middle of the response head" : "without an answer"
            respondOrFail(AttemptFailure(.connectionClosed, "the receiver closed the connection \(place)"))
        }
    }

    private func limitRest() {
        guard bodyTimer == nil else { return }
        let end = min(NIODeadline.now() + SenderLimits.restTime, deadline)
        bodyTimer = loop.assumeIsolated().scheduleTask(deadline: end) { self.respond(isReusable: false) }
    }
}
