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
    private let threads: NIOThreadPool
    private let state = Mutex(State())

    /// Callers that may wait for a connection: a second of full load; who comes later is better told at once.
    private static let waitingLimit = 4_096
    private static let firstPause = Duration.milliseconds(50)
    private static let longestPause = Duration.seconds(5)

    init(url: String, size: Int) {
        self.url = url
        threads = NIOThreadPool(numberOfThreads: size)
        threads.start()
    }

    /// How many callers wait.
    var waitingCount: Int { state.withLock { $0.waiting } }

    /// Runs `body` with a connection, on a thread that may block.
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
            let connection = try take()
            defer { giveBack(connection) }
            return try body(connection)
        }
    }

    /// Ends the threads once what waits is done, and every connection.
    func close() async throws {
        try await threads.shutdownGracefully()
        state.withLock { $0.idle = [] }
    }

    /// As many threads as connections: one is always free, or may be made.
    private func take() throws -> PostgresConnection {
        while let connection = state.withLock({ $0.idle.popLast() }) {
            if connection.isAlive { return connection }
        }
        // While the server is away, callers are told at once; only one in each pause waits for a try.
        try state.withLock { state in
            if let next = state.nextTry, ContinuousClock.now < next, let failure = state.lastFailure {
                throw failure.storageError
            }
        }
        do throws(PostgresFailure) {
            let connection = try PostgresConnection(url: url)
            state.withLock { state in
                state.nextTry = nil
                state.pause = Self.firstPause
            }
            return connection
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
