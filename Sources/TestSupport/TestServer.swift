import Foundation
import Gateway
import Server
import Storage
import Timestamps

/// The real server in this process, on a port and a database of its own.
package struct TestServer: Sendable {
    /// Where it listens.
    package let baseURL: String
    /// What it was made of.
    package let gateway: GatewayServer
    /// Its clock.
    package let clock: AdjustableClock
    /// The path of its database.
    package let databasePath: String
    /// What it logged.
    package let log: LogRecorder

    /// Where it keeps everything.
    package var store: any Store { gateway.store }

    /// What it answers to, such as `GET /v1/messages/{messageID}`.
    package var routes: [String] { gateway.routes }

    /// A client without a key.
    package var client: APIClient { APIClient(baseURL: baseURL, apiKey: nil) }

    /// A client with `key`.
    package func client(key: String) -> APIClient { APIClient(baseURL: baseURL, apiKey: key) }

    /// Sets the clock ahead and has everything looked at that became due.
    package func advance(by duration: Duration) {
        clock.advance(by: duration)
        for topic in [Wakeups.Topic.messages, .presence, .deliveries] { store.wakeups.signal(topic) }
    }

    /// The types of all events that were ever emitted, in the order of their commits.
    ///
    /// What a request causes is here when it is answered, so that tests can tell that nothing was emitted.
    package func emittedTypes() async throws -> [String] {
        try await store.read { tx in
            try tx.rows("SELECT type FROM event ORDER BY position, id").map { try $0.get("type") }
        }
    }

    /// Waits until what was accepted is in the log and in the sequences, which on PostgreSQL is soon after the answer.
    ///
    /// - Throws: ``NeverHappened`` after ``longestWait``.
    package func untilNumbered() async throws {
        try await until("all is numbered") {
            try await store.read { tx in
                try tx.rows(
                    """
                    SELECT id FROM event WHERE position IS NULL
                    UNION ALL
                    SELECT id FROM delivery WHERE sequence IS NULL
                    """
                ).isEmpty
            }
        }
    }

    /// Makes an account, as `httpsms user create` does.
    package func makeAccount(
        email: String? = nil, id: String? = nil, apiKey: String? = nil
    ) async throws -> Account {
        let email = email ?? "\(ID<Account>(at: clock.now()))@example.com"
        let user = try await gateway.createUser(email: email, id: id, apiKey: apiKey)
        return Account(
            id: user.id, email: email, client: APIClient(baseURL: baseURL, apiKey: user.apiKey), apiKey: user.apiKey)
    }
}

/// Runs the real server beside `body` and shuts it down afterwards, as a signal would.
///
/// - Parameters:
///   - settings: Variables of the environment, in place of the tests' own: any port, callbacks to loopback.
///   - engine: What the server stores in.
///   - directory: Where the database is, to start again on an earlier one; nil makes a directory for this run.
///   - clock: What the server reads the time from.
///   - configure: Sets what no variable does.
///   - body: The test.
/// - Throws: What `body` or the server throws.
package func withServer(
    _ settings: [String: String] = [:], on engine: Engine = .usual, in directory: String? = nil,
    clock: AdjustableClock = AdjustableClock(),
    configure: @escaping @Sendable (inout GatewayConfiguration) -> Void = { _ in },
    _ body: @escaping @Sendable (TestServer) async throws -> Void
) async throws {
    guard let directory else {
        return try await withTemporaryDirectory { directory in
            try await cleaning {
                if let url = postgresURL(in: directory) { try await MigratedStores.drop(url) }
            } after: {
                try await withServer(
                    settings, on: engine, in: directory, clock: clock, configure: configure, body)
            }
        }
    }
    if engine == .postgresql, settings["DATABASE_URL"] == nil {
        // A test that starts twice in one directory finds the database of the first time.
        let known = postgresURL(in: directory)
        let url = if let known { known } else { try await MigratedStores.makePostgres() }
        try url.write(toFile: directory + "/postgres-url", atomically: true, encoding: .utf8)
        return try await withServer(
            settings.merging(postgres(url)) { $1 }, on: engine, in: directory, clock: clock, configure: configure,
            body)
    }
    let path = directory + "/httpsms.sqlite"
    if settings["DATABASE_URL"] == nil, !FileManager.default.fileExists(atPath: path) {
        try await MigratedStores.makeSQLite(at: path)
    }
    var configuration = try GatewayConfiguration(
        flags: [:],
        environment: [
            "DATABASE_URL": "sqlite:\(path)", "HTTP_PORT": "0", "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
        ].merging(settings) { $1 })
    // Nobody attacks the accounts of tests.
    configuration.passwordCost = .none
    configure(&configuration)
    let log = LogRecorder()
    let gateway = try await GatewayServer(configuration, clock: clock, logger: log.logger)
    try await gateway.run(signals: [], logger: log.logger) { baseURL in
        try await body(TestServer(baseURL: baseURL, gateway: gateway, clock: clock, databasePath: path, log: log))
        return true
    }
}

/// The database that a server in `directory` was given; nil when there is none.
private func postgresURL(in directory: String) -> String? {
    try? String(contentsOfFile: directory + "/postgres-url", encoding: .utf8)
}

/// The settings of a server on PostgreSQL.
private func postgres(_ url: String) -> [String: String] {
    ["DATABASE_URL": url, "MASTER_KEY": Data(repeating: 7, count: 32).base64EncodedString()]
}
