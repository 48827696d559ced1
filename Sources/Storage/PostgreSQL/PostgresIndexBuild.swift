/// Makes an index while others write: `CREATE INDEX CONCURRENTLY`, on a connection of its own and outside of transactions.
enum PostgresIndexBuild {
    /// Makes `index` unless it is there; one that a crash left unfinished is dropped and made again.
    ///
    /// It takes as long as it takes: at least until the transactions that are open now have ended. On an empty table it is
    /// made at once, so that a new store waits for nobody.
    ///
    /// - Throws: `PostgresFailure`, after which there may be an unfinished index.
    static func run(_ index: TableIndex, on connection: PostgresConnection) throws {
        // It waits only for what writers do not conflict with, so nobody queues behind it. A setting of the session would
        // reach other clients of a pooler.
        if connection.servers.pooler == .none {
            try connection.execute("SET statement_timeout = 0; SET lock_timeout = 0")
        }
        switch try isFinished(index, on: connection) {
        case true?: return
        case false?: try connection.execute("DROP INDEX CONCURRENTLY \(index.name)")
        case nil: break
        }
        let table = SQL(stringLiteral: index.table)
        let isEmpty = try connection.run("SELECT 1 FROM \(table) LIMIT 1", dialect: .postgresql).rows().isEmpty
        let creation = index.creation(isEmpty ? "" : "CONCURRENTLY").text(for: .postgresql)
        try connection.execute(isEmpty ? "BEGIN; SET LOCAL lock_timeout = '500ms'; \(creation); COMMIT" : creation)
    }

    /// nil when there is none.
    private static func isFinished(_ index: TableIndex, on connection: PostgresConnection) throws -> Bool? {
        let found = try connection.run(
            """
            SELECT pg_index.indisvalid AS value
            FROM pg_index
            JOIN pg_class ON pg_class.oid = pg_index.indexrelid
            JOIN pg_namespace ON pg_namespace.oid = pg_class.relnamespace
            WHERE pg_class.relname = \(index.name) AND pg_namespace.nspname = current_schema()
            """, dialect: .postgresql)
        return try found.rows().first?.get("value")
    }
}
