import Timestamps

/// A transaction on a connection of SQLite, for the time of one body.
final class SQLiteTransaction: Transaction {
    let now: Timestamp

    var wakeups: Wakeups { connection.wakeups }
    var unreadable: UnreadableRows { connection.unreadable }

    private let connection: SQLiteConnection
    private let mayWrite: Bool
    private var isOver = false
    /// What to run once the transaction is durable, in the order in which it was asked for.
    private(set) var actionsAfterCommit: [@Sendable () -> Void] = []

    init(_ connection: SQLiteConnection, now: Timestamp, mayWrite: Bool) {
        self.connection = connection
        self.now = now
        self.mayWrite = mayWrite
    }

    func rows(_ statement: SQL) throws -> [Row] {
        try checkUse()
        return try connection.rows(statement, mayWrite: mayWrite)
    }

    func run(_ statement: SQL) throws -> Int {
        try checkUse()
        return try connection.run(statement, mayWrite: mayWrite)
    }

    func runBatch(_ statements: [SQL]) throws -> [Int] {
        try statements.map(run)
    }

    /// One writer runs all writes.
    var isSerial: Bool { true }

    func build(_ index: TableIndex) throws {
        _ = try run(index.creation("IF NOT EXISTS"))
    }

    func afterCommit(_ action: @escaping @Sendable () -> Void) {
        precondition(!isOver, "a transaction was used after its body ended")
        actionsAfterCommit.append(action)
    }

    /// Marks the end of the body.
    func end() {
        isOver = true
    }

    private func checkUse() throws {
        precondition(!isOver, "a transaction was used after its body ended")
        // Work between the statements counts too, which SQLite does not see.
        if !mayWrite, connection.isPastDeadline { throw SQLiteRead.tooLong }
    }
}
