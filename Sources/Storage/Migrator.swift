extension Store {
    /// Applies those of `migrations` that the store does not have yet, in their order, each in its own transaction.
    ///
    /// Several processes may do it at once: each step is decided anew in the transaction that applies it.
    ///
    /// - Parameter migrations: All there are; each id once.
    /// - Returns: The ids of those applied by this call, in order; empty when there was nothing to do.
    /// - Throws: `StorageError`: `corrupt` when an applied migration has another text than here, or the store was
    ///   made by a newer version.
    package func migrate(_ migrations: [Migration]) async throws -> [String] {
        try await write(.maintenance) { transaction in
            _ = try transaction.rows("\(.migrationLock)")
            try transaction.run(
                """
                CREATE TABLE IF NOT EXISTS schema_migration (
                    id \(.text) PRIMARY KEY,
                    checksum \(.text) NOT NULL,
                    applied_at \(.int64) NOT NULL
                ) \(.strict)
                """)
            try checkApplied(transaction, migrations)
        }
        var applied: [String] = []
        for migration in migrations {
            let isNew = try await write(.maintenance) { try apply(migration, in: $0) }
            if isNew { applied.append(migration.id) }
        }
        return applied
    }
}

private func checkApplied(_ transaction: any Transaction, _ migrations: [Migration]) throws {
    let known = Dictionary(uniqueKeysWithValues: migrations.map { ($0.id, $0.checksum) })
    let rows = try transaction.rows("SELECT id, checksum FROM schema_migration ORDER BY id")
    for row in rows {
        let id: String = try row.get("id")
        guard let checksum = known[id] else {
            throw StorageError.corrupt(
                """
                The database holds the migration \(id), which this version of httpsms does not know: a newer version \
                made it. Start that version, or restore a backup from before.
                """)
        }
        guard try row.get("checksum") == checksum else {
            throw StorageError.corrupt(
                """
                The migration \(id) was applied with another text than this version of httpsms has. Start the version \
                that applied it; a released migration must never be edited.
                """)
        }
    }
}

private func apply(_ migration: Migration, in transaction: any Transaction) throws -> Bool {
    _ = try transaction.rows("\(.migrationLock)")
    let found = try transaction.rows("SELECT id FROM schema_migration WHERE id = \(migration.id)")
    guard found.isEmpty else { return false }
    for statement in migration.statements { try transaction.run(statement) }
    try transaction.run(
        """
        INSERT INTO schema_migration (id, checksum, applied_at)
        VALUES (\(migration.id), \(migration.checksum), \(transaction.now))
        """)
    return true
}

extension Migration {
    /// 16 hexadecimal digits that change with the text of the statements, the same on every engine.
    ///
    /// FNV-1a (RFC 9923): it is there to notice edits, not to resist anybody.
    var checksum: String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        func add(_ text: String) {
            // A byte that is in no UTF-8 text ends each run, so that moving text between runs is noticed.
            for byte in text.utf8 + [0xff] { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        }
        for statement in statements {
            for part in statement.parts {
                switch part {
                case .text(let text): add(text)
                case .bind(let value): add("bind \(value)")
                case .fragment(let fragment): add("fragment \(fragment)")
                }
            }
            add(";")
        }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
