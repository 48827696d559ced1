import CSQLiteSettings
import GRDB
import GRDBSQLite

/// How connections to the database are set up.
enum SQLiteSettings {
    /// What holds for the process, before its first connection: whatever uses SQLite before us keeps its own.
    static let process: Void = {
        // Each allocation would take a lock to be counted, and nobody asks for the sum.
        _ = httpsms_forget_memory_statistics()
    }()

    /// Of the writer and the readers.
    static func configuration(_ wait: BusyWait) -> Configuration {
        var configuration = Configuration()
        configuration.label = "store"
        // The `TurnGate` lets no more run, so nobody waits inside GRDB.
        configuration.maximumReaderCount = TurnGate.Limits.sqliteReaders
        configuration.busyMode = .callback { wait.step($0) }
        configuration.foreignKeysEnabled = true
        configuration.prepareDatabase { database in
            try forbidCheckpoints(database)
            guard !database.configuration.readonly else { return }
            // Only heard before the first table is made. Lets clean-up hand pages back a few at a time.
            try database.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL")
        }
        return configuration
    }

    /// Sees to it that SQLite never copies the log by itself, at a commit nor when the last connection closes: the
    /// `Checkpointer` does it.
    ///
    /// - Throws: `StorageError.unavailable`, as on a connection that is not open.
    static func forbidCheckpoints(_ database: Database) throws {
        try setCheckpointOnClose(database, false)
        try database.execute(sql: "PRAGMA wal_autocheckpoint = 0")
    }

    /// Lets the last connection copy the log when it closes and delete it, or forbids it.
    ///
    /// SQLite does it under a lock that it gets only when no other connection is open in any process.
    static func setCheckpointOnClose(_ database: Database, _ isOn: Bool) throws {
        guard let handle = database.sqliteConnection,
            httpsms_set_checkpoint_on_close(handle, isOn ? 1 : 0) == SQLITE_OK
        else {
            throw StorageError.unavailable("The database could not be told when to copy its log.")
        }
    }

    /// Sets what GRDB sets otherwise while it opens, or leaves alone, and checks that it holds.
    ///
    /// - Throws: `StorageError.unavailable` when commits would not be flushed.
    static func prepareWriter(_ database: Database) throws {
        // GRDB chooses NORMAL in WAL mode, which flushes at checkpoints only: a power cut would take back commits.
        try database.execute(sql: "PRAGMA synchronous = FULL")
        // Where fsync does not reach the platter (macOS); means nothing elsewhere.
        try database.execute(sql: "PRAGMA fullfsync = ON")
        // The journals of savepoints would be files otherwise: 26 microseconds a body instead of 7.
        try database.execute(sql: "PRAGMA temp_store = MEMORY")
        // A log that was once large is cut to 64 MiB when it starts afresh.
        try database.execute(sql: "PRAGMA journal_size_limit = 67108864")
        let synchronous = try Int.fetchOne(database, sql: "PRAGMA synchronous")
        let journal = try String.fetchOne(database, sql: "PRAGMA journal_mode")
        guard synchronous == 2, journal == "wal" else {
            throw StorageError.unavailable(
                """
                The database does not flush its commits (synchronous \(synchronous ?? -1), journal \
                \(journal ?? "unknown")). Put it on a local disk whose file system supports shared memory.
                """)
        }
    }
}
