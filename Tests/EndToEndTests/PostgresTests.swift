import Foundation
import NIOHTTP1
import Storage
import TestSupport
import Testing

extension EndToEndTests {
    /// The real binary on a real PostgreSQL.
    @Suite struct Postgres {
        private static let received = "message.phone.received"
        private static let key = Data(repeating: 9, count: 32).base64EncodedString()

        @Test(.timeLimit(.minutes(15))) func whatWasAnsweredIsDeliveredWhateverBreaks() async throws {
            try await withReceiver { receiver in
                try await withServer { client, url in
                    try await client.webhook(receiver.baseURL + "/hook", events: [Self.received])
                    try await client.receive("first", number: 1)
                    try await until("the first delivery") { receiver.count == 1 }

                    try await client.installation.stop(.sigkill)
                    try await client.installation.serve()
                    try await client.receive("second", number: 2)
                    try await until("the second delivery") { receiver.count == 2 }

                    // What an operator's restart of PostgreSQL does to every connection.
                    try await cutConnections(to: url)
                    try await until("the server takes an SMS again") {
                        let body = Client.sms("third", from: "+18005550100", number: 3)
                        return try await client.send(.POST, "/v1/messages/receive", body).status == 200
                    }
                    try await until("the third delivery") { receiver.count == 3 }
                    let contents = try receiver.arrivals.map {
                        try JSONDecoder().decode(JSONValue.self, from: Data($0.body))["data"]["content"].text ?? ""
                    }
                    #expect(contents == ["first", "second", "third"])
                    #expect(client.installation.server?.end == nil)
                }
            }
        }

        @Test(.timeLimit(.minutes(15))) func doctorIsContentBesideAServer() async throws {
            try await withServer { client, _ in
                let doctor = try await client.installation.run("doctor", "--audit")
                #expect(doctor.end == .exited(0), "\(doctor.output)")
                #expect(doctor.output.contains("PostgreSQL opens, is up to date, and fits the master key"))

                let other = Data(repeating: 8, count: 32).base64EncodedString()
                let wrongKey = try await client.installation.run("doctor", settings: ["MASTER_KEY": other])
                #expect(wrongKey.end == .exited(1), "\(wrongKey.output)")
            }
        }

        /// `docs/examples/partitions.sql`, applied beside a running server, and the oldest partitions dropped.
        @Test(.timeLimit(.minutes(15))) func aStoreInPartitionsDeliversAndForgetsAMonthAtOnce() async throws {
            try await withReceiver { receiver in
                try await withServer { client, url in
                    try await client.webhook(receiver.baseURL + "/hook", events: [Self.received])
                    try await client.receive("before", number: 1)
                    try await until("the first delivery") { receiver.count == 1 }

                    let script = URL(filePath: #filePath).deletingLastPathComponent()
                        .appending(path: "../../docs/examples/partitions.sql").path
                    for _ in 0..<2 { try await psql(url, "--file", script, in: client.installation) }
                    try await client.receive("in a partition", number: 2)
                    try await until("the second delivery") { receiver.count == 2 }
                    #expect(try await client.call(.GET, "/v1/events").elements.count == 2)

                    let drop = "DROP TABLE event_before, event_body_before, attempt_before"
                    try await psql(url, "--command", drop, in: client.installation)
                    #expect(try await client.call(.GET, "/v1/events").elements.count == 0)
                    let doctor = try await client.installation.run("doctor", "--audit")
                    #expect(doctor.end == .exited(0), "\(doctor.output)")
                }
            }
        }

        private func psql(_ url: String, _ arguments: String..., in installation: Installation) async throws {
            let process = try ChildProcess(
                "/usr/bin/psql", ["--quiet", "--set", "ON_ERROR_STOP=1"] + arguments + [url],
                environment: ["PATH": "/usr/bin:/bin"], logs: installation.folder + "/psql")
            let end = try await process.wait()
            guard end == .exited(0) else { throw TestFailure("psql: \(process.errors)") }
        }

        private func withServer(_ body: (Client, String) async throws -> Void) async throws {
            try await withPostgresURL { schema in
                // Told apart from the connections of other tests by a name.
                let url = "\(schema)&application_name=cut-\(UInt32.random(in: 0...(.max)))"
                try await withInstallation(["DATABASE_URL": url, "MASTER_KEY": Self.key]) { installation in
                    let client = Client(installation: installation)
                    try await client.setUp()
                    try await body(client, url)
                    try await installation.stop()
                }
            }
        }

        /// Ends every connection of the server.
        private func cutConnections(to url: String) async throws {
            let store = try await PostgresStore.open(url: url + "-judge", connections: 1)
            let cut = try await closing(store) {
                try await store.write { tx in
                    try tx.value(
                        """
                        SELECT COUNT(pg_terminate_backend(pid)) AS value
                        FROM pg_stat_activity
                        WHERE application_name || '-judge' = current_setting('application_name')
                        """, as: Int.self)
                }
            }
            #expect((cut ?? 0) >= 1)
        }
    }
}
