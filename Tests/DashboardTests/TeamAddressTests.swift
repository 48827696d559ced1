import Dispatch
import Server
import Storage
import TestSupport
import Testing

@testable import Gateway

/// Accounts and members of teams are in two tables, and an address is in one of them.
@Suite(.timeLimit(.minutes(15))) struct TeamAddressTests {
    private static let email = "kim@example.com"

    /// What a transaction says and is told that is held open.
    private struct Held: Sendable {
        let isReached = Flag()
        let isOver = DispatchSemaphore(value: 0)

        /// Holds the transaction that calls this.
        func hold() {
            isReached.set()
            _ = isOver.wait(timeout: .now() + .seconds(120))
        }
    }

    /// Waits until a transaction waits for the address that another one has.
    private static func untilSomebodyWaits(_ server: TestServer) async throws {
        try await until("somebody waits for the address") {
            let count: Int64? = try await server.store.read { tx in
                try tx.value(
                    """
                    SELECT COUNT(*) AS value
                    FROM pg_locks
                    WHERE locktype = 'advisory' AND NOT granted AND classid = 7473652
                        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                        AND objid = CAST(
                            CAST(hashtext(COALESCE(current_schema(), '') || ' ' || CAST(\(email) AS TEXT)) AS BIGINT)
                                & 4294967295 AS oid)
                    """)
            }
            return count == 1
        }
    }

    @Test(.enabled(if: Engine.enabled.contains(.postgresql)))
    func anAddressIsOnePersonsAlsoWhereTwoBeginAtOnce() async throws {
        try await withServer(on: .postgresql) { server in
            let owner = try await server.signedIn().page
            let link = try await TeamTests.link(TeamTests.ask(Self.email, as: .reader, owner))
            let (users, held) = (server.gateway.users, Held())

            async let made = users.create(email: Self.email, id: nil, apiKey: nil) { _, _ in held.hold() }
            try await until("the account is stored") { held.isReached.isSet }
            async let joined = TeamTests.follow(link, server).answer
            try await Self.untilSomebodyWaits(server)
            held.isOver.signal()

            let user = try await made
            let answer = try await joined
            #expect(user.email == Self.email)
            #expect(answer.status == 422 && answer.text.contains("signs in with"))
            let member = try await server.store.read { tx in try TeamQueries.find(email: Self.email, in: tx) }
            #expect(member == nil)
        }
    }

    @Test(.enabled(if: Engine.enabled.contains(.postgresql)))
    func nobodyGetsAnAccountWithTheAddressOfAMemberWhoIsJustJoining() async throws {
        try await withServer(on: .postgresql) { server in
            let account = UserID(try await server.signedIn().account.id)
            let (users, held) = (server.gateway.users, Held())

            async let joined = server.store.write { tx in
                try AccessQueries.lock(email: Self.email, in: tx)
                let member = TeamMember(
                    id: UserID("member"), account: account, email: Self.email, role: .reader, createdAt: tx.now)
                let isThere = try TeamQueries.insert(member, in: tx)
                held.hold()
                return isThere
            }
            try await until("the member is stored") { held.isReached.isSet }
            async let made = users.create(email: "Kim@Example.com", id: nil, apiKey: nil)
            try await Self.untilSomebodyWaits(server)
            held.isOver.signal()

            let isThere = try await joined
            #expect(isThere)
            do {
                _ = try await made
                Issue.record("the address has an account, too")
            } catch let error as UserCreationError {
                #expect(error.description.contains("e-mail address"))
            }
        }
    }
}
