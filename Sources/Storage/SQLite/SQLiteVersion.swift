import GRDBSQLite

/// The version of SQLite that the program runs on, and what is known of it.
package struct SQLiteVersion: Sendable, Hashable, CustomStringConvertible {
    /// As `sqlite3_libversion_number` gives it: 3040001 is 3.40.1.
    package let number: Int

    /// A version by its number.
    package init(number: Int) {
        self.number = number
    }

    /// The version that is loaded.
    package static var loaded: SQLiteVersion { SQLiteVersion(number: Int(sqlite3_libversion_number())) }

    package var description: String { "\(number / 1_000_000).\(number / 1_000 % 1_000).\(number % 1_000)" }

    /// Whether a checkpoint beside another connection's commit may lose pages
    /// (https://www.sqlite.org/wal.html#walresetbug): from 3.7.0 to 3.51.2, without 3.44.6, 3.50.7 and what follows each.
    package var hasLogResetBug: Bool {
        switch number {
        case 3_044_006..<3_045_000, 3_050_007..<3_051_000: false
        default: (3_007_000..<3_051_003).contains(number)
        }
    }

    /// What an operator should know of it, in a sentence or two.
    package var advice: String {
        guard hasLogResetBug else { return "no fault is known that concerns this server" }
        return """
            has the fault in resetting its log that 3.51.3 fixes. This server is not affected, as nobody but itself copies \
            the log; let no other program write to the file while it runs
            """
    }
}
