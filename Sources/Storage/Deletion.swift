import Timestamps

/// What one transaction may delete, for the writes of everybody else wait for it.
///
/// | what | most |
/// |---|---|
/// | rows | 500: some 10 ms |
/// | what they hold | 2 MiB: some 100 ms, where 500 texts of 124 KB took 5 s (2026-11-30) |
///
/// The first row goes whatever it holds.
package struct DeletionRoom: Sendable, Hashable {
    /// Rows of one transaction.
    package static let mostRows = 500
    /// Bytes of one transaction.
    package static let mostBytes = 2 << 20

    /// Whether another transaction has to go on.
    package private(set) var isFull = false
    /// Rows that room was taken for.
    package private(set) var rows = 0
    private var bytes = 0

    /// Room for a whole transaction.
    package init() {}

    /// Takes room for one more row that holds `byteCount` bytes; false when it has to wait for the next transaction.
    package mutating func take(_ byteCount: Int) -> Bool {
        if isFull { return false }
        let sum = bytes.clampedAdding(max(byteCount, 0))
        guard rows == 0 || sum <= Self.mostBytes else {
            isFull = true
            return false
        }
        (rows, bytes) = (rows + 1, sum)
        isFull = rows >= Self.mostRows || bytes >= Self.mostBytes
        return true
    }

    /// Takes room for `count` rows that hold next to nothing and were deleted already.
    package mutating func took(_ count: Int) {
        rows = rows.clampedAdding(max(count, 0))
        if rows >= Self.mostRows { isFull = true }
    }

    /// How many rows more there is room for.
    package var left: Int { isFull ? 0 : Self.mostRows - rows }
}

/// Rows of one table that are to go, as many in a transaction as there is room for.
package struct Deletion: Sendable {
    private let table: SQL
    private let key: SQL
    private let byteCount: SQL
    private let condition: SQL
    private let order: SQL

    /// - Parameters:
    ///   - table: Its name.
    ///   - key: The columns that tell its rows apart, separated by commas.
    ///   - byteCount: What a row holds, in bytes, see ``SQL/byteCount(of:)``.
    ///   - condition: Which rows.
    ///   - order: In which order, in which no two are alike. An index has to give it, or each look sorts all of them.
    package init(_ table: SQL, key: SQL, byteCount: SQL, where condition: SQL, order: SQL) {
        self.table = table
        self.key = key
        self.byteCount = byteCount
        self.condition = condition
        self.order = order
    }

    /// The next rows that there is room for, with the columns of the key. All are among them unless `room` is full then.
    ///
    /// Looks at 16, then at 32 and so on, as what a row holds is read to be counted.
    package func rows(_ room: inout DeletionRoom, in tx: any Transaction) throws -> [Row] {
        var found: [Row] = []
        var look = 16
        while !room.isFull {
            let some = try tx.rows(
                """
                SELECT \(key), CAST(\(byteCount) AS BIGINT) AS byte_count
                FROM \(table)
                WHERE \(condition)
                ORDER BY \(order)
                LIMIT \(look) OFFSET \(found.count)
                """)
            for row in some {
                guard room.take(try row.get("byte_count")) else { return found }
                found.append(row)
            }
            if some.count < look { return found }
            look *= 2
        }
        return found
    }

    /// Deletes the next rows that there is room for, and gives how many. None are left unless `room` is full then.
    @discardableResult
    package func delete(_ room: inout DeletionRoom, in tx: any Transaction) throws -> Int {
        let count = try rows(&room, in: tx).count
        if count == 0 { return 0 }
        return try tx.run(
            """
            DELETE FROM \(table)
            WHERE (\(key)) IN (
                SELECT \(key)
                FROM \(table)
                WHERE \(condition)
                ORDER BY \(order)
                LIMIT \(count))
            """)
    }
}

extension SQL {
    /// How many bytes a row has in `columns`, which hold texts or NULL. Of bytes, `LENGTH` says it on every engine, and without
    /// reading them.
    package static func byteCount(of columns: SQL...) -> SQL {
        columns.reduce("0") { $0 + "+ COALESCE(\(.byteCount)(\($1)\(.ofBytes)), 0)" }
    }
}
