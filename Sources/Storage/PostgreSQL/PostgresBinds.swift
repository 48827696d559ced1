import CLibPQ

/// The values of a statement as libpq takes them: text, and bytes as they are.
struct PostgresBinds {
    private(set) var types: [Oid] = []
    private var values: [[CChar]?] = []
    private var lengths: [Int32] = []
    private var formats: [Int32] = []

    /// - Throws: ``PostgresFailure`` for a text with a NUL, which PostgreSQL cannot store and libpq would cut off there.
    init(_ statement: SQL) throws(PostgresFailure) {
        var hasNUL = false
        statement.forEachBind { _, value in
            if case .text(let text) = value, text.utf8.contains(0) { hasNUL = true }
            append(value)
        }
        if hasNUL {
            throw PostgresFailure(
                sqlState: "22021", message: "a text holds a NUL, which PostgreSQL cannot store", constraint: nil,
                sql: statement.text(for: .postgresql), isLost: false)
        }
    }

    /// What a prepared statement depends on besides its text.
    var signature: String { types.map(String.init).joined(separator: ",") }

    /// Calls `body` with the arguments of `PQexecPrepared`.
    func withArguments<T>(
        _ body: (Int32, [UnsafePointer<CChar>?], [Int32], [Int32]) throws -> T
    ) rethrows -> T {
        // One block of memory holds all values, so that one pointer stays valid for all of them.
        var offsets: [Int?] = []
        var block: [CChar] = []
        for value in values {
            offsets.append(value == nil ? nil : block.count)
            block += value ?? []
        }
        block.append(0)
        return try block.withUnsafeBufferPointer { buffer in
            let pointers = offsets.map { offset in offset.flatMap { buffer.baseAddress?.advanced(by: $0) } }
            return try body(Int32(clamping: values.count), pointers, lengths, formats)
        }
    }

    private mutating func append(_ value: SQLValue) {
        switch value {
        case .null: append(PostgresType.unknown, nil)
        case .int64(let number): append(PostgresType.int8, Self.text("\(number)"))
        case .double(let number): append(PostgresType.float8, Self.text(Self.text(of: number)))
        case .text(let text): append(PostgresType.text, Self.text(text))
        case .blob(let bytes): append(PostgresType.bytea, bytes.map { CChar(bitPattern: $0) }, isBinary: true)
        }
    }

    private mutating func append(_ type: Oid, _ value: [CChar]?, isBinary: Bool = false) {
        types.append(type)
        values.append(value)
        lengths.append(Int32(clamping: value?.count ?? 0))
        formats.append(isBinary ? 1 : 0)
    }

    private static func text(_ text: String) -> [CChar] { text.utf8.map { CChar(bitPattern: $0) } + [0] }

    private static func text(of number: Double) -> String {
        number.isInfinite ? (number < 0 ? "-Infinity" : "Infinity") : "\(number)"
    }
}
