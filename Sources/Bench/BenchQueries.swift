import Storage
import Timestamps

/// The statements of the benchmark itself.
enum BenchQueries {
    /// The id of the process that serves the connection.
    static func backend(in tx: any Transaction) throws -> Int32? {
        try tx.value("SELECT pg_backend_pid() AS value", as: Int64.self).flatMap { Int32(exactly: $0) }
    }

    /// Has every phone been heard at `time` last.
    static func silencePhones(since time: Timestamp, in tx: any Transaction) throws {
        try tx.run("UPDATE device SET last_seen_at = \(time)")
        try tx.run("UPDATE presence SET last_heartbeat_at = \(time)")
    }

    /// Makes an empty schema; `name` is drawn by us.
    static func createSchema(_ name: String, in tx: any Transaction) throws {
        try tx.run(SQL(stringLiteral: "CREATE SCHEMA \(name)"))
    }

    /// Deletes a schema with all it holds.
    static func dropSchema(_ name: String, in tx: any Transaction) throws {
        try tx.run(SQL(stringLiteral: "DROP SCHEMA \(name) CASCADE"))
    }
}
