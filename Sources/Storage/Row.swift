import Timestamps

/// One row of a result: cells by column name.
public struct Row: Sendable {
    @usableFromInline let columns: ColumnNames
    @usableFromInline let cells: [SQLValue]

    /// Makes a row of `cells`, in the order of `columns`.
    package init(columns: ColumnNames, cells: [SQLValue]) {
        self.columns = columns
        self.cells = cells
    }

    /// Reads a cell that is never NULL.
    ///
    /// - Throws: `StorageError.corrupt` when there is no such column, or it holds NULL or another type.
    @inlinable
    public func get<Value: SQLConvertible>(_ name: String, as type: Value.Type = Value.self) throws -> Value {
        guard let value = Value(sqlValue: try cell(name)) else { throw mismatch(name, Value.self) }
        return value
    }

    /// Reads a cell that may be NULL, which gives nil.
    ///
    /// - Throws: `StorageError.corrupt` when there is no such column, or it holds another type.
    @inlinable
    public func find<Value: SQLConvertible>(_ name: String, as type: Value.Type = Value.self) throws -> Value? {
        let cell = try cell(name)
        if cell == .null { return nil }
        guard let value = Value(sqlValue: cell) else { throw mismatch(name, Value.self) }
        return value
    }

    @usableFromInline
    func cell(_ name: String) throws -> SQLValue {
        guard let index = columns.index(of: name) else {
            throw StorageError.corrupt("a result has no column \(name), only \(columns.names.joined(separator: ", "))")
        }
        return cells[index]
    }

    @usableFromInline
    func mismatch(_ name: String, _ type: Any.Type) -> any Error {
        StorageError.corrupt("column \(name) does not hold a \(type)")
    }
}

/// The column names of a statement, shared by the rows it gives.
@usableFromInline package final class ColumnNames: Sendable {
    /// In the order of the select list.
    package let names: [String]

    /// Names the columns.
    package init(_ names: [String]) {
        self.names = names
    }

    /// Where `name` stands; the last of two columns with one name wins. Nil when there is none.
    ///
    /// Rows have few columns, and two short names are compared faster than one is hashed.
    func index(of name: String) -> Int? { names.lastIndex(of: name) }
}

/// A value read from one row.
package protocol RowDecodable {
    /// Reads the value; throws what ``Row/get(_:as:)`` throws.
    init(row: Row) throws
}

extension Array where Element == Row {
    /// The first of them that hold at most `most` bytes together, as their column `byte_count` says: what one transaction
    /// works on. The first row goes whatever it holds.
    package func fitting(bytes most: Int) throws -> [Row] {
        var bytes = 0
        for (index, row) in enumerated() {
            let size: Int = try row.get("byte_count")
            bytes = bytes.clampedAdding(size)
            if bytes > most, index > 0 { return Array(prefix(index)) }
        }
        return self
    }
}
