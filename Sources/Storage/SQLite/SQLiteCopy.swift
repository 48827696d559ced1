import Foundation
import GRDB
import GRDBSQLite

/// Copies of a SQLite database that a server may be using meanwhile, as one moment shows it.
package enum SQLiteCopy {
    /// Pages between two reports: 16 MiB of 4 KiB each.
    private static let step: Int32 = 4_096

    /// Copies the database.
    ///
    /// What the server commits meanwhile is not in the copy, and stays in the log until the copy is done. The log is
    /// neither copied into the database nor emptied.
    ///
    /// - Parameters:
    ///   - path: Of the database.
    ///   - target: Of the copy, where nothing is yet. Only its user may read it.
    ///   - progress: Told how many pages are copied, and of how many.
    /// - Throws: `StorageError`.
    package static func copy(from path: String, to target: String, progress: (_ pages: Int, _ total: Int) -> Void)
        throws
    {
        guard FileManager.default.fileExists(atPath: path) else {
            throw StorageError.unavailable("There is no database \(path).")
        }
        // SQLite gives a new file the mode that the umask leaves.
        if let code = DurableFile.create(target, holding: UnsafeRawBufferPointer(start: nil, count: 0)) {
            throw StorageError.unavailable("\(target) cannot be written: \(DurableFile.words(code)).")
        }
        var configuration = Configuration()
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { try SQLiteSettings.forbidCheckpoints($0) }
        do {
            let source = try DatabaseQueue(path: path, configuration: configuration)
            let copy = try DatabaseQueue(path: target)
            try source.read { source in
                // The snapshot begins with the first look: without it each step would have one of its own.
                _ = try Int.fetchOne(source, sql: "SELECT COUNT(*) FROM sqlite_master")
                try copy.writeWithoutTransaction { try pages(from: source, to: $0, progress) }
            }
            try copy.close()
        } catch let error as DatabaseError {
            throw StorageError.unavailable("\(path) cannot be copied to \(target): \(error.message ?? "\(error)").")
        }
    }

    private static func pages(from source: Database, to copy: Database, _ progress: (Int, Int) -> Void) throws {
        guard let backup = sqlite3_backup_init(copy.sqliteConnection, "main", source.sqliteConnection, "main") else {
            throw DatabaseError(resultCode: copy.lastErrorCode, message: copy.lastErrorMessage)
        }
        var code = SQLITE_OK
        while code == SQLITE_OK {
            code = sqlite3_backup_step(backup, step)
            let total = Int(sqlite3_backup_pagecount(backup))
            progress(total - Int(sqlite3_backup_remaining(backup)), total)
        }
        let end = sqlite3_backup_finish(backup)
        guard code == SQLITE_DONE, end == SQLITE_OK else {
            throw DatabaseError(resultCode: ResultCode(rawValue: code == SQLITE_DONE ? end : code))
        }
    }

    /// Reads every page and index of a database that nobody uses.
    ///
    /// - Throws: `StorageError.corrupt` with what SQLite found.
    package static func check(_ path: String) throws {
        do {
            let database = try DatabaseQueue(path: path)
            let found = try database.read { try String.fetchAll($0, sql: "PRAGMA integrity_check(5)") }
            try database.close()
            guard found == ["ok"] else { throw StorageError.corrupt("\(path): \(found.joined(separator: "; "))") }
        } catch let error as DatabaseError {
            throw StorageError.corrupt("\(path): \(error.message ?? "\(error)")")
        }
    }
}
