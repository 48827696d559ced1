import Timestamps

/// A transaction on a connection of PostgreSQL, for the time of one body.
final class PostgresTransaction: Transaction {
    let now: Timestamp
    let wakeups: Wakeups
    let unreadable: UnreadableRows

    private let connection: PostgresConnection
    private let mayWrite: Bool
    private var isOver = false
    /// What ended the transaction on the server, whatever the body made of it: nothing but a rollback is possible then.
    private(set) var failure: PostgresFailure?
    /// What to run once the transaction is durable, in the order in which it was asked for.
    private(set) var actionsAfterCommit: [@Sendable () -> Void] = []

    init(
        _ connection: PostgresConnection, now: Timestamp, wakeups: Wakeups, unreadable: UnreadableRows, mayWrite: Bool
    ) {
        self.connection = connection
        self.now = now
        self.wakeups = wakeups
        self.unreadable = unreadable
        self.mayWrite = mayWrite
    }

    func rows(_ statement: SQL) throws -> [Row] {
        try execute(statement).rows()
    }

    func run(_ statement: SQL) throws -> Int {
        try execute(statement).changedRows
    }

    func runBatch(_ statements: [SQL]) throws -> [Int] {
        precondition(!isOver, "a transaction was used after its body ended")
        do throws(PostgresFailure) {
            return try connection.runBatch(statements)
        } catch {
            if failure == nil { failure = error }
            throw error.storageError
        }
    }

    /// Builds on another connection, while this transaction keeps the lock of migrations and nothing that a build waits for.
    func build(_ index: TableIndex) throws {
        precondition(!isOver, "a transaction was used after its body ended")
        do {
            try connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            try PostgresIndexBuild.run(index, on: secondConnection())
        } catch let error as PostgresFailure {
            if failure == nil { failure = error }
            throw error.storageError
        }
    }

    /// One more connection, on which an answer may take hours once it has answered at all.
    private func secondConnection() throws -> PostgresConnection {
        let second = try PostgresConnection(to: connection.servers)
        do { try second.execute("SELECT 1") } catch {
            guard second.isGivenUp, connection.servers.pooler == .transaction else { throw error }
            throw StorageError.statement(
                "indexes are built on a second connection, and the pooler gives none: let its pool have two at least "
                    + "(default_pool_size of pgbouncer)")
        }
        second.patience = .init(answer: nil)
        return second
    }

    var isSerial: Bool { false }

    func afterCommit(_ action: @escaping @Sendable () -> Void) {
        precondition(!isOver, "a transaction was used after its body ended")
        actionsAfterCommit.append(action)
    }

    /// Marks the end of the body.
    func end() {
        isOver = true
    }

    private func execute(_ statement: SQL) throws -> PostgresResult {
        precondition(!isOver, "a transaction was used after its body ended")
        do throws(PostgresFailure) {
            return try connection.run(statement, dialect: mayWrite ? .postgresql : .postgresqlReadOnly)
        } catch {
            if failure == nil { failure = error }
            throw error.storageError
        }
    }
}
