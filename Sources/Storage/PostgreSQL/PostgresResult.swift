import CLibPQ

/// A result of libpq, which is cleared with it.
struct PostgresResult: ~Copyable {
    private let result: OpaquePointer

    init(_ result: OpaquePointer) {
        self.result = result
    }

    deinit {
        PQclear(result)
    }

    /// Whether the statement succeeded.
    var isSuccess: Bool {
        let status = PQresultStatus(result)
        return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK
    }

    /// How many rows were changed; 0 for what changes none.
    var changedRows: Int { Int(String(cString: PQcmdTuples(result))) ?? 0 }

    /// A field of the error; nil when there is none.
    func errorField(_ field: Character) -> String? {
        guard let code = field.asciiValue, let text = PQresultErrorField(result, Int32(clamping: code)) else {
            return nil
        }
        return String(cString: text)
    }

    /// The rows, in their order.
    ///
    /// - Throws: `StorageError.corrupt` when a cell does not hold what its type says.
    func rows() throws -> [Row] {
        let width = PQnfields(result)
        let columns = ColumnNames((0..<width).map { String(cString: PQfname(result, $0)) })
        let types = (0..<width).map { PQftype(result, $0) }
        return try (0..<PQntuples(result)).map { row in
            Row(columns: columns, cells: try (0..<width).map { try cell(row, $0, type: types[Int($0)]) })
        }
    }

    private func cell(_ row: Int32, _ column: Int32, type: Oid) throws -> SQLValue {
        if PQgetisnull(result, row, column) == 1 { return .null }
        guard let start = PQgetvalue(result, row, column) else { return .null }
        let bytes = UnsafeRawBufferPointer(start: start, count: Int(PQgetlength(result, row, column)))
        let text = String(decoding: bytes, as: UTF8.self)
        let value: SQLValue? =
            switch type {
            case PostgresType.boolean: .int64(text == "t" ? 1 : 0)
            case PostgresType.int2, PostgresType.int4, PostgresType.int8: Int64(text).map(SQLValue.int64)
            case PostgresType.float4, PostgresType.float8: Double(text).map(SQLValue.double)
            // Of sums: PostgreSQL gives them more digits than the columns have.
            case PostgresType.numeric: Int64(text).map(SQLValue.int64) ?? Double(text).map(SQLValue.double)
            case PostgresType.bytea: Self.bytes(bytes).map(SQLValue.blob)
            default: .text(text)
            }
        guard let value else { throw StorageError.corrupt("a cell of type \(type) holds \(text.prefix(40))") }
        return value
    }

    /// Reads `\x00ff`, and what a database shows whose `bytea_output` is `escape`.
    private static func bytes(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
        guard text.count >= 2, text.count % 2 == 0, text[0] == UInt8(ascii: "\\"), text[1] == UInt8(ascii: "x") else {
            var count = 0
            guard let bytes = PQunescapeBytea(text.baseAddress?.assumingMemoryBound(to: UInt8.self), &count) else {
                return nil
            }
            defer { PQfreemem(bytes) }
            return Array(UnsafeBufferPointer(start: bytes, count: count))
        }
        func digit(_ byte: UInt8) -> UInt8? {
            switch byte {
            case 0x30...0x39: byte - 0x30
            case 0x61...0x66: byte - 0x57
            default: nil
            }
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 2 - 1)
        for index in stride(from: 2, to: text.count, by: 2) {
            guard let high = digit(text[index]), let low = digit(text[index + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }
}

/// The object ids of PostgreSQL's own types (pg_type.dat); they never change.
enum PostgresType {
    static let boolean: Oid = 16
    static let bytea: Oid = 17
    static let int8: Oid = 20
    static let int2: Oid = 21
    static let int4: Oid = 23
    static let text: Oid = 25
    static let float4: Oid = 700
    static let float8: Oid = 701
    static let numeric: Oid = 1_700
    /// Left to the server, which knows it from where the bind stands.
    static let unknown: Oid = 0
}
