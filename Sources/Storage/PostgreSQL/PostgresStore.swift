import Foundation
import Synchronization
import Timestamps

/// The store in a PostgreSQL database, for any number of servers.
///
/// ```swift
/// let store = try await PostgresStore.open(url: "postgres://httpsms@db.example.com/httpsms?sslmode=verify-full")
/// ```
///
/// Writes run at READ COMMITTED, several at a time: what they decide by must be locked (`\(.forUpdate)`), compared and set,
/// or held by a unique constraint. Reads see one snapshot. A transaction that met another one runs again.
package final class PostgresStore: Store {
    package let wakeups = Wakeups()

    private let pool: PostgresPool
    /// Apart, so that claims and results never wait for requests.
    private let enginePool: PostgresPool
    private let clock: MonotonicClock
    private let closing = Mutex(false)

    /// Bounds of a transaction on the server: of one statement, of one wait for a row, and of a pause between two
    /// statements, after which a server that hangs gives its locks back.
    private static let limits = """
        SET LOCAL statement_timeout = '10s'; SET LOCAL lock_timeout = '5s'; \
        SET LOCAL idle_in_transaction_session_timeout = '15s'
        """
    private static let readLimit = "SET LOCAL statement_timeout = '5s'"

    /// Connects once, so that a wrong URL is told at once.
    ///
    /// - Parameters:
    ///   - url: What libpq understands: `postgres://user@host1,host2/database?sslmode=verify-full`.
    ///   - clock: What `Transaction.now` is read from.
    ///   - connections: The most for reads and requests; two more are for the engine.
    ///   - pooler: What stands between.
    /// - Returns: The store, which has no tables of ours before `migrate`.
    /// - Throws: `StorageError.unavailable` when it cannot connect.
    package static func open(
        url: String, clock: any WallClock = SystemClock(), connections: Int = 8,
        pooler: PostgresPooler = .none
    ) async throws -> PostgresStore {
        let store = PostgresStore(url: url, clock: clock, connections: connections, pooler: pooler)
        do {
            _ = try await store.read { tx in try tx.rows("SELECT 1 AS value") }
            return store
        } catch {
            try? await store.close()  // The first error is the one to report.
            throw error
        }
    }

    private init(url: String, clock: any WallClock, connections: Int, pooler: PostgresPooler) {
        pool = PostgresPool(url: url, pooler: pooler, size: connections)
        enginePool = PostgresPool(url: url, pooler: pooler, size: 2)
        self.clock = MonotonicClock(clock)
    }

    package func read<T: Sendable>(_ body: @escaping @Sendable (any Transaction) throws -> T) async throws -> T {
        try await run(
            on: pool, begin: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \(Self.readLimit)", mayWrite: false, body
        )
    }

    package func write<T: Sendable>(
        _ lane: WriteLane, _ body: @escaping @Sendable (any Transaction) throws -> T
    ) async throws -> T {
        try await run(
            on: lane == .engine ? enginePool : pool, begin: "BEGIN; \(Self.limits)", mayWrite: true, body)
    }

    package func readiness() async -> String? {
        do {
            // Writes: a standby, or a server without room, would let us read.
            _ = try await write(.engine) { tx in try tx.rows("SELECT pg_current_xact_id()::text AS value") }
            return nil
        } catch {
            return "\(error)"
        }
    }

    /// Requests and maintenance share a queue, which is counted for requests.
    package func waitingWrites(_ lane: WriteLane) -> Int {
        switch lane {
        case .engine: enginePool.waitingCount
        case .request: pool.waitingCount
        case .maintenance: 0
        }
    }

    package func close() async throws {
        let isFirst = closing.withLock { closing in
            defer { closing = true }
            return !closing
        }
        guard isFirst else { return }
        try await pool.close()
        try await enginePool.close()
    }

    private func run<T: Sendable>(
        on pool: PostgresPool, begin: String, mayWrite: Bool,
        _ body: @escaping @Sendable (any Transaction) throws -> T
    ) async throws -> T {
        try Task.checkCancellation()
        guard !closing.withLock({ $0 }) else { throw StorageError.unavailable("the store is closed") }
        return try await pool.run { [self] connection in
            var number = 1
            while true {
                let transaction = PostgresTransaction(
                    connection, now: mayWrite ? clock.advance() : clock.now(), wakeups: wakeups, mayWrite: mayWrite)
                do {
                    return try Self.run(transaction, on: connection, begin: begin, body)
                } catch {
                    let failure = error as? PostgresFailure ?? transaction.failure
                    guard let failure, failure.mayRunAgain(after: number), connection.isAlive else {
                        throw (error as? PostgresFailure)?.storageError ?? error
                    }
                    if failure.isOfStatements { try? connection.forgetStatements() }
                    // Two that met must not meet again at once.
                    Thread.sleep(forTimeInterval: .random(in: 0...0.01) * Double(number))
                    number += 1
                }
            }
        }
    }

    /// One run of a body: nothing of it stays unless it ends with a commit.
    private static func run<T>(
        _ transaction: PostgresTransaction, on connection: PostgresConnection, begin: String,
        _ body: (any Transaction) throws -> T
    ) throws -> T {
        do throws(PostgresFailure) {
            try connection.execute(begin)
        } catch {
            if error.isLost { throw PostgresPool.LostBeforeUse(failure: error) }
            throw error
        }
        do {
            let value = try body(transaction)
            transaction.end()
            // A COMMIT of a failed transaction is a rollback that reports success.
            if let failure = transaction.failure { throw failure }
            try connection.execute("COMMIT")
            for action in transaction.actionsAfterCommit { action() }
            return value
        } catch {
            transaction.end()
            if connection.isAlive, connection.isInsideTransaction { try? connection.execute("ROLLBACK") }
            throw error
        }
    }
}
