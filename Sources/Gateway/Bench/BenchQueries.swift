import Storage

/// The statements of the benchmark itself.
enum BenchQueries {
    /// Makes an empty schema; `name` is drawn by us.
    static func createSchema(_ name: String, in tx: any Transaction) throws {
        try tx.run(SQL(stringLiteral: "CREATE SCHEMA \(name)"))
    }

    /// Deletes a schema with all it holds.
    static func dropSchema(_ name: String, in tx: any Transaction) throws {
        try tx.run(SQL(stringLiteral: "DROP SCHEMA \(name) CASCADE"))
    }
}
