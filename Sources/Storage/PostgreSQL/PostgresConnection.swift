import CLibPQ

/// A connection to PostgreSQL, for one thread at a time.
///
/// Calls block. What bounds them: 5 s to connect, the timeouts that each transaction sets on the server, and 15 s without
/// an acknowledgement of the network.
final class PostgresConnection: @unchecked Sendable {
    /// What it was opened with.
    let url: String
    /// What stands between.
    let pooler: PostgresPooler

    let handle: OpaquePointer
    /// Prepared statements by text and types of binds.
    private var names: [String: String] = [:]

    /// The most statements that are kept prepared: ours are some hundreds, and lists of binds have many lengths.
    private static let statementLimit = 512

    /// Connects; `url` is all that libpq understands, several hosts and TLS included.
    ///
    /// - Throws: ``PostgresFailure``.
    init(url: String, pooler: PostgresPooler = .none) throws(PostgresFailure) {
        if let refusal = PostgresAdvice.refusal(of: url) {
            throw PostgresFailure(sqlState: "", message: refusal, constraint: nil, sql: "", isLost: true)
        }
        let parameters = [
            ("dbname", url), ("fallback_application_name", "httpsms"), ("client_encoding", "UTF8"),
            ("connect_timeout", "5"), ("keepalives_idle", "30"), ("keepalives_interval", "10"),
            ("keepalives_count", "3"), ("tcp_user_timeout", "15000"),
        ]
        let keys = parameters.map { Array($0.0.utf8CString) }
        let values = parameters.map { Array($0.1.utf8CString) }
        let opened = Self.withPointers(keys) { keys in
            Self.withPointers(values) { values in PQconnectdbParams(keys, values, 1) }
        }
        guard let opened else {
            throw PostgresFailure(
                sqlState: "53200", message: "libpq has no memory", constraint: nil, sql: "", isLost: true)
        }
        guard PQstatus(opened) == CONNECTION_OK else {
            let message = String(cString: PQerrorMessage(opened))
            PQfinish(opened)
            throw PostgresFailure(
                sqlState: "", message: PostgresAdvice.explain(message, url: url), constraint: nil, sql: "", isLost: true
            )
        }
        handle = opened
        self.url = url
        self.pooler = pooler
        // Notices go nowhere: what matters comes as an error.
        PQsetNoticeProcessor(handle, { _, _ in }, nil)
    }

    deinit {
        PQfinish(handle)
    }

    /// Whether it can still be used.
    var isAlive: Bool { PQstatus(handle) == CONNECTION_OK }

    /// Whether a transaction is open, failed or not.
    var isInsideTransaction: Bool {
        let status = PQtransactionStatus(handle)
        return status == PQTRANS_INTRANS || status == PQTRANS_INERROR
    }

    /// Runs statements without binds, one after the other, in one round trip.
    func execute(_ sql: String) throws(PostgresFailure) {
        _ = try checked(PQexec(handle, sql), sql)
    }

    /// Runs a statement, prepared the first time, or not at all behind a pooler that changes connections.
    func run(_ statement: SQL, dialect: SQLDialect) throws(PostgresFailure) -> PostgresResult {
        let text = statement.text(for: dialect)
        let binds = try PostgresBinds(statement)
        if pooler == .transaction {
            let result = binds.withArguments { count, values, lengths, formats in
                PQexecParams(handle, text, count, binds.types, values, lengths, formats, 0)
            }
            return try checked(result, text)
        }
        let name = try prepared(text, binds)
        let result = binds.withArguments { count, values, lengths, formats in
            PQexecPrepared(handle, name, count, values, lengths, formats, 0)
        }
        let success = try checked(result, text)
        // Plans of before the change would give the old columns.
        if ["ALTER", "CREATE", "DROP"].contains(where: text.hasPrefix) { try forgetStatements() }
        return success
    }

    /// Runs statements in one round trip, as a pipeline (libpq 34.5), and gives the number of rows that each changed.
    ///
    /// - Throws: ``PostgresFailure`` of the first that fails; the server skips those behind it.
    func runBatch(_ statements: [SQL]) throws(PostgresFailure) -> [Int] {
        if statements.count < 2 {
            return try statements.map { (statement) throws(PostgresFailure) in
                try run(statement, dialect: .postgresql).changedRows
            }
        }
        let prepared = try statements.map { (statement) throws(PostgresFailure) in
            let text = statement.text(for: .postgresql)
            let binds = try PostgresBinds(statement)
            return (name: pooler == .transaction ? nil : try self.prepared(text, binds), binds: binds, text: text)
        }
        var counts: [Int] = []
        // In chunks, as the server answers while we still send, and neither side reads what the other cannot buffer.
        for start in stride(from: 0, to: prepared.count, by: Self.pipelineLimit) {
            counts += try pipeline(prepared[start..<min(start + Self.pipelineLimit, prepared.count)])
        }
        return counts
    }

    /// Answers to so many updates fit into any socket's buffer.
    private static let pipelineLimit = 256

    private func pipeline(
        _ statements: ArraySlice<(name: String?, binds: PostgresBinds, text: String)>
    ) throws(PostgresFailure) -> [Int] {
        guard PQenterPipelineMode(handle) == 1 else { throw lost("") }
        defer { PQexitPipelineMode(handle) }
        for (name, binds, text) in statements {
            let isSent = binds.withArguments { count, values, lengths, formats in
                guard let name else {
                    return PQsendQueryParams(handle, text, count, binds.types, values, lengths, formats, 0)
                }
                return PQsendQueryPrepared(handle, name, count, values, lengths, formats, 0)
            }
            guard isSent == 1 else { throw lost(text) }
        }
        guard PQpipelineSync(handle) == 1 else { throw lost("") }
        var counts: [Int] = []
        var first: PostgresFailure?
        for (_, _, text) in statements {
            do throws(PostgresFailure) {
                counts.append(try checked(PQgetResult(handle), text).changedRows)
            } catch {
                // What comes behind a failure is answered, too, as aborted.
                if first == nil { first = error }
                if !isAlive { throw error }
            }
            // The NULL that ends the answer to one statement.
            PQclear(PQgetResult(handle))
        }
        PQclear(PQgetResult(handle))
        if let first { throw first }
        return counts
    }

    /// What libpq says of the connection itself.
    func lost(_ sql: String) -> PostgresFailure {
        PostgresFailure(
            sqlState: "", message: Self.line(String(cString: PQerrorMessage(handle))), constraint: nil, sql: sql,
            isLost: !isAlive)
    }

    /// Prepares everything anew.
    func forgetStatements() throws(PostgresFailure) {
        guard !names.isEmpty else { return }
        names = [:]
        try execute("DEALLOCATE ALL")
    }

    private func prepared(_ text: String, _ binds: PostgresBinds) throws(PostgresFailure) -> String {
        let key = binds.signature + ":" + text
        if let name = names[key] { return name }
        if names.count >= Self.statementLimit { try forgetStatements() }
        let name = Self.name(of: key)
        _ = try checked(PQprepare(handle, name, text, Int32(clamping: binds.types.count), binds.types), text)
        names[key] = name
        return name
    }

    /// Follows from text and types, so that it cannot be that of another client's statement, whoever mixes connections up.
    private static func name(of key: String) -> String {
        // FNV-1a with 128 bits (RFC 9923).
        var hash: UInt128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d
        for byte in key.utf8 { hash = (hash ^ UInt128(byte)) &* 0x0000_0000_0100_0000_0000_0000_0000_013b }
        return "httpsms_" + String(hash, radix: 16)
    }

    private func checked(_ result: OpaquePointer?, _ sql: String) throws(PostgresFailure) -> PostgresResult {
        guard let result else { throw lost(sql) }
        let wrapped = PostgresResult(result)
        if wrapped.isSuccess { return wrapped }
        throw PostgresFailure(
            sqlState: wrapped.errorField("C") ?? "",
            message: wrapped.errorField("M") ?? Self.line(String(cString: PQerrorMessage(handle))),
            constraint: wrapped.errorField("n"), sql: sql, isLost: !isAlive)
    }

    private static func line(_ message: String) -> String {
        message.split(separator: "\n").joined(separator: "; ")
    }

    private static func withPointers<T>(
        _ texts: [[CChar]], _ body: ([UnsafePointer<CChar>?]) -> T
    ) -> T {
        var offsets: [Int] = []
        var block: [CChar] = []
        for text in texts {
            offsets.append(block.count)
            block += text
        }
        return block.withUnsafeBufferPointer { buffer in
            body(offsets.map { buffer.baseAddress?.advanced(by: $0) } + [nil])
        }
    }
}
