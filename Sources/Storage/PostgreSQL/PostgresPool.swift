import NIOPosix
import Synchronization

/// A bounded number of connections, each with a thread of its own to wait on.
final class PostgresPool: Sendable {
    private struct State {
        var idle: [PostgresConnection] = []
        var waiting = 0
        /// After connecting failed: when to try next, and how long to wait after another failure.
        var nextTry: ContinuousClock.Instant?
        var pause = PostgresPool.firstPause
        var lastFailure: PostgresFailure?
    }

    private let url: String
    private let pooler: PostgresPooler
    private let threads: NIOThreadPool
    private let state = Mutex(State())

    /// Callers that may wait for a connection: a second of full load; who comes later is better told at once.
    private static let waitingLimit = 4_096
    private static let firstPause = Duration.milliseconds(50)
    private static let longestPause = Duration.seconds(5)

    init(url: String, pooler: PostgresPooler, size: Int) {
        self.url = url
        self.pooler = pooler
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
    func run<T: Sendable>(_ body: @escaping @Sendable (PostgresConnection) throws -> T) async throws -> T {
        let mayWait = state.withLock { state in
            guard state.waiting < Self.waitingLimit else { return false }
            state.waiting += 1
            return true
        }
        guard mayWait else {
            throw StorageError.unavailable(
                "\(Self.waitingLimit) transactions wait for PostgreSQL. Try again in a second.")
        }
        defer { state.withLock { $0.waiting -= 1 } }
        return try await threads.runIfActive { [self] in
            while true {
                let taken = try take()
                let result = Result { try body(taken.connection) }
                giveBack(taken.connection)
                if case .failure(let error) = result, let lost = error as? LostBeforeUse {
                    if taken.isNew { throw lost.failure.storageError }
                    continue
                }
                return try result.get()
            }
        }
    }

    /// Ends the threads once what waits is done, and every connection.
    func close() async throws {
        try await threads.shutdownGracefully()
        state.withLock { $0.idle = [] }
    }

    /// As many threads as connections: one is always free, or may be made.
    private func take() throws -> (connection: PostgresConnection, isNew: Bool) {
        while let connection = state.withLock({ $0.idle.popLast() }) {
            if connection.isAlive { return (connection, false) }
        }
        // While the server is away, callers are told at once; only one in each pause waits for a try.
        try state.withLock { state in
            if let next = state.nextTry, ContinuousClock.now < next, let failure = state.lastFailure {
                throw failure.storageError
            }
        }
        do throws(PostgresFailure) {
            let connection = try PostgresConnection(url: url, pooler: pooler)
            state.withLock { state in
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
            throw error.storageError
        }
    }

    private func giveBack(_ connection: PostgresConnection) {
        guard connection.isAlive, !connection.isInsideTransaction else { return }
        state.withLock { $0.idle.append(connection) }
    }
}
