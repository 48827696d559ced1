import Foundation
import Storage
import Wire

/// A table of a store, as the engine's catalogue has it.
struct MovedTable: Sendable, Equatable {
    let name: String
    /// In the order in which they were added.
    let columns: [String]
    /// The columns of the primary key, in its order.
    let key: [String]

    /// The key of the row, as text that can be stored: see ``StoreMoveQueries/page(of:after:limit:in:)``.
    func position(of row: Row) throws -> String {
        let parts = try key.map { column -> String in
            switch try row.find(column, as: SQLValue.self) ?? .null {
            case .int64(let number): "i\(number)"
            case .text(let text): "t\(text)"
            case .blob(let bytes): "b" + bytes.hexadecimal
            case .null, .double: throw StorageError.corrupt("a key of \(name) holds no number, text or bytes")
            }
        }
        return String(decoding: try JSONEncoder().encode(parts), as: UTF8.self)
    }
}

/// Reads any table in the order of its key, and writes it elsewhere, with how far it came in the same transaction.
///
/// Names come from the engine's catalogue and stand in the text; values are bound.
enum StoreMoveQueries {
    /// The table that only an unfinished copy has.
    static let marker = "store_move"

    /// What the source begins with when it is a backup, and not a SQLite file.
    static let backupPrefix = "the backup "

    /// Every table but that of the migrations, which each store has of its own, by name.
    static func tables(in tx: any Transaction) throws -> [MovedTable] {
        let rows = try tx.rows(
            """
            SELECT table_name, column_name, key_position
            FROM \(.columns) AS columns
            WHERE table_name <> 'schema_migration' AND table_name <> \(marker)
            ORDER BY table_name, position
            """)
        var columns: [String: [String]] = [:]
        var keys: [String: [(Int, String)]] = [:]
        for row in rows {
            let (table, column): (String, String) = (try row.get("table_name"), try row.get("column_name"))
            columns[table, default: []].append(column)
            let position: Int = try row.get("key_position")
            if position > 0 { keys[table, default: []].append((position, column)) }
        }
        return try columns.keys.sorted().map { name in
            guard let key = keys[name] else { throw StorageError.corrupt("the table \(name) has no primary key") }
            return MovedTable(
                name: name, columns: columns[name] ?? [], key: key.sorted { $0.0 < $1.0 }.map { $0.1 })
        }
    }

    /// Whether the store is an unfinished copy.
    static func isUnfinished(in tx: any Transaction) throws -> Bool {
        try !tx.rows("SELECT column_name FROM \(.columns) AS columns WHERE table_name = \(marker)").isEmpty
    }

    /// The command that goes on with an unfinished copy; nil when the store is whole.
    static func unfinishedCommand(in tx: any Transaction) throws -> String? {
        guard try isUnfinished(in: tx) else { return nil }
        let isRestore = try source(in: tx)?.hasPrefix(backupPrefix) ?? false
        return isRestore ? "httpsms restore" : "httpsms migrate --from ... --to ..."
    }

    /// Marks an empty store as the copy of `source`.
    static func begin(source: String, in tx: any Transaction) throws {
        try tx.run(
            """
            CREATE TABLE store_move (
                table_name \(.text) PRIMARY KEY,
                position \(.text),
                copied \(.int64) NOT NULL
            ) \(.strict)
            """)
        try tx.run("INSERT INTO store_move (table_name, position, copied) VALUES ('', \(source), 0)")
    }

    /// What the store is an unfinished copy of.
    static func source(in tx: any Transaction) throws -> String? {
        try tx.value("SELECT position AS value FROM store_move WHERE table_name = ''")
    }

    /// Marks the store as whole.
    static func finish(in tx: any Transaction) throws {
        try tx.run("DROP TABLE store_move")
    }

    /// How far the copy of `table` came: the position of its last row, and how many there are; nil before the first.
    static func progress(_ table: String, in tx: any Transaction) throws -> (position: String?, copied: Int)? {
        try tx.rows("SELECT position, copied FROM store_move WHERE table_name = \(table)").first.map { row in
            (try row.find("position"), try row.get("copied"))
        }
    }

    /// Empties `table` of what migrations put there, before its first row is copied.
    static func start(_ table: MovedTable, in tx: any Transaction) throws {
        try tx.run("DELETE FROM \(name(table.name))")
        try tx.run("INSERT INTO store_move (table_name, position, copied) VALUES (\(table.name), NULL, 0)")
    }

    /// Notes how far it came.
    static func advance(_ table: String, to position: String, by count: Int, in tx: any Transaction) throws {
        try tx.run(
            """
            UPDATE store_move
            SET position = \(position), copied = copied + \(count)
            WHERE table_name = \(table)
            """)
    }

    /// At most `limit` rows behind a position, in the order of the key; from the first one for nil.
    static func page(
        of table: MovedTable, after position: String?, limit: Int, in tx: any Transaction
    ) throws -> [Row] {
        let key = list(table.key)
        var condition: SQL = ""
        if let position {
            let values = try self.values(at: position)
            condition = "WHERE (\(key)) > \(list: values)"
        }
        return try tx.rows(
            """
            SELECT \(list(table.columns))
            FROM \(name(table.name))
            \(condition)
            ORDER BY \(key)
            LIMIT \(limit)
            """)
    }

    /// Writes rows as they are, in one round trip.
    static func insert(_ rows: [Row], into table: MovedTable, in tx: any Transaction) throws {
        try tx.runBatch(
            rows.map { row in
                let values = try table.columns.map { try row.find($0, as: SQLValue.self) ?? .null }
                return "INSERT INTO \(name(table.name)) (\(list(table.columns))) VALUES \(list: values)"
            })
    }

    /// How many rows there are.
    static func count(_ table: MovedTable, in tx: any Transaction) throws -> Int {
        try tx.value("SELECT COUNT(*) AS value FROM \(name(table.name))") ?? 0
    }

    private static func values(at position: String) throws -> [SQLValue] {
        try JSONDecoder().decode([String].self, from: Data(position.utf8)).map { part in
            let text = String(part.dropFirst())
            switch part.first {
            case "i": return .int64(Int64(text) ?? 0)
            case "b":
                return .blob(
                    stride(from: 0, to: text.utf8.count, by: 2).map { offset in
                        UInt8(text.dropFirst(offset).prefix(2), radix: 16) ?? 0
                    })
            default: return .text(text)
            }
        }
    }

    private static func name(_ name: String) -> SQL { SQL(stringLiteral: "\"\(name)\"") }

    private static func list(_ names: [String]) -> SQL {
        SQL(stringLiteral: names.map { "\"\($0)\"" }.joined(separator: ", "))
    }
}
