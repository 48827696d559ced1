import Dispatch
import GRDB
import Logging
import Synchronization
import Timestamps

/// The store in one SQLite file, for one server.
///
/// ```swift
/// let lock = try ServerLock(database: "/var/lib/httpsms/httpsms.db")
/// let store = try await SQLiteStore.open(path: "/var/lib/httpsms/httpsms.db", lock: lock)
/// try await store.migrate(migrations)
/// ```
///
/// A write is durable when it is answered: the log is flushed at every commit (`synchronous = FULL`), many writes to a
/// commit. Reads run beside the writer, so many at a time in each `ReadLane`.
package final class SQLiteStore: Store {
    package let wakeups: Wakeups
    package let unreadable: UnreadableRows
    /// The database file.
    package let path: String

    let writer: SQLiteWriter
    let freeSpace: FreeSpace
    let health: WriteHealth
    private let pool: DatabasePool
    private let checkpointer: Checkpointer?
    private let connections: ConnectionRegistry
    private let wait: BusyWait
    private let clock: MonotonicClock
    private let readLimit: Duration
    private let readGate: TurnGate
    private let closing = Mutex(false)

    /// Opens the database, and makes it and its directories when they are missing (mode 0600 and 0700).
    ///
    /// - Parameters:
    ///   - path: The database file; `-wal` and `-shm` files stand beside it.
    ///   - lock: The right to copy the log into the file, and to empty it; held until the store is closed. A store that
    ///     is opened without it leaves the log to the server, as commands do.
    ///   - clock: What `Transaction.now` is read from.
    ///   - logger: Hears of what nobody is waiting for, such as a failed checkpoint.
    ///   - freeSpaceFloorBytes: Below this, writes of clients are refused; 64 MiB record minutes of deliveries.
    ///   - readLimit: The longest a read may take.
    /// - Returns: The store, which has no tables of ours before `migrate`.
    /// - Throws: `StorageError`: `unavailable` when it cannot be opened, `corrupt` when it is not a database.
    package static func open(
        path: String, lock: ServerLock? = nil, clock: any WallClock = SystemClock(),
        logger: Logger = Logger(label: "httpsms.storage"),
        freeSpaceFloorBytes: Int64 = 64 * 1_048_576, readLimit: Duration = .seconds(5)
    ) async throws -> SQLiteStore {
        try await onThread {
            do {
                return try SQLiteStore(
                    path: path, lock: lock, clock: clock, logger: logger,
                    freeSpaceFloorBytes: freeSpaceFloorBytes, readLimit: readLimit)
            } catch let error as DatabaseError {
                throw SQLiteFailure(error, path: path).storageError
            }
        }
    }

    private init(
        path: String, lock: ServerLock?, clock: any WallClock, logger: Logger, freeSpaceFloorBytes: Int64,
        readLimit: Duration
    ) throws {
        SQLiteSettings.process
        let file = try DatabaseFile(path: path)
        let path = file.path
        let (wakeups, unreadable) = (Wakeups(), UnreadableRows())
        let health = WriteHealth()
        let connections = ConnectionRegistry(path: path, wakeups: wakeups, unreadable: unreadable) { failure in
            guard failure.isDamage else { DatabaseFile.endProcess(after: failure, logger: logger) }
            // What is taken into it now would be gone with it: whoever sends it keeps it until there is another.
            let words =
                "\(path) is damaged (\(failure.message)). Nothing more is stored in it: restore it from a backup."
            guard health.lost(because: words) else { return }
            logger.critical("the database is damaged", metadata: ["reason": "\(words)"])
        }
        let wait = BusyWait()
        let pool = try DatabasePool(path: path, configuration: SQLiteSettings.configuration(wait))
        let connection = try pool.writeWithoutTransaction { database in
            try SQLiteSettings.prepareWriter(database)
            let connection = try connections.connection(database)
            connection.observeLog()
            return connection
        }
        let readGate = TurnGate(path, .sqlite)
        let checkpointer = try lock.map { _ in
            try Checkpointer(
                path: path, gate: readGate, logger: logger, onLossOfDurability: connections.onTrouble)
        }
        let monotonicClock = MonotonicClock(clock)
        self.wakeups = wakeups
        self.unreadable = unreadable
        self.health = health
        writer = SQLiteWriter(
            pool: pool, connection: connection, clock: monotonicClock, health: health, checkpointer: checkpointer,
            logger: logger)
        freeSpace = FreeSpace(directory: file.directory, floorBytes: freeSpaceFloorBytes)
        self.path = path
        self.clock = monotonicClock
        self.readLimit = readLimit
        self.readGate = readGate
        self.pool = pool
        self.checkpointer = checkpointer
        self.connections = connections
        self.wait = wait
    }

    /// Runs `body` on a snapshot, at most ``open(path:clock:logger:freeSpaceFloorBytes:readLimit:)``'s limit long.
    ///
    /// A caller that is cancelled before it is sent to a reader gets `CancellationError`; after that nothing stops a
    /// read but its limit.
    package func read<T: Sendable>(
        _ lane: ReadLane, _ body: @escaping @Sendable (any Transaction) throws -> T
    ) async throws -> T {
        try await readGate.enter(lane)
        return try await withCheckedThrowingContinuation { continuation in
            // Not GRDB's async `read`: it interrupts the connection when the caller is cancelled. Unsafe, as the
            // snapshot has to be over before the gate hears that it is.
            pool.asyncUnsafeRead { opened in
                let result = Result { try self.run(body, on: opened) }
                self.readGate.leave(lane)
                continuation.resume(with: result)
            }
        }
    }

    package func write<T: Sendable>(
        _ lane: WriteLane, _ body: @escaping @Sendable (any Transaction) throws -> T
    ) async throws -> T {
        if let loss = health.loss { throw StorageError.unavailable(loss) }
        if lane.kind == .request, let shortage = freeSpace.shortage() { throw StorageError.unavailable(shortage) }
        return try await writer.perform(lane, body)
    }

    /// How many writes wait in lanes of a kind, for metrics.
    package func waitingWrites(_ kind: WriteLane.Kind) -> Int { writer.waitingCount(kind) }

    /// Refuses all writes from now on, as the files are lost, and copies what the log holds into the database file.
    func abandon(because reason: String) async {
        health.lost(because: reason)
        await withCheckedContinuation { continuation in
            pool.asyncWriteWithoutTransaction { database in
                if let connection = try? self.connections.connection(database) { self.checkpointer?.copy(connection) }
                continuation.resume()
            }
        }
    }

    package func end(within duration: Duration) { wait.end(within: duration) }

    package var logSize: Int? { DatabaseFile.size(of: path + "-wal") }

    package func close() async throws {
        let isFirst = closing.withLock { closing in
            defer { closing = true }
            return !closing
        }
        guard isFirst else { return }
        readGate.close()
        writer.close()
        await withCheckedContinuation { continuation in
            // Runs behind the writes that wait and the reads that run, and no read starts before it is over.
            pool.asyncBarrierWriteWithoutTransaction { opened in
                if let checkpointer = self.checkpointer, case .success(let database) = opened {
                    // The file alone is then all there is, unless another process has it open.
                    try? database.execute(sql: "PRAGMA busy_timeout = 0")
                    if let connection = try? self.connections.connection(database) { checkpointer.copy(connection) }
                    try? SQLiteSettings.setCheckpointOnClose(database, true)
                }
                self.connections.finish()
                continuation.resume()
            }
        }
        try await Self.onThread { [checkpointer, pool, path] in
            do {
                try checkpointer?.close()
                // The last connection to close is the one that may delete the log: the writer's.
                pool.invalidateReadOnlyConnections()
                try pool.close()
            } catch let error as DatabaseError {
                throw SQLiteFailure(error, path: path).storageError
            }
        }
    }

    /// Whether ``close()`` was called.
    var isClosed: Bool { closing.withLock { $0 } }

    var closedError: StorageError { .unavailable("\(path) is closed.") }

    private func run<T>(
        _ body: (any Transaction) throws -> T, on opened: Result<Database, any Error>
    ) throws -> T {
        guard !isClosed else { throw closedError }
        do {
            let connection = try connections.connection(try opened.get())
            return try SQLiteRead.run(on: connection, at: clock.now(), atMost: readLimit, body)
        } catch let error as DatabaseError {
            throw SQLiteFailure(error, path: path).storageError
        }
    }

    /// Runs blocking work beside the tasks' own threads.
    private static func onThread<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(with: Result { try work() }) }
        }
    }
}
