import Foundation
import NIOHTTP1
import Storage
import TestSupport

/// Servers on one PostgreSQL behind HAProxy, as `docs/scaling.md` shows.
struct Nodes: Sendable {
    let database: PostgresCluster
    /// Each with a folder and a fixed port of its own.
    let all: [Installation]
    /// Calls through the proxy.
    let client: Client

    private static let masterKey = Data(repeating: 7, count: 32).base64EncodedString()

    /// Has `count` nodes run beside `body`; they are ended afterwards.
    static func with(
        _ count: Int, settings: [String: String] = [:], _ body: (Nodes) async throws -> Void
    ) async throws {
        try await withPostgresCluster { database in
            try await withTemporaryDirectory { folder in
                let ports = try (0..<count).map { _ in try freePort() }
                let shared = ["DATABASE_URL": database.url, "MASTER_KEY": masterKey, "NODE_LEASE": "10s"]
                let all = ports.enumerated().map { number, port in
                    let own = ["HTTP_PORT": "\(port)", "ATTACHMENTS_FOLDER": folder + "/attachments"]
                    return Installation(
                        folder: "\(folder)/node-\(number)",
                        settings: shared.merging(own) { $1 }.merging(settings) { $1 })
                }
                let proxyPort = try freePort()
                let proxy = try await startProxy(on: proxyPort, to: ports, in: folder)
                defer {
                    proxy.killNow()
                    for node in all { node.endAll() }
                }
                let client = Client(installation: all[0], proxy: "http://127.0.0.1:\(proxyPort)")
                try await Client(installation: all[0]).setUp()
                for node in all.dropFirst() { try await node.serve() }
                try await until("the proxy has found a node") {
                    try await client.send(.GET, "/health/ready").status == 200
                }
                let nodes = Nodes(database: database, all: all, client: client)
                do {
                    try await body(nodes)
                } catch {
                    let logs = all.map { $0.server?.errors.suffix(1_500) ?? "(not running)" }
                    throw TestFailure("\(error)\nlogs of the nodes:\n\(logs.joined(separator: "\n---\n"))")
                }
            }
        }
    }

    /// Reads the store.
    func rows(_ sql: SQL) async throws -> [Row] {
        let url = all[0].environment["DATABASE_URL"] ?? database.url
        let store = try await PostgresStore.open(url: url, connections: 1)
        return try await closing(store) { try await store.read { tx in try tx.rows(sql) } }
    }

    /// What all nodes that run have logged so far.
    var logs: String { all.compactMap { $0.server?.errors }.joined() }

    private static func startProxy(on port: Int, to ports: [Int], in folder: String) async throws -> ChildProcess {
        let servers = ports.enumerated().map { "    server node\($0) 127.0.0.1:\($1) check inter 500ms fall 2 rise 1" }
        let configuration = """
            defaults
                mode http
                timeout connect 1s
                timeout client 15s
                timeout server 15s
                option redispatch
            frontend sms
                bind 127.0.0.1:\(port)
                default_backend nodes
            backend nodes
                balance roundrobin
                option httpchk GET /health/ready
            \(servers.joined(separator: "\n"))

            """
        let path = folder + "/haproxy.cfg"
        try configuration.write(toFile: path, atomically: true, encoding: .utf8)
        return try ChildProcess("/usr/sbin/haproxy", ["-f", path], environment: [:], logs: folder + "/haproxy")
    }
}
