import GRDB
import GRDBSQLite

/// What SQLite reported, before it is told in the words of `StorageError`.
struct SQLiteFailure: Error, Equatable {
    /// The extended result code (https://www.sqlite.org/rescode.html).
    let code: Int32
    /// SQLite's own words.
    let message: String
    /// The statement, without the values bound to it: those may be message texts.
    let sql: String
    /// The database file.
    let path: String

    init(code: Int32, message: String, sql: String, path: String) {
        self.code = code
        self.message = message
        self.sql = sql
        self.path = path
    }

    init(_ error: DatabaseError, path: String) {
        self.init(
            code: error.extendedResultCode.rawValue, message: error.message ?? "\(error.resultCode)",
            sql: error.sql ?? "", path: path)
    }

    private var primaryCode: Int32 { code & 0xff }

    /// There was no room for what was written.
    var isFull: Bool { primaryCode == SQLITE_FULL }

    /// The statement was ended from outside, by the deadline of a read.
    var isInterrupt: Bool { primaryCode == SQLITE_INTERRUPT }

    /// Flushing failed, so what earlier commits wrote may be lost although they were confirmed: the kernel may drop
    /// the pages it could not write, and a second fsync then succeeds (https://lwn.net/Articles/752063/).
    var isLossOfDurability: Bool {
        code == SQLITE_IOERR | 4 << 8 /* SQLITE_IOERR_FSYNC */ || code == SQLITE_IOERR | 5 << 8 /* ..._DIR_FSYNC */
    }

    /// What is in the file cannot be what was written.
    var isDamage: Bool { primaryCode == SQLITE_CORRUPT || primaryCode == SQLITE_NOTADB }

    /// The failure as callers of the store see it.
    var storageError: StorageError {
        switch primaryCode {
        case SQLITE_CONSTRAINT where Self.uniqueCodes.contains(code):
            .uniqueViolation(message)
        case SQLITE_FULL:
            .unavailable("\(path) cannot grow: its disk, a quota or a size limit is full. Free space there.")
        case SQLITE_IOERR:
            .unavailable("Reading or writing \(path) failed (\(message), code \(code)). Check the disk it is on.")
        case SQLITE_BUSY, SQLITE_LOCKED:
            .unavailable(
                """
                \(path) is locked. Find the other program that uses it, and end it or wait for it; an httpsms that was stopped, \
                as with Ctrl-Z, holds it until `kill -CONT`: ps shows it with the state T.
                """)
        case SQLITE_NOMEM:
            .unavailable("There is not enough memory to work on \(path). Give the server more.")
        case SQLITE_READONLY:
            .unavailable("\(path) cannot be written. Check the owner and the mode of the file and its directory.")
        case SQLITE_CANTOPEN:
            .unavailable("\(path) cannot be opened. Check that its directory exists and belongs to the server's user.")
        case SQLITE_INTERRUPT:
            .unavailable("A statement on \(path) was ended before it was done.")
        case SQLITE_CORRUPT, SQLITE_NOTADB:
            .corrupt("\(path) is damaged (\(message)). Restore it from a backup.")
        default:
            .statement("\(message) (code \(code)) in: \(sql)")
        }
    }

    /// Whether trying again later may help, which is what ``StorageError/unavailable(_:)`` stands for.
    var isOutage: Bool {
        if case .unavailable = storageError { return true }
        return false
    }

    /// SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE and SQLITE_CONSTRAINT_ROWID, which C spells as macros
    /// that Swift does not see.
    private static let uniqueCodes: Set<Int32> = [
        SQLITE_CONSTRAINT | 6 << 8, SQLITE_CONSTRAINT | 8 << 8, SQLITE_CONSTRAINT | 10 << 8,
    ]
}
