/// A row of `schema_migration`: a step that the store has.
struct AppliedStep: RowDecodable, Sendable {
    let id: String
    let checksum: String
    /// Whether a version that does not know the step can work with what it left.
    let isAdditive: Bool

    init(row: Row) throws {
        id = try row.get("id")
        checksum = try row.get("checksum")
        isAdditive = try row.get("is_additive")
    }

    /// All, by id; empty for a store that was never migrated.
    static func all(in tx: any Transaction) throws -> [AppliedStep] {
        let columns = try columns(in: tx)
        guard !columns.isEmpty else { return [] }
        // Steps of before the column was there only added.
        let isAdditive: SQL = columns.contains("is_additive") ? "is_additive" : "1 AS is_additive"
        return try tx.all(AppliedStep.self, "SELECT id, checksum, \(isAdditive) FROM schema_migration ORDER BY id")
    }

    /// Makes the table, or adds what it lacks.
    static func prepareTable(in tx: any Transaction) throws {
        let columns = try columns(in: tx)
        if columns.isEmpty {
            try tx.run(
                """
                CREATE TABLE schema_migration (
                    id \(.text) PRIMARY KEY,
                    checksum \(.text) NOT NULL,
                    applied_at \(.int64) NOT NULL,
                    is_additive \(.int64) NOT NULL DEFAULT 1
                ) \(.strict)
                """)
        } else if !columns.contains("is_additive") {
            try tx.run("ALTER TABLE schema_migration ADD COLUMN is_additive \(.int64) NOT NULL DEFAULT 1")
        }
    }

    /// Applies and records `step`, unless it is there; returns whether it was not.
    static func apply(_ step: MigrationStep, in tx: any Transaction) throws -> Bool {
        let found = try tx.rows("SELECT id FROM schema_migration WHERE id = \(step.id)")
        guard found.isEmpty else { return false }
        try step.run(in: tx)
        try tx.run(
            """
            INSERT INTO schema_migration (id, checksum, applied_at, is_additive)
            VALUES (\(step.id), \(step.checksum), \(tx.now), \(step.isAdditive))
            """)
        return true
    }

    private static func columns(in tx: any Transaction) throws -> Set<String> {
        let rows = try tx.rows("SELECT column_name FROM \(.columns) AS columns WHERE table_name = 'schema_migration'")
        return Set(try rows.map { try $0.get("column_name") })
    }
}
