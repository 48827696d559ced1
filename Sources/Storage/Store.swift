import Timestamps

/// A database: where everything that is accepted lives before anybody is told that it was.
///
/// Bodies are synchronous, so that nothing waits for a network inside a transaction, and may run more than once:
/// they have no effect but through their `Transaction`, and draw ids before the body and capture them.
package protocol Store: Sendable {
    /// Runs `body` against one snapshot, at most 5 seconds long. Writing in it is an error.
    ///
    /// Waits behind reads of its own lane only. A caller that is cancelled before its body starts gets
    /// `CancellationError`.
    ///
    /// - Throws: What `body` throws, or `StorageError`: `tooMany` when too many reads of its account wait,
    ///   `unavailable` when too many do, or it took too long.
    func read<T: Sendable>(
        _ lane: ReadLane, _ body: @escaping @Sendable (any Transaction) throws -> T
    ) async throws -> T

    /// Runs `body` as one transaction and answers once it is durable.
    ///
    /// When `body` throws, nothing of it is kept and its error is passed on, after the commit of what it may have read.
    /// A cancelled caller's body runs whole or is skipped before it starts. Accounts take turns: one with a thousand writes
    /// waiting delays another's first by one.
    ///
    /// - Throws: What `body` throws, or `StorageError`: `tooMany` when too many writes of its account wait, `unavailable`
    ///   when too many do, or nothing can be written now.
    func write<T: Sendable>(
        _ lane: WriteLane, _ body: @escaping @Sendable (any Transaction) throws -> T
    ) async throws -> T

    /// Says whether clients' writes can be stored: nil when they can, else the reason and what to fix.
    func readiness() async -> String?

    /// How many writes wait in lanes of a kind, for metrics.
    func waitingWrites(_ kind: WriteLane.Kind) -> Int

    /// Bytes of the log beside the database file; nil where the database keeps its own, or it is not there.
    var logSize: Int? { get }

    /// Says who waits for what a commit makes due.
    var wakeups: Wakeups { get }

    /// Told of rows that lists leave out.
    var unreadable: UnreadableRows { get }

    /// Has every call that is under way, or comes, answer within `duration`, for a process that must end by then: what the
    /// database does not answer until then throws `StorageError.unavailable`.
    func end(within duration: Duration)

    /// Ends every connection; later calls throw `StorageError.unavailable`.
    func close() async throws
}

extension Store {
    /// Nothing, where nobody else has the database.
    package func end(within duration: Duration) {}

    /// The database keeps its own log.
    package var logSize: Int? { nil }
}

/// One transaction, valid inside the body it is handed to.
package protocol Transaction: AnyObject {
    /// The time of this transaction: later than that of every write committed before it by this process.
    var now: Timestamp { get }

    /// The store's hints, for use in ``afterCommit(_:)``.
    var wakeups: Wakeups { get }

    /// Told of rows that lists leave out.
    var unreadable: UnreadableRows { get }

    /// Runs a query or a statement with `RETURNING` and gives its rows; their order is what `ORDER BY` says, else none.
    ///
    /// - Throws: `StorageError`.
    func rows(_ statement: SQL) throws -> [Row]

    /// Runs a statement and gives the number of rows it changed.
    ///
    /// - Throws: `StorageError`, among them `uniqueViolation`.
    @discardableResult
    func run(_ statement: SQL) throws -> Int

    /// Runs statements in order and gives the number of rows that each changed: one round trip where the database is
    /// another process, whatever their number.
    ///
    /// - Throws: `StorageError` of the first that fails; nothing after it is run.
    @discardableResult
    func runBatch(_ statements: [SQL]) throws -> [Int]

    /// Whether writes are one at a time, so that all may draw numbers from one row. Where they are not, that row would
    /// make them wait for each other's commits.
    var isSerial: Bool { get }

    /// Makes `index` unless it is there, without stopping others' writes; for the migrator, and perhaps minutes long.
    ///
    /// - Throws: `StorageError`.
    func build(_ index: TableIndex) throws

    /// Runs `action` once this transaction is durable, on no particular thread; never when it is rolled back.
    ///
    /// For hints and caches only: the process may end between the commit and the action.
    func afterCommit(_ action: @escaping @Sendable () -> Void)
}

extension Transaction {
    /// Signals `topic` once this transaction is durable, with `key` for whom it is about; nil for anybody.
    package func wake(_ topic: Wakeups.Topic, key: String? = nil) {
        let wakeups = wakeups
        afterCommit {
            if let key { wakeups.signal(topic, key: key) } else { wakeups.signal(topic) }
        }
    }

    /// The rows of `statement`, decoded; those that cannot be read are left out, see ``all(_:_:)``.
    package func all<Value: RowDecodable>(_ type: Value.Type = Value.self, _ statement: SQL) throws -> [Value] {
        try all(statement, Value.init(row:))
    }

    /// What `read` makes of the rows of `statement`. A row that holds what no version wrote is left out, told of once and
    /// counted: its neighbours are shown and used as ever.
    ///
    /// - Throws: `StorageError` of the statement, and what `read` throws that is about the database and not about the row.
    package func all<Value>(_ statement: SQL, _ read: (Row) throws -> Value) throws -> [Value] {
        try rows(statement).compactMap { row in
            do {
                return try read(row)
            } catch let error as StorageError where !error.isAboutRow {
                throw error
            } catch {
                unreadable.note(row, as: Value.self, error)
                return nil
            }
        }
    }

    /// The first row of `statement`, decoded; nil when there is none.
    package func first<Value: RowDecodable>(_ type: Value.Type = Value.self, _ statement: SQL) throws -> Value? {
        try rows(statement).first.map(Value.init(row:))
    }

    /// The only cell of the only row, named `value`; nil when there is no row or it is NULL.
    package func value<Value: SQLConvertible>(_ statement: SQL, as type: Value.Type = Value.self) throws -> Value? {
        try rows(statement).first?.find("value")
    }
}
