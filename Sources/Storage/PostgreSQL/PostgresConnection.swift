import CLibPQ

/// A connection to PostgreSQL, for one thread at a time.
///
/// Calls block, but never for longer than ``patience`` says: whatever the server or the network does, an answer that does not
/// come in time costs the connection and throws. No cancel request is sent then. It could hang like the connection itself,
/// the limits of each transaction end its statements on a server that is alive, and a COMMIT that is cancelled while it waits
/// for a standby is reported as done.
final class PostgresConnection: @unchecked Sendable {
    /// How long answers are waited for.
    struct Patience {
        /// For the answer to one call, from when it is sent; nil for what may take hours.
        var answer: Duration?
        /// When all must be over; nil when only the single answers are bounded.
        var end: ContinuousClock.Instant?
    }

    /// Where it leads.
    let servers: PostgresServers
    /// Set by whoever takes the connection.
    var patience: Patience

    let handle: OpaquePointer
    /// Whether the server was silent for too long: what it says from now on cannot be told apart.
    var isGivenUp = false
    /// Whether libpq refuses to work with it, which it never does again, though its socket looks whole.
    var isBroken = false
    /// What the server warned of since this was cleared; nil when it did not.
    var warning: String?
    /// Prepared statements by text and types of binds.
    private var names: [String: String] = [:]

    /// The most statements that are kept prepared: ours are some hundreds, and lists of binds have many lengths.
    private static let statementLimit = 512
    /// A handshake with TLS on a busy machine and half of the time left for a second host.
    static let connectLimit = Duration.seconds(5)

    /// Connects.
    ///
    /// - Parameters:
    ///   - servers: Where to.
    ///   - limit: How long that may take.
    ///   - patience: How long answers are waited for afterwards.
    /// - Throws: ``PostgresFailure``.
    init(
        to servers: PostgresServers, within limit: Duration = connectLimit,
        patience: Patience = Patience(answer: .seconds(15))
    ) throws(PostgresFailure) {
        handle = try PostgresConnecting.open(servers, within: limit)
        self.servers = servers
        self.patience = patience
        PQsetnonblocking(handle, 1)
        hearWarnings()
    }

    deinit {
        PQfinish(handle)
    }

    /// Whether it can still be used.
    var isAlive: Bool { !isGivenUp && !isBroken && PQstatus(handle) == CONNECTION_OK }

    /// Whether a transaction is open, failed or not.
    var isInsideTransaction: Bool {
        let status = PQtransactionStatus(handle)
        return status == PQTRANS_INTRANS || status == PQTRANS_INERROR
    }

    /// Whether it is as it was when it was made, which is proved and not supposed: the next one to use it must find nothing open.
    var isClean: Bool {
        isAlive && PQtransactionStatus(handle) == PQTRANS_IDLE && PQpipelineStatus(handle) == PQ_PIPELINE_OFF
    }

    /// Runs statements without binds, one after the other, in one round trip.
    ///
    /// - Throws: ``PostgresFailure`` of the first that fails; the server skips those behind it.
    func execute(_ sql: String) throws(PostgresFailure) {
        _ = try answer(sql) { PQsendQuery(handle, sql) }
    }

    /// Ends a transaction for good.
    ///
    /// - Throws: ``PostgresFailure``, after which it is not known whether the transaction was kept, unless the server says so.
    func commit() throws(PostgresFailure) {
        warning = nil
        try execute("COMMIT")
        // Somebody cancelled the wait for the standby: it is kept here, and lost if this server is.
        if let warning {
            throw PostgresFailure(
                sqlState: "", message: "COMMIT: \(warning)", constraint: nil, sql: "COMMIT", isLost: false)
        }
    }

    /// Runs a statement, prepared the first time, or not at all behind a pooler that changes connections.
    func run(_ statement: SQL, dialect: SQLDialect) throws(PostgresFailure) -> PostgresResult {
        let text = statement.text(for: dialect)
        let binds = try PostgresBinds(statement)
        if servers.pooler == .transaction {
            return try answer(text) {
                binds.withArguments { count, values, lengths, formats in
                    PQsendQueryParams(handle, text, count, binds.types, values, lengths, formats, 0)
                }
            }
        }
        let name = try prepared(text, binds)
        let success = try answer(text) {
            binds.withArguments { count, values, lengths, formats in
                PQsendQueryPrepared(handle, name, count, values, lengths, formats, 0)
            }
        }
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
            return (
                name: servers.pooler == .transaction ? nil : try self.prepared(text, binds), binds: binds, text: text
            )
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
        // It stays on where an error left answers behind.
        defer { if PQexitPipelineMode(handle) != 1 { isBroken = true } }
        var wait = beginWait()
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
        try flush(&wait)
        var counts: [Int] = []
        var first: PostgresFailure?
        for (_, _, text) in statements {
            do throws(PostgresFailure) {
                guard let result = try nextResult(&wait) else { throw lost(text) }
                counts.append(try checked(PostgresResult(result), text).changedRows)
            } catch {
                // What comes behind a failure is answered as aborted.
                if first == nil { first = error }
                if !isAlive { throw error }
            }
            // The NULL that ends the answer to one statement.
            PQclear(try nextResult(&wait))
        }
        PQclear(try nextResult(&wait))
        if let first { throw first }
        return counts
    }

    /// What libpq says of the connection itself.
    func lost(_ sql: String) -> PostgresFailure {
        PostgresFailure(
            sqlState: "", message: Self.line(String(cString: PQerrorMessage(handle))), constraint: nil, sql: sql,
            isLost: !isAlive)
    }

    /// Forgets what is prepared, so that it is prepared again.
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
        _ = try answer(text) { PQsendPrepare(handle, name, text, Int32(clamping: binds.types.count), binds.types) }
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

    func checked(_ result: consuming PostgresResult, _ sql: String) throws(PostgresFailure) -> PostgresResult {
        if result.isSuccess { return result }
        throw PostgresFailure(
            sqlState: result.errorField("C") ?? "",
            message: result.errorField("M") ?? Self.line(String(cString: PQerrorMessage(handle))),
            constraint: result.errorField("n"), sql: sql, isLost: !isAlive)
    }

    /// What libpq or the server says, in one line of at most 1,000 characters: libpq adds to it at each use of a connection that is
    /// beyond help.
    static func line(_ message: String) -> String {
        let scalars = message.split(separator: "\n").joined(separator: "; ").unicodeScalars.prefix(1_000)
        return String(String.UnicodeScalarView(scalars))
    }
}
