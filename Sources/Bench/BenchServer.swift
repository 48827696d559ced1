import AsyncHTTPClient
import Delivery
import Foundation
import Gateway
import HTTPSMSWebhooks
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Secrets
import Server
import Storage
import Timestamps

/// The server under test: `httpsms serve` as a child process, on a store of its own.
///
/// Accounts, webhooks and a backlog are put into the store before it starts, by the code that the server itself uses.
actor BenchServer {
    private let folder: URL
    /// On 127.0.0.1.
    let port: Int
    private let settings: [String: String]
    private var process: ChildProcess?
    private var ended = (cpuSeconds: 0.0, peakMemory: 0)

    /// An account with one phone.
    struct Account: Sendable {
        let userID: UserID
        let apiKey: String
        let owner: String
        /// In the order of the URLs.
        let webhooks: [EndpointID]
    }

    /// - Parameters:
    ///   - folder: Where its files go.
    ///   - postgres: The database that it shares with others; nil makes a SQLite file in `folder`.
    /// - Throws: What the file system or the network says against it.
    init(in folder: URL, postgres: String? = nil) async throws {
        self.folder = folder
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let sqlite = "sqlite:" + folder.appendingPathComponent("httpsms.sqlite").path
        let masterKey = postgres.map { _ in Data(repeating: 1, count: 32).base64EncodedString() }
        settings = ["DATABASE_URL": postgres ?? sqlite, "MASTER_KEY": masterKey ?? ""]
        port = try await Self.freePort()
    }

    /// Makes the account `index` with one phone and a webhook for each of `urls`.
    func makeAccount(_ index: Int, webhooks urls: [String]) async throws -> Account {
        let owner = BenchMessage.owner(index)
        return try await withStore { opened in
            let store = opened.store
            let endpoints = EndpointQueries(keyring: opened.keyring)
            let ground = try await opened.ground()
            let user = try await UserFeature(ground).operations.create(
                email: "bench\(index)@example.com", id: "bench\(index)", apiKey: nil, password: nil)
            let phones = PhoneFeature(ground).operations
            try await phones.add(owner, fcmToken: "bench", to: user.id)
            let ids = urls.map { _ in EndpointID(at: SystemClock().now()) }
            try await store.write(.maintenance) { tx in
                for (id, url) in zip(ids, urls) {
                    try endpoints.insert(
                        Endpoint(
                            id: id, userID: user.id, url: url, signingKey: Secret(SigningKey.random()),
                            eventTypes: EventType.allCases, owners: [owner], createdAt: tx.now, updatedAt: tx.now),
                        in: tx)
                }
            }
            return Account(userID: user.id, apiKey: user.apiKey.exposed, owner: owner, webhooks: ids)
        }
    }

    /// The `Cookie` of a browser in which `account` is signed in.
    func signIn(_ account: Account) async throws -> String {
        try await withStore { opened in
            try await UserFeature(try await opened.ground()).operations.cookie(of: account.userID)
        }
    }

    /// Publishes `count` events by the engine's own `emit`, many in a transaction, while no server runs.
    func fill(_ count: Int, of account: Account, progress: @Sendable (Int) -> Void) async throws {
        let clock = SystemClock()
        try await withStore { opened in
            // Bounds the time of one transaction, not of the whole.
            for start in stride(from: 0, to: count, by: 500) {
                let now = clock.now()
                let events = (start..<min(start + 500, count)).map { serial in
                    BenchMessage.event(
                        serial: serial, id: EventID(at: now), messageID: ID(at: now), userID: account.userID,
                        owner: account.owner)
                }
                try await opened.store.write(.maintenance) { tx in for event in events { try tx.emit(event) } }
                if start % 50_000 == 0, start > 0 { progress(start) }
            }
        }
    }

    /// Stores `count` inbound SMS of `account` with their threads, many in a transaction, while no server runs: a hundred
    /// with each contact.
    func fillMessages(_ count: Int, of account: Account, progress: @Sendable (Int) -> Void) async throws {
        let now = SystemClock().now()
        try await withStore { opened in
            for start in stride(from: 0, to: count, by: 1_000) {
                let messages = (start..<min(start + 1_000, count)).map { serial in
                    // A second apart, the last one now.
                    BenchMessage.stored(serial, of: account, contacts: count / 100, at: now - .seconds(count - serial))
                }
                try await opened.store.write(.maintenance) { tx in
                    for message in messages { try message.store(for: account.userID, in: tx) }
                }
                if start % 100_000 == 0, start > 0 { progress(start) }
            }
            try await SeededSMS.index(in: opened.store, logger: Logger(label: "bench"))
        }
    }

    /// Has all phones been heard so long ago, while no server runs.
    func silencePhones(for duration: Duration) async throws {
        try await withStore { opened in
            try await opened.store.write(.maintenance) { tx in
                try BenchQueries.silencePhones(since: tx.now - duration, in: tx)
            }
        }
    }

    /// Sends one request to the running server, as `account`, and gives how long it took.
    ///
    /// - Throws: ``BenchFailure`` when the answer is not a success.
    func time(
        _ method: HTTPMethod, _ path: String, of account: Account, headers: [(String, String)] = [],
        body: [UInt8]? = nil
    ) async throws -> Duration {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(path)")
        request.method = method
        request.headers = HTTPHeaders([("x-api-key", account.apiKey)] + headers)
        if let body { request.body = .bytes(body) }
        let start = ContinuousClock.now
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
        let answer = try await response.body.collect(upTo: 16 << 20)
        guard (200..<300).contains(response.status.code) else {
            throw BenchFailure("\(path) answered \(response.status.code): \(String(buffer: answer).prefix(200))")
        }
        return start.duration(to: .now)
    }

    /// How commits are flushed, as the store that `serve` opens reports it.
    func synchronousMode() async throws -> String {
        let mode: Int64? = try await withStore { opened in
            try await opened.store.write(.maintenance) { tx in
                try tx.value("SELECT synchronous AS value FROM pragma_synchronous")
            }
        }
        return switch mode {
        case 0: "OFF"
        case 1: "NORMAL"
        case 2: "FULL"
        case 3: "EXTRA"
        default: "unknown"
        }
    }

    /// Starts the server and waits until it takes requests.
    func start() async throws {
        let process = try ChildProcess(
            ["serve"],
            environment: settings.merging([
                "HTTP_PORT": "\(port)", "LOG_FORMAT": "json", "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
                "QUOTA_PHONES": "none",
            ]) { $1 }, output: folder.appendingPathComponent("server.log"))
        self.process = process
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline, process.isRunning {
            let response = try? await HTTPClient.shared.execute(  // It does not listen yet.
                HTTPClientRequest(url: "http://127.0.0.1:\(port)/health/ready"), timeout: .seconds(1))
            if let response {
                _ = try await response.body.collect(upTo: 65_536)
                if response.status == .ok { return }
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw BenchFailure("the server does not start, see \(folder.path)/server.log")
    }

    /// Ends the server with SIGKILL and starts it again.
    func killAndRestart() async throws {
        await stop(kill: true)
        try await start()
    }

    /// Ends the server, if it runs.
    func stop(kill: Bool = false) async {
        note()
        await process?.stop(kill: kill)
        process = nil
    }

    /// What all its processes used so far: CPU together, memory of the largest.
    func usage() -> (cpuSeconds: Double, peakMemory: Int) {
        let running = process?.usage
        return (
            ended.cpuSeconds + (running?.cpuSeconds ?? 0), max(ended.peakMemory, running?.peakMemory ?? 0)
        )
    }

    /// What the load generator must know.
    func plan(
        _ route: LoadPlan.Route, _ accounts: [Account], connections: Int, rate: Double?, seconds: Double
    ) -> LoadPlan {
        LoadPlan(
            route: route, ports: [port], accounts: accounts.map { .init(apiKey: $0.apiKey, owner: $0.owner) },
            connections: connections, rate: rate, seconds: seconds)
    }

    private func note() {
        ended = usage()
        process = process?.isRunning == true ? process : nil
    }

    private func withStore<T: Sendable>(_ body: (GatewayStore) async throws -> T) async throws -> T {
        var logger = Logger(label: "httpsms")
        logger.logLevel = .warning
        let configuration = try GatewayConfiguration(flags: [:], environment: settings)
        let opened = try await GatewayStore.open(configuration, clock: SystemClock(), logger: logger)
        do {
            let value = try await body(opened)
            try await opened.store.close()
            return value
        } catch {
            try? await opened.store.close()  // The first error is the one to report.
            throw error
        }
    }

    private static func freePort() async throws -> Int {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = channel.localAddress?.port ?? 0
        try await channel.close()
        return port
    }
}
