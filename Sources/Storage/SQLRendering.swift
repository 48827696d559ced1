/// The engine a statement is rendered for.
package enum SQLDialect: Sendable {
    /// SQLite: binds are `?`, taken in the order in which they appear.
    case sqlite
    /// PostgreSQL: binds are `$1`, `$2` and so on.
    case postgresql
    /// PostgreSQL in a transaction that only reads, where rows cannot be locked.
    case postgresqlReadOnly
}

extension SQL {
    /// The statement as the engine reads it, with a placeholder for each bind.
    ///
    /// The values are visited apart, with ``forEachBind(_:)``, so that no list of them is made.
    package func text(for dialect: SQLDialect) -> String {
        if parts.count == 1, case .text(let only) = parts[0] { return only }
        var text = ""
        // Longer than nearly all of our statements, so that appending rarely moves the text.
        text.reserveCapacity(512)
        var position = 0
        for part in parts {
            switch part {
            case .text(let run): text += run
            case .bind:
                position += 1
                text += dialect == .sqlite ? "?" : "$\(position)"
            case .fragment(let fragment): text += fragment.text(for: dialect)
            }
        }
        return text
    }

    /// Calls `body` with each bind and its position, counted from 1, in the order of the placeholders.
    package func forEachBind(_ body: (Int32, SQLValue) throws -> Void) rethrows {
        var position: Int32 = 0
        for part in parts {
            guard case .bind(let value) = part else { continue }
            position += 1
            try body(position, value)
        }
    }
}

extension SQLFragment {
    /// What the engine calls this; empty when it needs nothing there.
    package func text(for dialect: SQLDialect) -> String {
        switch dialect {
        case .sqlite: sqliteText
        case .postgresql: postgresqlText
        case .postgresqlReadOnly: isLock ? "" : postgresqlText
        }
    }

    private var sqliteText: String {
        switch self {
        case .int64: "INTEGER"
        case .text: "TEXT"
        case .blob: "BLOB"
        case .double: "REAL"
        case .strict: "STRICT"
        case .keyed: "STRICT, WITHOUT ROWID"
        // Writers are one at a time, so nothing is left to lock.
        case .forUpdate, .forUpdateSkipLocked, .nameLock, .ofName: ""
        case .databaseVersion: "sqlite_version()"
        case .databaseSize:
            "(SELECT pages.page_count * sizes.page_size FROM pragma_page_count AS pages, pragma_page_size AS sizes)"
        case .databaseTime: "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)"
        // Readers keep the log from starting afresh, which has a bound and a metric of its own.
        case .oldestSnapshot: "0"
        case .position: "instr"
        case .bytes: "CAST"
        case .asBytes: " AS BLOB"
        // LENGTH of a text counts its characters.
        case .byteCount: "LENGTH(CAST"
        case .ofBytes: " AS BLOB)"
        case .migrationLock, .allowNull: "SELECT 1 AS value"
        case .columns:
            """
            (SELECT tables.name AS table_name, columns.name AS column_name, columns.cid + 1 AS position,
                columns.pk AS key_position
            FROM sqlite_master AS tables
            JOIN pragma_table_info(tables.name) AS columns
            WHERE tables.type = 'table' AND tables.name NOT LIKE 'sqlite\\_%' ESCAPE '\\')
            """
        }
    }

    private var postgresqlText: String {
        switch self {
        case .int64: "BIGINT"
        // Sorted by bytes, whatever the locale of the database.
        case .text: "TEXT COLLATE \"C\""
        case .blob: "BYTEA"
        case .double: "DOUBLE PRECISION"
        // Columns have types there in any case.
        case .strict, .keyed: ""
        case .forUpdate: "FOR UPDATE"
        case .forUpdateSkipLocked: "FOR UPDATE SKIP LOCKED"
        case .databaseVersion: "current_setting('server_version')"
        case .databaseSize: "pg_database_size(current_database())"
        case .databaseTime: "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"
        // Of bytes. Of texts, `strpos` takes five times as long for what nearly fits everywhere.
        case .position: "pg_catalog.position"
        case .bytes: "convert_to"
        case .asBytes: ", 'UTF8'"
        case .byteCount: "octet_length"
        case .ofBytes: ""
        case .oldestSnapshot:
            """
            (SELECT COALESCE(
                CAST(EXTRACT(EPOCH FROM clock_timestamp() - MIN(open.since)) * 1000000 AS BIGINT), 0)
            FROM (
                SELECT xact_start AS since
                FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()
                    AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL)
                UNION ALL
                SELECT prepared
                FROM pg_prepared_xacts
                WHERE database = current_database()) AS open)
            """
        // Another number than that of the migrator; stores in different schemas do not meet. Two names with the same hash wait
        // for each other, which costs time only.
        case .nameLock:
            "pg_advisory_xact_lock(7473652, hashtext(COALESCE(current_schema(), '') || ' ' || CAST("
        // What the function gives is of no type that can be read.
        case .ofName: "AS TEXT))) IS NULL"
        case .allowNull(let table, let column): "ALTER TABLE \(table) ALTER COLUMN \(column) DROP NOT NULL"
        // Any number does that no other program uses; stores in different schemas do not meet. NULL without a schema that stays.
        // From here on the transaction waits for no table longer than others may wait behind it.
        case .migrationLock:
            """
            SELECT pg_try_advisory_xact_lock(
                    7473651, hashtext(CASE WHEN left(current_schema(), 7) <> 'pg_temp' THEN current_schema() END)) AS value,
                set_config('lock_timeout', '500ms', true) AS lock_timeout
            """
        case .columns:
            """
            (SELECT tables.relname::text COLLATE "C" AS table_name, columns.attname::text COLLATE "C" AS column_name,
                columns.attnum::bigint AS position,
                COALESCE(array_position(keys.indkey::smallint[], columns.attnum) + 1, 0)::bigint AS key_position
            FROM pg_class AS tables
            JOIN pg_namespace AS schemas ON schemas.oid = tables.relnamespace
            JOIN pg_attribute AS columns ON columns.attrelid = tables.oid
            LEFT JOIN pg_index AS keys ON keys.indrelid = tables.oid AND keys.indisprimary
            WHERE schemas.nspname = current_schema() AND tables.relkind IN ('r', 'p') AND NOT tables.relispartition
                AND columns.attnum > 0 AND NOT columns.attisdropped)
            """
        }
    }

    private var isLock: Bool {
        switch self {
        case .forUpdate, .forUpdateSkipLocked: true
        case .int64, .text, .blob, .double, .strict, .keyed, .databaseTime, .databaseVersion, .databaseSize,
            .oldestSnapshot, .allowNull, .migrationLock, .nameLock, .ofName, .columns, .position, .bytes, .asBytes,
            .byteCount, .ofBytes:
            false
        }
    }
}
