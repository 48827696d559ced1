import TestSupport
import Testing

@testable import Storage

/// Connections as libpq makes them: TLS, SCRAM, several hosts; and what an operator reads when there is none.
@Suite(.timeLimit(.minutes(15))) struct PostgresConnectionTests {
    @Test func aServerThatIsNotThereIsSaidInWords() async throws {
        let words = try await refusal("postgresql://nobody@127.0.0.1:1/nowhere")
        #expect(words.contains("127.0.0.1") && words.contains("PostgreSQL must run there"), "\(words)")
    }

    /// libpq would show pieces of these passwords as those of a host, a port or a parameter.
    @Test(arguments: [
        "postgresql://sms:sec@ret@127.0.0.1/db", "postgresql://sms:sec/ret@127.0.0.1/db",
        "postgresql://sms:sec%zzret@127.0.0.1/db", "postgresql://sms@127.0.0.1/db?passwort=sec-ret",
    ])
    func aURLThatCannotBeReadIsNotShown(url: String) async throws {
        let words = try await refusal(url)
        #expect(words.contains("DATABASE_URL cannot be read"), "\(words)")
        #expect(!words.contains("sec") && !words.contains("ret@"), "\(words)")
    }

    @Test func aServerWithTLSAndSCRAMIsUsedAndTroubleSaysWhatToMend() async throws {
        try await withSecuredPostgres { server in
            let dead = "127.0.0.1:1,127.0.0.1:\(server.port)"
            for url in [server.url(), server.url(dead, parameters: "&target_session_attrs=read-write")] {
                let store = try await PostgresStore.open(url: url, connections: 1)
                try await closing(store) {
                    let isEncrypted: Bool? = try await store.read { tx in
                        try tx.value("SELECT ssl AS value FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
                    }
                    #expect(isEncrypted == true)
                }
            }

            let wrong: [(url: String, words: [String])] = [
                (server.url(password: "no-such-word"), ["password authentication failed", "Look at the user"]),
                (server.url(authority: server.otherAuthority), ["certificate verify failed", "sslrootcert"]),
                (server.url(authority: "/nowhere.pem"), ["/nowhere.pem", "sslrootcert"]),
                (server.url("localhost:\(server.port)"), ["does not match host name", "certificate is for"]),
                (server.url(parameters: "&sslmode=disable&sslrootcert="), ["no pg_hba.conf entry", "hostssl"]),
                (server.url("127.0.0.1:1,127.0.0.1:2"), ["port 1", "port 2", "must run there"]),
                (server.url().replacing("/postgres?", with: "/none?"), ["\"none\" does not exist", "createdb"]),
            ]
            for (url, words) in wrong {
                let text = try await refusal(url)
                for word in words { #expect(text.contains(word), "\(text)") }
                #expect(!text.contains("no-such-word") && !text.contains(SecuredPostgres.password), "\(text)")
            }

            let store = try await PostgresStore.open(url: server.url(), connections: 2)
            try await closing(store) {
                // Both connections have been used and are idle when the server restarts.
                async let one = store.read { try $0.rows("SELECT pg_sleep(0.1)::text AS value").count }
                async let other = store.read { try $0.rows("SELECT pg_sleep(0.1)::text AS value").count }
                _ = try await (one, other)
                try await server.restart()

                let value: Int? = try await store.write { try $0.value("SELECT 1 AS value") }
                #expect(value == 1)
                let again: Int? = try await store.read { try $0.value("SELECT 2 AS value") }
                #expect(again == 2)
            }
        }
    }

    private func refusal(_ url: String) async throws -> String {
        let error = await #expect(throws: StorageError.self) {
            let store = try await PostgresStore.open(url: url, connections: 1)
            try await store.close()
        }
        guard case .unavailable(let words) = error else {
            Issue.record("\(String(describing: error))")
            return ""
        }
        return words
    }
}
