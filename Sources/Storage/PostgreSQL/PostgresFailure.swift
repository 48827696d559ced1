/// What libpq reported.
struct PostgresFailure: Error {
    /// Five characters (appendix A of PostgreSQL's manual); empty when the server said nothing, as the connection broke.
    let sqlState: String
    let message: String
    /// The constraint that a row would have broken; nil when it was something else.
    let constraint: String?
    /// The statement; empty for a connection that could not be made.
    let sql: String
    /// Whether the connection is gone.
    let isLost: Bool

    /// Whether the same transaction may well succeed when it runs for another time after `runs`: it met another one, or a
    /// plan of before a change of the schema.
    func mayRunAgain(after runs: Int) -> Bool {
        guard runs < Self.mostRuns else { return false }
        return switch sqlState {
        // Somebody made the row between our look and our insert: a second look finds it. When it was there before, the
        // second run fails alike.
        case "23505": runs == 1
        case "40001", "40P01": true  // serialization_failure, deadlock_detected
        case "0A000": message.contains("cached plan")
        default: false
        }
    }

    /// Whether what was prepared on the connection is of no use any more.
    var isOfStatements: Bool { sqlState == "0A000" }

    /// Whether a statement that was prepared is not there, or one that was not is: this connection is not always the same.
    private var isOfPooler: Bool { sqlState == "26000" || sqlState == "42P05" }

    /// Whether a write met a server that only reads (read_only_sql_transaction): it was a primary once, or never.
    var isOfStandby: Bool { sqlState == "25006" }

    /// Whether it is for want of a lock, of room or of a file, which no client causes: insufficient_resources,
    /// object_not_in_prerequisite_state (lock_not_available), system_error.
    var isOfServer: Bool { ["53", "55", "58"].contains(String(sqlState.prefix(2))) }

    /// How often a transaction that met another one runs.
    private static let mostRuns = 5

    /// As the caller of the store sees it.
    var storageError: StorageError {
        if sqlState == "23505" { return .uniqueViolation(constraint ?? message) }
        if isOfPooler {
            return .statement(
                """
                PostgreSQL: \(message). A pooler in transaction mode seems to stand between: set \
                DATABASE_POOLER=transaction
                """)
        }
        // Connection exceptions, a lack of resources, an operator's intervention, and what took too long.
        let passing = ["08", "53", "55", "57", "58"]
        if isLost || sqlState.isEmpty || passing.contains(String(sqlState.prefix(2))) {
            return .unavailable("PostgreSQL: \(message)")
        }
        if sqlState.hasPrefix("XX") { return .corrupt("PostgreSQL: \(message)") }
        return .statement("\(message) (\(sqlState)) in: \(sql)")
    }
}
