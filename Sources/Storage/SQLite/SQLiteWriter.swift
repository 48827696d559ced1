import GRDB
import GRDBSQLite
import Logging
import Synchronization
import Timestamps

/// Runs all writes, many to a COMMIT.
///
/// A commit waits for the disk, and 128 bodies need not wait longer than one. There is no window in which a batch is
/// collected: a group is what arrived while the one before was being flushed, so that an idle server answers at once
/// and a busy one makes large groups by itself.
///
/// A body runs in a savepoint of its own where another has written before it in the group, so that it can be taken back
/// alone; the first needs none, and costs less. Every outcome is handed out after the COMMIT, errors and answers of bodies that
/// wrote nothing included: what a body read may be a row of a neighbour in the group, which is not durable before.
final class SQLiteWriter: Sendable {
    private let pool: DatabasePool
    private let connection: SQLiteConnection
    private let clock: MonotonicClock
    private let health: WriteHealth
    private let checkpointer: Checkpointer?
    private let logger: Logger
    private let queue = Mutex(WriteQueue())

    init(
        pool: DatabasePool, connection: SQLiteConnection, clock: MonotonicClock, health: WriteHealth,
        checkpointer: Checkpointer?, logger: Logger
    ) {
        self.pool = pool
        self.connection = connection
        self.clock = clock
        self.health = health
        self.checkpointer = checkpointer
        self.logger = logger
    }

    /// Runs `body` in a group, and answers once that is durable.
    func perform<T: Sendable>(
        _ lane: WriteLane, _ body: @escaping @Sendable (any Transaction) throws -> T
    ) async throws -> T {
        let cancellation = WriteCancellation()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<T, any Error>) in
                let fail: @Sendable (any Error) -> Void = { continuation.resume(throwing: $0) }
                guard cancellation.wait(fail: fail) else { return }
                let write = PendingWrite(
                    start: { cancellation.start() },
                    attempt: { transaction in
                        let value = try body(transaction)
                        return { continuation.resume(returning: value) }
                    },
                    fail: fail)
                if let refusal = enqueue(write, lane), cancellation.start() { fail(refusal) }
            }
        } onCancel: {
            cancellation.cancel()
        }
    }

    /// How many writes wait in lanes of a kind.
    func waitingCount(_ kind: WriteLane.Kind) -> Int { queue.withLock { $0.count(kind) } }

    /// Refuses later writes; those that wait are still done.
    func close() {
        queue.withLock { $0.close() }
    }

    private func enqueue(_ write: PendingWrite, _ lane: WriteLane) -> StorageError? {
        switch queue.withLock({ $0.add(write, to: lane) }) {
        case .waiting:
            return nil
        case .waitingForDrain:
            pool.asyncWriteWithoutTransaction { _ in self.drain() }
            return nil
        case .accountIsFull:
            return lane.crowded
        case .full:
            return .unavailable("\(WriteLane.limit) writes wait for \(connection.path). Try again in a second.")
        case .closed:
            return .unavailable("\(connection.path) is closed.")
        }
    }

    // Below, everything runs on the writer's queue.

    private func drain() {
        while var shares = queue.withLock({ $0.beginGroup() }) {
            runGroup(&shares)
            if let frames = connection.takeWrittenFrames() {
                health.succeeded()
                checkpointer?.committed(frames: frames, writer: connection) { [self] in wakeCheckpointer() }
            }
        }
    }

    /// Lets the checkpointer have the writer's thread, also when nothing is written.
    private func wakeCheckpointer() {
        pool.asyncWriteWithoutTransaction { [self] _ in checkpointer?.readersAreGone(writer: connection) }
    }

    private func runGroup(_ shares: inout WriteGroupShares) {
        do {
            try connection.execute("BEGIN IMMEDIATE")
        } catch {
            // Whoever else waits would meet the same, after waiting for the lock once more.
            refuseAll(because: error)
            return
        }
        var writes: [PendingWrite] = []
        var bodies: [FinishedBody] = []
        let began = clock.instants()
        do throws(SQLiteFailure) {
            while let write = queue.withLock({ $0.take(&shares, at: .now) }) {
                guard write.start() else { continue }
                writes.append(write)
                bodies.append(try bodies.contains(where: \.isSuccess) ? runInSavepoint(write) : runFirst(write))
            }
            if clock.wasSet(since: began) { throw clockWasSet }
            try connection.execute("COMMIT")
        } catch {
            recover(writes, from: error)
            return
        }
        for body in bodies { body.runActions() }
        for body in bodies { body.answer() }
    }

    /// Runs a body before which nothing was written in the group; throws as ``runInSavepoint(_:)``.
    private func runFirst(_ write: PendingWrite) throws(SQLiteFailure) -> FinishedBody {
        let body = runBody(write)
        guard connection.isInsideTransaction else { throw connection.lastFailure ?? endedByBody }
        if !body.isSuccess {
            try connection.execute("ROLLBACK")
            try connection.execute("BEGIN IMMEDIATE")
        }
        return body
    }

    /// Runs one body of a group; throws when the transaction of the whole group is gone or beyond repair.
    private func runInSavepoint(_ write: PendingWrite) throws(SQLiteFailure) -> FinishedBody {
        try connection.execute("SAVEPOINT body")
        let body = runBody(write)
        // No room, an I/O error or no memory end the whole transaction (sqlite3VdbeHalt), neighbours included. The
        // body may have swallowed the error, so only the connection knows.
        guard connection.isInsideTransaction else { throw connection.lastFailure ?? endedByBody }
        if !body.isSuccess { try connection.execute("ROLLBACK TO body") }
        try connection.execute("RELEASE body")
        return body
    }

    private func runBody(_ write: PendingWrite) -> FinishedBody {
        connection.forgetFailure()
        let transaction = SQLiteTransaction(connection, now: clock.advance(), mayWrite: true)
        let outcome = Result { try write.attempt(transaction) }
        transaction.end()
        return FinishedBody(write: write, outcome: outcome, actions: transaction.actionsAfterCommit)
    }

    /// Settles a group whose transaction was lost.
    private func recover(_ writes: [PendingWrite], from failure: SQLiteFailure) {
        rollBack()
        if failure.isFull {
            // One by one they would only fill the disk again, and each wait for it.
            health.failed(failure)
            for write in writes { write.fail(failure.storageError) }
            return
        }
        logger.warning(
            "group of writes was rolled back and runs again one by one",
            metadata: ["code": "\(failure.code)", "reason": "\(failure.message)", "bodies": "\(writes.count)"])
        for write in writes { runAlone(write) }
    }

    /// Runs one body in a transaction of its own, so that what fails in it fails no other. While the clock is being set it runs
    /// again, at most `runs` times in all.
    private func runAlone(_ write: PendingWrite, runs: Int = MonotonicClock.runsWhileSet) {
        do throws(SQLiteFailure) {
            try connection.execute("BEGIN IMMEDIATE")
            let began = clock.instants()
            let body = runBody(write)
            if body.isSuccess {
                guard connection.isInsideTransaction else { throw connection.lastFailure ?? endedByBody }
                if runs > 1, clock.wasSet(since: began) {
                    rollBack()
                    return runAlone(write, runs: runs - 1)
                }
                try connection.execute("COMMIT")
                body.runActions()
            } else {
                if let failure = connection.lastFailure { health.failed(failure) }
                rollBack()
            }
            body.answer()
        } catch {
            rollBack()
            health.failed(error)
            write.fail(error.storageError)
        }
    }

    private func refuseAll(because failure: SQLiteFailure) {
        rollBack()
        health.failed(failure)
        for write in queue.withLock({ $0.takeAll() }) where write.start() { write.fail(failure.storageError) }
    }

    private func rollBack() {
        guard connection.isInsideTransaction else { return }
        do {
            try connection.execute("ROLLBACK")
        } catch {
            logger.error(
                "a transaction could not be rolled back",
                metadata: ["code": "\(error.code)", "reason": "\(error.message)"])
        }
    }

    /// Its bodies go by a time that is not the time of day any more.
    private var clockWasSet: SQLiteFailure {
        SQLiteFailure(code: SQLITE_ABORT, message: "the clock was set meanwhile", sql: "", path: connection.path)
    }

    /// A body that ends the transaction itself is a mistake of ours.
    private var endedByBody: SQLiteFailure {
        SQLiteFailure(code: SQLITE_ERROR, message: "a body ended its transaction", sql: "", path: connection.path)
    }
}

/// A body that has run, and what it wants once it is durable.
private struct FinishedBody {
    let write: PendingWrite
    let outcome: Result<PendingWrite.Answer, any Error>
    let actions: [@Sendable () -> Void]

    var isSuccess: Bool {
        if case .success = outcome { return true }
        return false
    }

    func runActions() {
        guard isSuccess else { return }
        for action in actions { action() }
    }

    func answer() {
        switch outcome {
        case .success(let answer): answer()
        case .failure(let error): write.fail(error)
        }
    }
}
