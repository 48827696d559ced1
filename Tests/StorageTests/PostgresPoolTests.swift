import CLibPQ
import TestSupport
import Testing

@testable import Storage

/// Which connections are used again, and what becomes of callers while the server gives too few.
@Suite(.timeLimit(.minutes(15))) struct PostgresPoolTests {
    private enum Trouble: CaseIterable {
        /// The loss of a server behind a pooler left answers behind.
        case pipeline
        /// A request whose answer nobody waits for.
        case request
        case transaction
    }

    @Test(arguments: Trouble.allCases)
    private func aConnectionThatIsNotAsItWasMadeIsNotUsedAgain(trouble: Trouble) async throws {
        try await withPool(to: TestPostgres.url(), size: 1) { pool in
            let first = try await pool.run(within: .seconds(10)) { connection in
                try connection.execute("SELECT 1")
                switch trouble {
                case .pipeline: _ = PQenterPipelineMode(connection.handle)
                case .request: _ = PQsendQuery(connection.handle, "SELECT pg_sleep(60)")
                case .transaction: try connection.execute("BEGIN")
                }
                return PQbackendPID(connection.handle)
            }
            let second = try await pool.run(within: .seconds(10)) { connection in
                try connection.execute("BEGIN")
                try connection.execute("COMMIT")
                return PQbackendPID(connection.handle)
            }

            #expect(first != second)
        }
    }

    @Test func aRequestThatLibpqRefusesEndsTheConnection() async throws {
        try await withPool(to: TestPostgres.url(), size: 1) { pool in
            let isAlive = try await pool.run(within: .seconds(10)) { connection in
                _ = PQsendQuery(connection.handle, "SELECT pg_sleep(60)")
                #expect(throws: PostgresFailure.self) { try connection.execute("SELECT 1") }
                return connection.isAlive
            }

            #expect(!isAlive)
        }
    }

    /// Eight callers at a server that takes two connections of this user: all are served by those.
    @Test func whereTheServerGivesFewerConnectionsCallersWaitForThose() async throws {
        let role = TestPostgres.newName()
        try await TestPostgres.administer("CREATE ROLE \(role) LOGIN CONNECTION LIMIT 2")
        try await cleaning {
            try await TestPostgres.administer("DROP ROLE \(role)")
        } after: {
            let url = try TestPostgres.url().replacing("//postgres@", with: "//\(role)@")
            try await withPool(to: url, size: 8) { pool in
                _ = try await pool.run(within: .seconds(10)) { try $0.execute("SELECT 1") }
                let served = try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<64 {
                        group.addTask {
                            _ = try await pool.run(within: .seconds(60)) { try $0.execute("SELECT pg_sleep(0.01)") }
                        }
                    }
                    return try await group.reduce(into: 0) { count, _ in count += 1 }
                }

                #expect(served == 64)
            }
        }
    }

    private func withPool(
        to url: String, size: Int, _ body: (PostgresPool) async throws -> Void
    ) async throws {
        let pool = PostgresPool(to: PostgresServers(url: url), size: size)
        try await cleaning({ try await pool.close() }, after: { try await body(pool) })
    }
}
