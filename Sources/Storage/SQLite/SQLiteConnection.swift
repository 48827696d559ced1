import GRDB
import GRDBSQLite
import Timestamps

/// One connection with its prepared statements.
///
/// Binds and reads cells itself: GRDB cuts texts at a NUL byte, and copies each value once more.
///
/// `@unchecked Sendable` because GRDB runs everything that touches a connection on that connection's serial queue; only
/// that queue uses this object, but the registry that finds it again is shared.
final class SQLiteConnection: @unchecked Sendable {
    /// More distinct texts than the program has, lists of different lengths included; then the cache starts afresh.
    private static let statementLimit = 512
    /// SQLite looks at the deadline after so many steps of its virtual machine: well below a millisecond.
    private static let stepsBetweenDeadlineChecks: Int32 = 4_096

    /// The database file.
    let path: String
    /// What transactions on this connection may signal.
    let wakeups: Wakeups
    let unreadable: UnreadableRows
    /// The last failure since ``forgetFailure()``, also when the body that met it swallowed it.
    private(set) var lastFailure: SQLiteFailure?
    /// How many pages the log holds, as of the last commit that wrote; nil when none has since ``takeWrittenFrames()``.
    private var writtenFrames: Int?

    private let database: Database
    private let handle: OpaquePointer
    private let onTrouble: @Sendable (SQLiteFailure) -> Void
    private var statements: [SQLShape: PreparedStatement] = [:]
    private var deadline = ContinuousClock.now

    /// Wraps an open connection.
    ///
    /// `onTrouble` is called at once when an fsync failed, after which it is not meant to return, and when the file is damaged.
    init(
        _ database: Database, path: String, wakeups: Wakeups, unreadable: UnreadableRows = UnreadableRows(),
        onTrouble: @escaping @Sendable (SQLiteFailure) -> Void
    ) throws {
        guard let handle = database.sqliteConnection else { throw StorageError.unavailable("\(path) is closed.") }
        self.database = database
        self.handle = handle
        self.path = path
        self.wakeups = wakeups
        self.unreadable = unreadable
        self.onTrouble = onTrouble
    }

    /// Whether a transaction is open: some failures end it without being asked to.
    var isInsideTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

    /// Forgets the last failure, before a body that is to be judged by its own.
    func forgetFailure() {
        lastFailure = nil
    }

    /// Prepares and runs a statement that has no values; its rows are dropped.
    func execute(_ sql: SQL) throws(SQLiteFailure) {
        let statement = try prepared(sql)
        defer { sqlite3_reset(statement.pointer) }
        while try step(statement) {}
    }

    /// Runs a statement and gives the number of rows it changed, without those that triggers and cascades changed.
    func run(_ sql: SQL, mayWrite: Bool) throws -> Int {
        let before = sqlite3_total_changes(handle)
        try stepping(sql, mayWrite: mayWrite) { _ in }
        // Statements that change no rows leave the number of the last one that did.
        return sqlite3_total_changes(handle) == before ? 0 : Int(sqlite3_changes(handle))
    }

    /// Runs a statement and gives its rows.
    func rows(_ sql: SQL, mayWrite: Bool) throws -> [Row] {
        var rows: [Row] = []
        try stepping(sql, mayWrite: mayWrite) { rows.append($0.row()) }
        return rows
    }

    /// Runs `body` with every statement in it ended at `limit` from now, by SQLITE_INTERRUPT.
    func withDeadline<T>(_ limit: Duration, _ body: () throws -> T) rethrows -> T {
        deadline = .now + limit
        sqlite3_progress_handler(
            handle, Self.stepsBetweenDeadlineChecks,
            { context in
                guard let context else { return 0 }
                let connection = Unmanaged<SQLiteConnection>.fromOpaque(context).takeUnretainedValue()
                return connection.isPastDeadline ? 1 : 0
            }, Unmanaged.passUnretained(self).toOpaque())
        defer { sqlite3_progress_handler(handle, 0, nil, nil) }
        return try body()
    }

    /// Whether the limit of ``withDeadline(_:_:)`` has passed.
    var isPastDeadline: Bool { ContinuousClock.now >= deadline }

    /// Ends every prepared statement, without which the connection cannot be closed.
    func finish() {
        sqlite3_wal_hook(handle, nil, nil)
        statements = [:]
    }

    /// Starts to note the length of the log at each commit, for ``takeWrittenFrames()``.
    func observeLog() {
        let context = Unmanaged.passUnretained(self).toOpaque()
        sqlite3_wal_hook(
            handle,
            { context, _, _, frames in
                guard let context else { return SQLITE_OK }
                Unmanaged<SQLiteConnection>.fromOpaque(context).takeUnretainedValue().writtenFrames = Int(frames)
                return SQLITE_OK
            }, context)
    }

    /// The pages in the log after the last commit; nil when nothing was written since the last call.
    func takeWrittenFrames() -> Int? {
        defer { writtenFrames = nil }
        return writtenFrames
    }

    private func stepping(_ sql: SQL, mayWrite: Bool, _ body: (PreparedStatement) throws -> Void) throws {
        do {
            let statement = try prepared(sql)
            guard mayWrite || statement.isReadOnly else {
                throw StorageError.statement("a read must not write: \(statement.sql)")
            }
            defer { statement.reset() }
            try statement.bind(sql)
            while try step(statement) { try body(statement) }
        } catch let failure as SQLiteFailure {
            throw failure.storageError
        }
    }

    private func step(_ statement: PreparedStatement) throws(SQLiteFailure) -> Bool {
        switch sqlite3_step(statement.pointer) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code: throw failure(code, statement.sql)
        }
    }

    private func prepared(_ sql: SQL) throws(SQLiteFailure) -> PreparedStatement {
        let shape = SQLShape(sql)
        if let statement = statements[shape] { return statement }
        let text = sql.text(for: .sqlite)
        do {
            let statement = PreparedStatement(try database.makeStatement(sql: text), sql: text)
            if statements.count >= Self.statementLimit { statements = [:] }
            statements[shape.withoutValues] = statement
            return statement
        } catch let error as DatabaseError {
            throw noted(SQLiteFailure(error, path: path))
        } catch {
            throw noted(SQLiteFailure(code: SQLITE_ERROR, message: "\(error)", sql: text, path: path))
        }
    }

    private func failure(_ code: Int32, _ sql: String) -> SQLiteFailure {
        noted(SQLiteFailure(code: code, message: String(cString: sqlite3_errmsg(handle)), sql: sql, path: path))
    }

    private func noted(_ failure: SQLiteFailure) -> SQLiteFailure {
        lastFailure = failure
        if failure.isLossOfDurability || failure.isDamage { onTrouble(failure) }
        return failure
    }
}
