import class GRDB.DatabaseQueue
import Timestamps

@testable import Storage

/// The real SQLite in memory, with the real migrations, whose bodies run on the caller's thread, one atomic step each.
final class SimulatedStore {
    /// Changes the statements of a twin; the engine's own pass as they are.
    typealias Rewrite = ([SQL.Part]) -> [SQL.Part]

    private let queue: DatabaseQueue
    private let connection: SQLiteConnection
    private let tables: [String]

    init(_ migrations: [Migration]) throws {
        let queue = try DatabaseQueue()
        self.queue = queue
        let connection = try queue.writeWithoutTransaction { database in
            try SQLiteConnection(database, path: ":memory:", wakeups: Wakeups()) { _ in }
        }
        self.connection = connection
        tables = try queue.writeWithoutTransaction { _ in
            let tx = SQLiteTransaction(connection, now: Timestamp(seconds: 0), mayWrite: true)
            for migration in migrations {
                for statement in migration.statements { _ = try tx.run(statement) }
                for index in migration.indexes { try tx.build(index) }
            }
            return try tx.rows(
                "SELECT name AS value FROM sqlite_master WHERE type = 'table' AND name <> 'sqlite_sequence'"
            )
            .map { try $0.get("value") }
        }
    }

    /// Takes every row away, as a new database would be, but faster.
    func reset() throws {
        try queue.writeWithoutTransaction { _ in
            let tx = SQLiteTransaction(connection, now: Timestamp(seconds: 0), mayWrite: true)
            for table in tables { _ = try tx.run("DELETE FROM \(SQL(stringLiteral: table))") }
            _ = try tx.run("INSERT INTO log_head (id, position) VALUES (1, 0)")
        }
    }

    /// Runs `body` and commits it; gives its value and what it wants done after the commit. Nothing of it stays when it throws.
    /// `now` is the time of the transaction, `databaseTime` what the database takes for the time.
    func run<T>(
        at now: Timestamp, databaseTime: Timestamp, wakeups: Wakeups, rewrite: Rewrite? = nil,
        _ body: (any Transaction) throws -> T
    ) throws -> (T, [@Sendable () -> Void]) {
        try queue.writeWithoutTransaction { _ in
            try connection.execute("BEGIN IMMEDIATE")
            let tx = SimulatedTransaction(
                SQLiteTransaction(connection, now: now, mayWrite: true), databaseTime: databaseTime, wakeups: wakeups,
                rewrite: rewrite)
            do {
                let value = try body(tx)
                try connection.execute("COMMIT")
                return (value, tx.actions)
            } catch {
                try connection.execute("ROLLBACK")
                throw error
            }
        }
    }
}

/// A transaction whose statements may be changed on their way, and whose database has a clock of the simulation.
private final class SimulatedTransaction: Transaction {
    let wakeups: Wakeups
    private(set) var actions: [@Sendable () -> Void] = []
    private let base: SQLiteTransaction
    private let databaseTime: Timestamp
    private let rewrite: SimulatedStore.Rewrite?

    init(_ base: SQLiteTransaction, databaseTime: Timestamp, wakeups: Wakeups, rewrite: SimulatedStore.Rewrite?) {
        self.base = base
        self.databaseTime = databaseTime
        self.wakeups = wakeups
        self.rewrite = rewrite
    }

    var now: Timestamp { base.now }
    var unreadable: UnreadableRows { base.unreadable }
    var isSerial: Bool { true }

    func rows(_ statement: SQL) throws -> [Storage.Row] { try base.rows(changed(statement)) }

    func run(_ statement: SQL) throws -> Int { try base.run(changed(statement)) }

    func runBatch(_ statements: [SQL]) throws -> [Int] { try statements.map(run) }

    func build(_ index: TableIndex) throws { try base.build(index) }

    func afterCommit(_ action: @escaping @Sendable () -> Void) { actions.append(action) }

    private func changed(_ statement: SQL) -> SQL {
        let hasTime = statement.parts.contains { if case .fragment(.databaseTime) = $0 { true } else { false } }
        if rewrite == nil && !hasTime { return statement }
        var text = SQL.Interpolation(literalCapacity: 0, interpolationCount: 0)
        for part in rewrite?(statement.parts) ?? statement.parts {
            switch part {
            case .text(let run): text.appendLiteral(run)
            case .bind(let value): text.appendInterpolation(value)
            case .fragment(.databaseTime): text.appendInterpolation(databaseTime)
            case .fragment(let fragment): text.appendInterpolation(fragment)
            }
        }
        return SQL(stringInterpolation: text)
    }
}
