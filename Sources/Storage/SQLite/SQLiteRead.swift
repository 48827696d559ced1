import GRDB
import Synchronization
import Timestamps

/// Runs one read on a reader's connection.
enum SQLiteRead {
    /// How many reads may wait for one of the readers.
    static let waitingLimit = 1_024

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
        return try connection.withDeadline(limit) {
            do {
                return try body(transaction)
            } catch  where connection.lastFailure?.isInterrupt == true {
                throw tooLong
            }
        }
    }
}

/// Counts who waits for a reader, so that a flood of reads is refused instead of kept.
final class ReadGate: Sendable {
    private let waiting = Mutex(0)

    /// Lets one more wait; false when too many do.
    func enter() -> Bool {
        waiting.withLock { waiting in
            guard waiting < SQLiteRead.waitingLimit else { return false }
            waiting += 1
            return true
        }
    }

    func leave() {
        waiting.withLock { $0 -= 1 }
    }
}
