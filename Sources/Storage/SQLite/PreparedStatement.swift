import GRDB
import GRDBSQLite

/// A statement that SQLite has compiled, kept for the next time its text comes up.
final class PreparedStatement {
    /// The text it was compiled from.
    let sql: String
    /// For SQLite's C functions.
    let pointer: OpaquePointer
    /// It changes nothing in the database file.
    let isReadOnly: Bool

    // Owns `pointer`.
    private let statement: Statement
    private let bindCount: Int32
    private var columns: ColumnNames
    private var compilations: Int32 = 0

    init(_ statement: Statement, sql: String) {
        self.statement = statement
        self.sql = sql
        pointer = statement.sqliteStatement
        isReadOnly = statement.isReadonly
        bindCount = sqlite3_bind_parameter_count(pointer)
        columns = Self.columnNames(pointer)
    }

    /// Binds the values of `sql`, whose text is this statement's.
    ///
    /// - Throws: `StorageError.statement` when the text has more or fewer placeholders than `sql` has values, as when a
    ///   `?` was written by hand.
    func bind(_ sql: SQL) throws {
        var count: Int32 = 0
        try sql.forEachBind { position, value in
            count = position
            let code = bind(value, at: position)
            guard code == SQLITE_OK else {
                throw StorageError.statement("bind \(position) was refused (code \(code)) in: \(self.sql)")
            }
        }
        guard count == bindCount else {
            throw StorageError.statement("\(count) binds for \(bindCount) placeholders in: \(self.sql)")
        }
    }

    /// The row that the last step gave.
    func row() -> Row {
        // SQLite compiles a statement again when the schema changed, and `*` may then have other columns.
        let compilations = sqlite3_stmt_status(pointer, SQLITE_STMTSTATUS_REPREPARE, 0)
        if compilations != self.compilations {
            self.compilations = compilations
            columns = Self.columnNames(pointer)
        }
        let count = columns.names.count
        let cells = [SQLValue](unsafeUninitializedCapacity: count) { buffer, initializedCount in
            for index in 0..<count { buffer.initializeElement(at: index, to: cell(Int32(clamping: index))) }
            initializedCount = count
        }
        return Row(columns: columns, cells: cells)
    }

    /// Makes the statement ready to run again, and frees the values bound to it.
    func reset() {
        sqlite3_reset(pointer)
        sqlite3_clear_bindings(pointer)
    }

    private func bind(_ value: SQLValue, at position: Int32) -> Int32 {
        switch value {
        case .null:
            return sqlite3_bind_null(pointer, position)
        case .int64(let value):
            return sqlite3_bind_int64(pointer, position, value)
        case .double(let value):
            return sqlite3_bind_double(pointer, position, value)
        case .text(var text):
            // An empty text may have no address, and would then be bound as NULL.
            guard !text.isEmpty else { return sqlite3_bind_text(pointer, position, "", 0, Self.copied) }
            return text.withUTF8 { bytes in
                bytes.withMemoryRebound(to: CChar.self) { characters in
                    sqlite3_bind_text64(
                        pointer, position, characters.baseAddress, UInt64(characters.count), Self.copied,
                        UInt8(SQLITE_UTF8))
                }
            }
        case .blob(let bytes):
            // A blob without an address would be bound as NULL.
            guard !bytes.isEmpty else { return sqlite3_bind_zeroblob(pointer, position, 0) }
            return sqlite3_bind_blob64(pointer, position, bytes, UInt64(bytes.count), Self.copied)
        }
    }

    private func cell(_ index: Int32) -> SQLValue {
        switch sqlite3_column_type(pointer, index) {
        case SQLITE_INTEGER:
            return .int64(sqlite3_column_int64(pointer, index))
        case SQLITE_FLOAT:
            return .double(sqlite3_column_double(pointer, index))
        case SQLITE_TEXT:
            let start = sqlite3_column_text(pointer, index)
            let count = Int(sqlite3_column_bytes(pointer, index))
            return .text(String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self))
        case SQLITE_BLOB:
            let start = sqlite3_column_blob(pointer, index)
            let count = Int(sqlite3_column_bytes(pointer, index))
            return .blob([UInt8](UnsafeRawBufferPointer(start: start, count: count)))
        default:
            return .null
        }
    }

    private static func columnNames(_ pointer: OpaquePointer) -> ColumnNames {
        ColumnNames((0..<sqlite3_column_count(pointer)).map { String(cString: sqlite3_column_name(pointer, $0)) })
    }

    /// SQLITE_TRANSIENT, a cast that Swift does not import: SQLite copies the bytes before the call returns.
    private static let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
}
