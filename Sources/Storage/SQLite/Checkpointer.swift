import GRDB
import GRDBSQLite
import Logging
import Synchronization
import Timestamps

/// Moves what the log holds into the database file, beside the writer as long as that is enough.
///
/// SQLite would do it inside a COMMIT (`wal_autocheckpoint`), and one caller in a thousand would wait for it.
final class Checkpointer: Sendable {
    /// What the writer waits for readers when the log has to be emptied: less than a caller notices.
    private static let truncateLimit = Duration.milliseconds(250)

    private struct State {
        var schedule = CheckpointSchedule()
        var isRunning = false
    }

    private let database: DatabaseQueue
    private let path: String
    private let onLossOfDurability: @Sendable (SQLiteFailure) -> Void
    private let logger: Logger
    private let state = Mutex(State())

    /// Opens a connection of its own.
    init(path: String, logger: Logger, onLossOfDurability: @escaping @Sendable (SQLiteFailure) -> Void) throws {
        var configuration = Configuration()
        configuration.label = "checkpointer"
        // FULL makes a checkpoint flush the log before it is copied and the database before the log is used again.
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA synchronous = FULL") }
        database = try DatabaseQueue(path: path, configuration: configuration)
        self.path = path
        self.logger = logger
        self.onLossOfDurability = onLossOfDurability
    }

    /// Called by the writer between two groups, with the number of pages that the log holds.
    func committed(frames: Int, writer: SQLiteConnection) {
        let step = state.withLock { state -> CheckpointSchedule.Step? in
            guard !state.isRunning else { return nil }
            let step = state.schedule.next(frames: frames, at: .now)
            state.isRunning = step == .passive
            return step
        }
        switch step {
        case nil: break
        case .passive: startPassive()
        case .truncate: truncate(writer)
        }
    }

    func close() throws {
        try database.close()
    }

    private func startPassive() {
        database.asyncWriteWithoutTransaction { database in
            defer { self.state.withLock { $0.isRunning = false } }
            do {
                _ = try database.checkpoint(.passive)
            } catch {
                self.report(error)
            }
        }
    }

    private func truncate(_ writer: SQLiteConnection) {
        do {
            try writer.truncateLog(waiting: Self.truncateLimit, thenBusyLimit: SQLiteStore.busyLimit)
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
        // A reader or the other kind of checkpoint is in the way; the next commit brings the next try.
        if let failure, failure.code & 0xff == SQLITE_BUSY || failure.code & 0xff == SQLITE_LOCKED { return }
        logger.warning("checkpoint failed", metadata: ["reason": "\(failure?.message ?? "\(error)")"])
    }
}

/// What to do about the log after a commit.
struct CheckpointSchedule {
    enum Step: Equatable {
        /// Copy what no reader needs, beside the writer.
        case passive
        /// Stop the writer, copy everything and empty the log.
        case truncate
    }

    /// 4 MiB of pages of 4 KiB, the size at which SQLite does it by itself.
    static let passiveFrames = 1_024
    /// 64 MiB: a writer that never pauses keeps the log from starting afresh, and readers slow down with its length.
    static let truncateFrames = 16_384
    /// Between two tries to empty the log: readers may be in the way for seconds.
    static let truncateInterval = Duration.seconds(1)

    private var framesAtLastPassive = 0
    private var lastTruncate: ContinuousClock.Instant?

    /// Decides after a commit that left `frames` pages in the log.
    mutating func next(frames: Int, at now: ContinuousClock.Instant) -> Step? {
        if frames >= Self.truncateFrames, lastTruncate.map({ now - $0 >= Self.truncateInterval }) ?? true {
            lastTruncate = now
            framesAtLastPassive = 0
            return .truncate
        }
        // The log started afresh.
        if frames < framesAtLastPassive { framesAtLastPassive = 0 }
        guard frames - framesAtLastPassive >= Self.passiveFrames else { return nil }
        framesAtLastPassive = frames
        return .passive
    }
}
