import GRDB
import Timestamps

/// Runs one read on a reader's connection.
enum SQLiteRead {
    /// What a read that took too long throws.
    static let tooLong = StorageError.unavailable("A read took too long and was ended. Ask for less, or try again.")

    /// Runs `body` and ends it after `limit`.
    static func run<T>(
        on connection: SQLiteConnection, at now: Timestamp, atMost limit: Duration,
        _ body: (any Transaction) throws -> T
    ) throws -> T {
        let transaction = SQLiteTransaction(connection, now: now, mayWrite: false)
        defer { transaction.end() }
        connection.forgetFailure()
        do throws(SQLiteFailure) {
            try connection.execute("BEGIN")
        } catch {
            throw error.storageError
        }
        // Nothing was written, so it does not matter how the snapshot ends.
        defer { try? connection.execute("ROLLBACK") }
        return try connection.withDeadline(limit) {
            do {
                return try body(transaction)
            } catch  where connection.lastFailure?.isInterrupt == true {
                throw tooLong
            }
        }
    }
}

extension TurnGate.Limits {
    /// Each reader costs a thread and a page cache; the CPU is the limit, not the number of readers. An engine's or a
    /// request's look-up takes well below a millisecond, so few readers are enough for many.
    static let sqlite = TurnGate.Limits(
        engine: FairQueue.Limits(running: 1, runningPerKey: 1, waiting: 64, waitingPerKey: 64),
        maintenance: FairQueue.Limits(running: 1, runningPerKey: 1, waiting: 256, waitingPerKey: 256),
        request: FairQueue.Limits(running: 2, runningPerKey: 2, waiting: 1_024, waitingPerKey: 1_024),
        accounts: FairQueue.Limits(running: 3, runningPerKey: 2, waiting: 1_024, waitingPerKey: 64))

    /// How many run at a time, of all lanes.
    static let sqliteReaders = 7
}
