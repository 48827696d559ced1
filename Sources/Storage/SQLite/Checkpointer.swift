import GRDB
import GRDBSQLite
import Logging
import Synchronization
import Timestamps

/// Moves what the log holds into the database file, between two groups of the writer.
///
/// SQLite would do it inside a COMMIT (`wal_autocheckpoint`), and on closing, in any process. From 3.7.0 to 3.51.2 (without
/// 3.44.6 and 3.50.7) a checkpoint that begins right after a complete one, while another connection commits and starts
/// the log afresh, loses pages (https://www.sqlite.org/wal.html#walresetbug). So only the holder of the ``ServerLock``
/// checkpoints, on the writer's thread, while the writer's connection holds the write lock: nobody can commit meanwhile,
/// in this process or another. A checkpoint in the modes that take this lock by themselves does not do: when they do not
/// get it in time, they go on without. `CheckpointModelTests` tries every order of steps.
final class Checkpointer: Sendable {
    private enum Phase {
        case usual
        /// Reads are held back, and those that run are waited for.
        case waiting
        /// No read runs, and none starts before the log was copied.
        case quiet
    }

    private struct State {
        var schedule = CheckpointSchedule()
        var phase = Phase.usual
    }

    private let database: DatabaseQueue
    private let path: String
    private let gate: TurnGate
    private let onLossOfDurability: @Sendable (SQLiteFailure) -> Void
    private let logger: Logger
    private let state = Mutex(State())

    /// Opens a connection of its own, as one cannot checkpoint inside of its own transaction.
    init(
        path: String, gate: TurnGate, logger: Logger, onLossOfDurability: @escaping @Sendable (SQLiteFailure) -> Void
    ) throws {
        var configuration = Configuration()
        configuration.label = "checkpointer"
        configuration.prepareDatabase { database in
            try SQLiteSettings.forbidCheckpoints(database)
            // FULL makes a checkpoint flush the log before it is copied and the database before the log is used again.
            try database.execute(sql: "PRAGMA synchronous = FULL")
            try database.execute(sql: "PRAGMA fullfsync = ON")
        }
        database = try DatabaseQueue(path: path, configuration: configuration)
        self.path = path
        self.gate = gate
        self.logger = logger
        self.onLossOfDurability = onLossOfDurability
    }

    /// Called by the writer after a group, with the number of pages that the log holds.
    ///
    /// `wake` is called when the last reader that was waited for is gone, on its thread. It brings about
    /// ``readersAreGone(writer:)`` on the writer's thread, for nothing may be written for a while.
    func committed(frames: Int, writer: SQLiteConnection, wake: @escaping @Sendable () -> Void) {
        let (step, isAlarming) = state.withLock { state in
            let isAlarming = state.schedule.isAlarming(frames: frames, at: .now)
            let step = state.schedule.next(frames: frames, at: .now)
            guard step == .quiesce else { return (step, isAlarming) }
            guard state.phase == .usual else { return (nil, isAlarming) }
            state.phase = .waiting
            return (step, isAlarming)
        }
        if isAlarming {
            logger.warning(
                "the log of the database grows: a read does not end, perhaps of another program",
                metadata: ["database": "\(path)", "mebibytes": "\(frames / 256)"])
        }
        switch step {
        case nil: break
        case .copy: copy(writer)
        case .quiesce:
            gate.quiesce { [self] in
                state.withLock { $0.phase = .quiet }
                wake()
            }
        }
        readersAreGone(writer: writer)
    }

    /// Copies the whole log when no read runs any more, and lets the reads go on; does nothing otherwise.
    func readersAreGone(writer: SQLiteConnection) {
        let isQuiet = state.withLock { state in
            guard state.phase == .quiet else { return false }
            state.phase = .usual
            return true
        }
        guard isQuiet else { return }
        // Once all is copied, reads that begin look at the database file alone, so the next commit starts the log afresh.
        copy(writer)
        state.withLock { $0.schedule.resumed(at: .now) }
        gate.resume()
    }

    func close() throws {
        try database.close()
    }

    /// Copies what no reader needs, while `writer` keeps everybody else from committing.
    func copy(_ writer: SQLiteConnection) {
        do {
            try writer.execute("BEGIN IMMEDIATE")
            // It wrote nothing; only the lock is given back.
            defer { try? writer.execute("ROLLBACK") }
            _ = try database.writeWithoutTransaction { try $0.checkpoint(.passive) }
        } catch {
            report(error)
        }
    }

    private func report(_ error: any Error) {
        var failure = error as? SQLiteFailure
        if let error = error as? DatabaseError {
            failure = SQLiteFailure(error, path: path)
            if let failure, failure.isLossOfDurability { onLossOfDurability(failure) }
        }
        // Another program writes; the next commit brings the next try.
        if let failure, failure.code & 0xff == SQLITE_BUSY || failure.code & 0xff == SQLITE_LOCKED { return }
        logger.warning("checkpoint failed", metadata: ["reason": "\(failure?.message ?? "\(error)")"])
    }
}
