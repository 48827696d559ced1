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
///
/// Whatever hangs, the server, its disk or the network, every call answers: see ``Limits``. A COMMIT that is not answered in
/// time throws `StorageError.unavailable`, as one whose connection broke: its transaction may have been kept.
package final class PostgresStore: Store {
    package let wakeups = Wakeups()
    package let unreadable = UnreadableRows()

    let servers: PostgresServers
    /// For requests, which pass the gates.
    private let pool: PostgresPool
    private let readGate: TurnGate
    private let writeGate: TurnGate
    /// Apart, so that claims and results never wait for requests.
    private let enginePool: PostgresPool
    /// Apart, so that sweeps and audits wait for neither.
    private let maintenancePool: PostgresPool
    /// Apart, so that the store says how it is while all others hang.
    private let watch: PostgresWatch
    private let refused = RefusedWrites()
    private let clock: MonotonicClock
    private let closing = Mutex(false)

    /// Connects once, so that a wrong URL is told at once.
    ///
    /// - Parameters:
    ///   - url: What libpq understands: `postgres://user@host1,host2/database?sslmode=verify-full`.
    ///   - clock: What `Transaction.now` is read from.
    ///   - connections: The most for requests; two more are for the engine, two for maintenance, and one for
    ///     ``readiness()``.
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
        servers = PostgresServers(url: url, pooler: pooler)
        pool = PostgresPool(to: servers, size: connections)
        readGate = TurnGate("PostgreSQL", .reads(connections: connections))
        writeGate = TurnGate("PostgreSQL", .writes(connections: connections), verb: "write")
        enginePool = PostgresPool(to: servers, size: 2)
        maintenancePool = PostgresPool(to: servers, size: 2)
        watch = PostgresWatch(servers)
        self.clock = MonotonicClock(clock)
    }

    package func read<T: Sendable>(
        _ lane: ReadLane, _ body: @escaping @Sendable (any Transaction) throws -> T
    ) async throws -> T {
        try await readGate.enter(lane)
        defer { readGate.leave(lane) }
        return switch lane {
        case .engine: try await run(on: enginePool, .read, body)
        case .maintenance: try await run(on: maintenancePool, .read, body)
        case .request, .account: try await run(on: pool, .read, body)
        }
    }

    package func write<T: Sendable>(
        _ lane: WriteLane, _ body: @escaping @Sendable (any Transaction) throws -> T
    ) async throws -> T {
        switch lane {
        case .engine: try await run(on: enginePool, .engine, body)
        case .account, .request: try await writeInTurn(lane, body)
        case .maintenance: try await run(on: maintenancePool, .maintenance, body)
        }
    }

    /// Waits for the turn of the lane's account, which counts as part of the time that the write may take.
    private func writeInTurn<T: Sendable>(
        _ lane: WriteLane, _ body: @escaping @Sendable (any Transaction) throws -> T
    ) async throws -> T {
        let began = ContinuousClock.now
        let turn = ReadLane.account(lane.turn ?? "")
        try await writeGate.enter(turn)
        defer { writeGate.leave(turn) }
        return try await run(on: pool, .request, since: began, body)
    }

    /// Answers within 2 s, whatever hangs.
    package func readiness() async -> String? { await watch.readiness() ?? refused.reason() }

    package func waitingWrites(_ kind: WriteLane.Kind) -> Int {
        switch kind {
        case .engine: enginePool.waitingCount
        case .request: pool.waitingCount + writeGate.waitingCount
        case .maintenance: maintenancePool.waitingCount
        }
    }

    package func close() async throws {
        let isFirst = closing.withLock { closing in
            defer { closing = true }
            return !closing
        }
        guard isFirst else { return }
        end(within: .seconds(5))
        try await watch.close()
        readGate.close()
        writeGate.close()
        try await pool.close()
        try await maintenancePool.close()
        try await enginePool.close()
    }

    package func end(within duration: Duration) { servers.end(within: duration) }

    private func run<T: Sendable>(
        on pool: PostgresPool, _ limits: Limits, since began: ContinuousClock.Instant = .now,
        _ body: @escaping @Sendable (any Transaction) throws -> T
    ) async throws -> T {
        try Task.checkCancellation()
        guard !closing.withLock({ $0 }) else { throw StorageError.unavailable("the store is closed") }
        let end = limits.total.map { began + $0 }
        let isOfClient = limits.mayWrite && pool === self.pool
        return try await pool.run(within: limits.queue - began.duration(to: .now)) { [self] connection in
            var number = 1
            while true {
                connection.patience = .init(answer: limits.answer, end: end)
                let reading = clock.instants()
                let transaction = PostgresTransaction(
                    connection, now: limits.mayWrite ? clock.advance() : clock.now(), wakeups: wakeups,
                    unreadable: unreadable, mayWrite: limits.mayWrite)
                do {
                    return try Self.run(transaction, on: connection, limits) { [clock] tx in
                        let value = try body(tx)
                        if limits.mayWrite, number < MonotonicClock.runsWhileSet, clock.wasSet(since: reading) {
                            throw ClockWasSet()
                        }
                        return value
                    }
                } catch is ClockWasSet {
                    number += 1
                } catch {
                    let failure = error as? PostgresFailure ?? transaction.failure
                    if let failure, failure.isOfStandby, limits.mayWrite {
                        // Another server takes writes by now, or will: the next connection looks for it.
                        connection.isGivenUp = true
                        throw StorageError.unavailable("PostgreSQL: \(failure.message)")
                    }
                    if isOfClient, let failure, failure.isOfServer {
                        refused.note("PostgreSQL: \(failure.message)")
                    }
                    guard let failure, failure.mayRunAgain(after: number), connection.isAlive,
                        end.map({ .now < $0 }) ?? true
                    else {
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

    /// A body goes by a time that is not the time of day any more.
    private struct ClockWasSet: Error {}

    /// One run of a body: nothing of it stays unless it ends with a commit.
    private static func run<T>(
        _ transaction: PostgresTransaction, on connection: PostgresConnection, _ limits: Limits,
        _ body: (any Transaction) throws -> T
    ) throws -> T {
        do throws(PostgresFailure) {
            try limits.begin(on: connection)
        } catch {
            if error.isLost { throw PostgresPool.LostBeforeUse(failure: error) }
            throw error
        }
        do {
            let value = try body(transaction)
            transaction.end()
            // A COMMIT of a failed transaction is a rollback that reports success.
            if let failure = transaction.failure { throw failure }
            try connection.commit()
            for action in transaction.actionsAfterCommit { action() }
            return value
        } catch {
            transaction.end()
            if connection.isAlive, connection.isInsideTransaction {
                connection.patience = .init(answer: Limits.shortAnswer)
                try? connection.execute("ROLLBACK")
            }
            throw error
        }
    }
}

extension TurnGate.Limits {
    /// Of `connections` for requests, reads take so many that writes always have some left; the other lanes have pools
    /// of their own.
    fileprivate static func reads(connections: Int) -> TurnGate.Limits {
        let (lookUps, accounts) = (max(1, connections / 4), max(1, connections / 2))
        return TurnGate.Limits(
            request: FairQueue.Limits(
                running: lookUps, runningPerKey: lookUps, waiting: 1_024, waitingPerKey: 1_024),
            accounts: FairQueue.Limits(
                running: accounts, runningPerKey: max(1, accounts - 1), waiting: 1_024, waitingPerKey: 64))
    }

    /// As many writes as there are connections, of which one account has three quarters at most: its writes may all wait for
    /// one row. What is above that would wait for a connection, where nobody has a turn.
    fileprivate static func writes(connections: Int) -> TurnGate.Limits {
        let limits = FairQueue.Limits(
            running: connections, runningPerKey: max(1, connections * 3 / 4), waiting: WriteLane.limit,
            waitingPerKey: WriteLane.limitPerAccount)
        return TurnGate.Limits(request: limits, accounts: limits)
    }
}
