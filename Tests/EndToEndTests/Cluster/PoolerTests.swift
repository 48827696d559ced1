import Foundation
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension EndToEndTests {
    /// The real binary behind a real pgbouncer that gives each transaction another connection.
    @Suite struct Pooler {
        private static let key = Data(repeating: 9, count: 32).base64EncodedString()

        @Test(.timeLimit(.minutes(15))) func anSMSComesInAndAWebhookGoesOut() async throws {
            try await withPooler { url in
                try await withReceiver { receiver in
                    let settings = ["DATABASE_URL": url, "DATABASE_POOLER": "transaction", "MASTER_KEY": Self.key]
                    try await withInstallation(settings) { installation in
                        let client = Client(installation: installation)
                        try await client.setUp()
                        try await client.webhook(receiver.baseURL + "/hook", events: ["message.phone.received"])

                        for number in 1...20 { try await client.receive("SMS \(number)", number: number) }

                        try await until("the deliveries") { receiver.count >= 20 }
                        #expect(receiver.count == 20)
                        let log = installation.server?.errors ?? ""
                        #expect(!log.contains("prepared statement"), "\(log)")
                        try await installation.stop()
                    }
                }
            }
        }

        @Test(.timeLimit(.minutes(15))) func withoutTheSettingTheOperatorIsTold() async throws {
            try await withPooler { url in
                try await withInstallation(["DATABASE_URL": url, "MASTER_KEY": Self.key]) { installation in
                    // Two at once, so that they get each other's connections.
                    let first = try installation.start(["migrate"])
                    let second = try installation.start(["migrate"])
                    let ends = try await [first.wait(), second.wait()]

                    #expect(ends.contains { $0 != .exited(0) })
                    #expect((first.errors + second.errors).contains("DATABASE_POOLER=transaction"))
                }
            }
        }

        /// An index is built on a connection of its own, beside the one that has the lock of migrations.
        @Test(.timeLimit(.minutes(15))) func aPoolOfOneConnectionIsRefusedWithWords() async throws {
            try await withPooler(connections: 1) { url in
                let settings = ["DATABASE_URL": url, "DATABASE_POOLER": "transaction", "MASTER_KEY": Self.key]
                try await withInstallation(settings) { installation in
                    let migrated = try await installation.run("migrate")

                    #expect(migrated.end != .exited(0))
                    #expect(migrated.errors.contains("default_pool_size"), "\(migrated.errors)")
                }
            }
        }

        /// Runs `body` with the URL of a pgbouncer before a PostgreSQL of its own, and ends both afterwards.
        private func withPooler(connections: Int = 5, _ body: (String) async throws -> Void) async throws {
            try await withPostgresCluster { cluster in
                try await withTemporaryDirectory { folder in
                    let port = try freePort()
                    let socket = cluster.url.split(separator: "host=")[1].replacing("%2F", with: "/")
                    try """
                    [databases]
                    sms = host=\(socket) dbname=postgres user=postgres
                    [pgbouncer]
                    listen_addr = 127.0.0.1
                    listen_port = \(port)
                    unix_socket_dir =
                    auth_type = any
                    pool_mode = transaction
                    default_pool_size = \(connections)
                    ignore_startup_parameters = extra_float_digits
                    """.write(toFile: folder + "/pgbouncer.ini", atomically: true, encoding: .utf8)
                    // It refuses to run as root.
                    chmod(folder, 0o777)
                    let owner = getuid() == 0 ? ["/usr/bin/setpriv", "--reuid=nobody", "--clear-groups"] : []
                    let command = owner + ["/usr/sbin/pgbouncer", folder + "/pgbouncer.ini"]
                    let pooler = try ChildProcess(
                        command[0], Array(command.dropFirst()), environment: ["PATH": "/usr/bin:/bin"],
                        logs: folder + "/pgbouncer")
                    defer { pooler.killNow() }
                    try await until("pgbouncer listens") {
                        if let end = pooler.end { throw TestFailure("pgbouncer ended: \(end)\n\(pooler.errors)") }
                        return pooler.errors.contains("listening on 127.0.0.1")
                    }
                    try await body("postgresql://sms@127.0.0.1:\(port)/sms")
                }
            }
        }
    }
}
