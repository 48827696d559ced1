import NIOCore
import NIOPosix
import Synchronization
import Timestamps

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A bounded number of connections, each with a thread of its own to wait on.
final class PostgresPool: Sendable {
    private struct State {
        var idle: [PostgresConnection] = []
        /// Connections that are in use.
        var out = 0
        /// When one came back that had done its work.
        var lastGoodAt: ContinuousClock.Instant?
        var waiting = 0
        /// After connecting failed: when to try next, and how long to wait after another failure.
        var nextTry: ContinuousClock.Instant?
        var pause = PostgresPool.firstPause
        var lastFailure: PostgresFailure?

        /// The idle connection that was used last and is still there; nil when there is none.
        mutating func takeIdle() -> PostgresConnection? {
            while let connection = idle.popLast() {
                guard connection.isAlive else { continue }
                out += 1
                return connection
            }
            return nil
        }
    }

    private let servers: PostgresServers
    private let size: Int
    private let threads: NIOThreadPool
    private let state = Mutex(State())

    /// Callers that may wait for a connection: a second of full load; who comes later is better told at once.
    private static let waitingLimit = 4_096
    private static let firstPause = Duration.milliseconds(50)
    private static let longestPause = Duration.seconds(5)
    /// How long the server is taken to be there after the last work that it did.
    private static let goodFor = Duration.seconds(5)

    init(to servers: PostgresServers, size: Int) {
        self.servers = servers
        self.size = size
        threads = NIOThreadPool(numberOfThreads: size)
        threads.start()
    }

    /// How many callers wait.
    var waitingCount: Int { state.withLock { $0.waiting } }

    /// A connection that turned out to be gone before anything was done with it.
    struct LostBeforeUse: Error {
        let failure: PostgresFailure
    }

    /// Runs `body` with a connection, on a thread that may block.
    ///
    /// A connection that was idle may be gone without our knowing, as after a restart of the server: when `body` throws
    /// ``LostBeforeUse`` it runs with the next one, until one was made just now.
    ///
    /// A caller that is cancelled before `body` starts gets `CancellationError`, and `body` never runs.
    ///
    /// - Parameters:
    ///   - limit: How long to wait for a thread and a connection; what `body` waits for it bounds itself.
    ///   - body: Bounds its own waits.
    /// - Returns: What `body` returns.
    /// - Throws: What `body` throws, or `StorageError.unavailable`.
    func run<T: Sendable>(
        within limit: Duration, _ body: @escaping @Sendable (PostgresConnection) throws -> T
    ) async throws -> T {
        let deadline = ContinuousClock.now + limit
        let waiting = state.withLock { state -> Int? in
            guard state.waiting < Self.waitingLimit else { return nil }
            state.waiting += 1
            return state.waiting
        }
        guard let waiting else {
            throw StorageError.unavailable(
                "\(Self.waitingLimit) transactions wait for PostgreSQL. Try again in a second.")
        }
        defer { state.withLock { $0.waiting -= 1 } }
        let ticket = PostgresTicket<T>()
        // While a thread is free nobody waits for one.
        let expiry =
            waiting <= size
            ? nil
            : MultiThreadedEventLoopGroup.singleton.any().scheduleTask(in: .nanoseconds(limit.nanoseconds)) {
                ticket.refuse(Self.tooLate)
            }
        defer { expiry?.cancel() }
        return try await withTaskCancellationHandler {
            try await ticket.wait { [self] in
                threads.submit { threadState in
                    guard case .active = threadState else {
                        return ticket.refuse(StorageError.unavailable("the store is closed"))
                    }
                    guard ticket.take() else { return }
                    ticket.serve(Result { try self.serve(until: deadline, body) })
                }
            }
        } onCancel: {
            ticket.refuse(CancellationError())
        }
    }

    private static var tooLate: StorageError { .unavailable("PostgreSQL: no connection was free in time") }

    /// Ends the threads once what waits is done, and every connection.
    func close() async throws {
        try await threads.shutdownGracefully()
        state.withLock { $0.idle = [] }
    }

    private func serve<T>(
        until deadline: ContinuousClock.Instant, _ body: (PostgresConnection) throws -> T
    ) throws -> T {
        while true {
            let taken = try take(until: deadline)
            let result = Result { try body(taken.connection) }
            giveBack(taken.connection)
            if case .failure(let error) = result, let lost = error as? LostBeforeUse {
                if taken.isNew { throw lost.failure.storageError }
                continue
            }
            return try result.get()
        }
    }

    /// As many threads as connections: one is always free, or may be made. Where the server gives fewer than that, callers wait for
    /// those that there are.
    private func take(
        until deadline: ContinuousClock.Instant
    ) throws -> (connection: PostgresConnection, isNew: Bool) {
        while true {
            if let connection = state.withLock({ $0.takeIdle() }) { return (connection, false) }
            guard let end = servers.end(before: deadline), .now < end else { throw Self.tooLate }
            if let failure = refusal() {
                guard waitsForOthers(until: end) else { throw failure.storageError }
                continue
            }
            do throws(PostgresFailure) {
                let limit = min(ContinuousClock.now.duration(to: end), PostgresConnection.connectLimit)
                let connection = try PostgresConnection(to: servers, within: limit)
                state.withLock { state in
                    state.out += 1
                    state.nextTry = nil
                    state.pause = Self.firstPause
                }
                return (connection, true)
            } catch {
                state.withLock { state in
                    state.lastFailure = error
                    state.nextTry = .now + state.pause
                    state.pause = min(state.pause * 2, Self.longestPause)
                }
            }
        }
    }

    /// Why no connection is made now, while the server is away; nil for one caller in each pause, who tries.
    private func refusal() -> PostgresFailure? {
        state.withLock { state in
            guard let next = state.nextTry, let failure = state.lastFailure else { return nil }
            if .now < next { return failure }
            state.nextTry = .now + state.pause
            return nil
        }
    }

    /// Waits a moment, on a thread of the pool's own, for a connection that others use; false where none is, or where the server
    /// has done nothing for too long to be waited for.
    private func waitsForOthers(until end: ContinuousClock.Instant) -> Bool {
        let isPromising = state.withLock { state in
            guard state.out > 0, let good = state.lastGoodAt else { return false }
            return good.duration(to: .now) < Self.goodFor
        }
        guard isPromising, .now < end else { return false }
        usleep(Self.moment)
        return true
    }

    /// 5 ms, in microseconds.
    private static let moment: UInt32 = 5_000

    private func giveBack(_ connection: PostgresConnection) {
        state.withLock { state in
            state.out -= 1
            // Where one was silent the others are likely to be: each would cost a caller the same wait.
            if connection.isGivenUp { state.idle = [] }
            guard connection.isClean else { return }
            state.idle.append(connection)
            state.lastGoodAt = .now
        }
    }
}
