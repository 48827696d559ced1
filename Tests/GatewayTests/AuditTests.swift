import Foundation
import Secrets
import Server
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Gateway

/// The log of changes: what is in it, and who sees it.
@Suite(.timeLimit(.minutes(15))) struct AuditTests {
    private static func log(_ account: Account, _ query: String = "") async throws -> [JSON] {
        try await account.client.get("/v1/audit-log\(query)").data.array
    }

    /// Action and subject of each entry, the oldest first.
    private static func changes(_ account: Account) async throws -> [String] {
        try await log(account).reversed().map { "\($0["action"].string) \($0["subject"].string)" }
    }

    private static func contact(_ name: String, _ number: String) -> JSON {
        ["contacts": [["name": .string(name), "phone_numbers": [.string(number)]]]]
    }

    /// A new route has to be named, either as a change or as none.
    @Test func everyRouteThatChangesSomethingIsInOneOfTheLists() async throws {
        try await withServer { server in
            // What the SMSGate app and forwarders call for themselves has no account's key.
            let own = ["/mobile/v1", "/api/mobile/v1", "/v1/inbound/", "/playground/"]
            let changing = (server.routes + server.gateway.pageRoutes).filter { route in
                let (method, path) = (route.prefix { $0 != " " }, route.drop { $0 != " " }.dropFirst())
                return !["GET", "HEAD"].contains(method) && !own.contains(where: path.hasPrefix)
            }

            #expect(Set(changing) == Set(AuditedRoutes.actions.keys).union(AuditedRoutes.unlisted))
            #expect(AuditedRoutes.unlisted.isDisjoint(with: AuditedRoutes.actions.keys))
            let others: Set = ["session.started", "recovery_code.used", "team.joined", "password.reset"]
            #expect(Set(AuditedRoutes.actions.values).union(others) == Set(AuditAction.known))
        }
    }

    @Test(arguments: Engine.enabled) func whatProgramsChangeIsNotedWithWhoDidIt(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let account = try await server.makeAccount()
            let made = try await account.client.post(
                "/v1/access-keys", ["name": "Agent", "scopes": ["webhooks:manage"]])
            let agent = APIClient(baseURL: server.baseURL, apiKey: made.data["api_key"].string)
            let body: JSON = ["url": "https://example.com/hook", "events": ["*"], "all_phone_numbers": true]
            let id = try await agent.post("/v1/webhooks", body).data["id"].string
            #expect(try await agent.post("/v1/webhooks/\(id.uppercased())/pause", [:]).status == 200)
            #expect(try await account.client.delete("/v1/webhooks/\(id)").status == 200)

            let entries = try await Self.log(account)

            #expect(
                try await Self.changes(account) == [
                    "access_key.created \(made.data["id"].string)", "webhook.created \(id)",
                    "webhook.paused \(id)", "webhook.deleted \(id)",
                ])
            #expect(entries.map { $0["actor"].string } == ["account_key", "access_key", "access_key", "account_key"])
            #expect(entries[1]["actor_id"] == made.data["id"] && entries[0]["actor_id"] == .null)
            #expect(entries.allSatisfy { $0["address"] == "127.0.0.1" })
        }
    }

    @Test func whatWasRefusedOrAnsweredBeforeIsNotNoted() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.client.post(
                "/v1/contacts", ["contacts": [["name": "Ann", "phone_numbers": ["nonsense"]]]])
            _ = try await account.client.delete("/v1/webhooks/\(UUID().uuidString)")
            _ = try await account.client.get("/v1/webhooks")
            _ = try await server.client.post("/v1/contacts", Self.contact("Nobody", "+18005550100"))
            for _ in 0..<2 {
                _ = try await account.client.send(
                    "POST", "/v1/contacts", Self.contact("Ann", "+18005550100"),
                    headers: [("Idempotency-Key", "one")])
            }

            #expect(try await Self.log(account).map { $0["action"] } == ["contact.created"])
        }
    }

    @Test(arguments: Engine.enabled) func theLogIsPagedAndFiltered(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let account = try await server.makeAccount()
            var ids: [String] = []
            for number in 0..<5 {
                let contact = Self.contact("Contact \(number)", "+1800555010\(number)")
                ids.append(try await account.client.post("/v1/contacts", contact).data.array[0]["id"].string)
            }
            _ = try await account.client.delete("/v1/contacts/\(ids[0])")

            var seen: [String] = []
            var cursor = ""
            repeat {
                let page = try await account.client.get("/v1/audit-log?limit=4&cursor=\(cursor)")
                seen += page.data.array.map { $0["subject"].string }
                cursor = page.json["next_cursor"].string
            } while !cursor.isEmpty

            #expect(seen == [ids[0]] + ids.reversed())
            #expect(try await Self.log(account, "?actions=contact.deleted,webhook.created").count == 1)
            #expect(try await Self.log(account, "?subject=\(ids[0])").count == 2)
            #expect(try await Self.log(account, "?limit=0") == [])
            for wrong in [
                "actions=contact.eaten", "cursor=1", "limit=x", "subject=\(String(repeating: "x", count: 256))",
            ] {
                #expect(try await account.client.get("/v1/audit-log?\(wrong)").status == 422, "\(wrong)")
            }
        }
    }

    @Test func nobodyElseSeesIt() async throws {
        try await withServer { server in
            let (account, stranger) = (try await server.makeAccount(), try await server.makeAccount())
            let phone = try await account.makePhone("+18005550199")
            let scopes = JSON.array(KeyScope.allCases.map { .string($0.rawValue) })
            let key = try await account.client.post("/v1/access-keys", ["name": "All", "scopes": scopes])
            let program = APIClient(baseURL: server.baseURL, apiKey: key.data["api_key"].string)

            #expect(try await Self.log(account).isEmpty == false)
            #expect(try await Self.log(stranger) == [])
            #expect(try await program.get("/v1/audit-log").status == 403)
            #expect(try await phone.client.get("/v1/audit-log").status == 401)
        }
    }

    @Test(arguments: Engine.enabled) func whatTheOperatorDoesIsNotedAndAllOfItGoesWithTheAccount(engine: Engine)
        async throws
    {
        try await withServer(on: engine) { server in
            let account = try await server.makeAccount()
            let users = server.gateway.users
            try await users.setPassword("correct horse", email: account.email)
            let key = try await users.rotateAPIKey(ofEmail: account.email)
            let client = server.client(key: key.exposed)

            let entries = try await client.get("/v1/audit-log").data.array
            #expect(entries.map { $0["action"] } == ["api_key.rotated", "password.changed"])
            #expect(entries.allSatisfy { $0["actor"] == "operator" && $0["address"] == .null })

            #expect(try await client.delete("/v1/users/me").status == 204)
            server.advance(by: .seconds(120))
            _ = try await eventually("the log is gone") {
                let left: Int64 = try await server.store.read { tx in
                    try tx.value("SELECT COUNT(*) AS value FROM audit_entry") ?? 0
                }
                return left == 0 ? true : nil
            }
        }
    }

    @Test func entriesStayForFourHundredDays() async throws {
        let clock = ManualClock()
        try await withStore(.usual, migrations: GatewayStore.migrations, clock: clock) { store in
            func add() async throws {
                try await store.write { tx in
                    try AuditLog.add(
                        .signedIn, by: .serverOperator, from: String(repeating: "\u{0}x", count: 5_000),
                        userID: UserID("user"), in: tx)
                }
            }
            func prune() async throws -> Int {
                try await store.write { tx in
                    _ = try AuditQueries.prune(before: tx.now, in: tx)
                    return try AuditQueries.list(userID: UserID("user"), .init(), limit: 10, in: tx).count
                }
            }
            try await add()
            clock.advance(by: .seconds(399 * 86_400))
            try await add()

            #expect(try await prune() == 2)
            clock.advance(by: .seconds(2 * 86_400))
            #expect(try await prune() == 1)
        }
    }

    @Test(arguments: [
        ("/v1/webhooks/abc/pause", "POST /v1/webhooks/{webhookID}/pause", "abc"),
        ("/V1/Webhooks/abc/pause/", "POST /v1/webhooks/{webhookID}/pause", "abc"),
        ("/v1/phone-api-keys/a/phones/b", "DELETE /v1/phone-api-keys/{phoneAPIKeyID}/phones/{phoneID}", "a"),
        ("/v1/webhooks", "POST /v1/webhooks", nil), ("/", "POST ", nil), ("", "", nil),
        ("/v1/webhooks/abc", "POST /v1/webhooks/{webhookID}/pause", nil),
    ])
    func theSubjectIsWhatThePathNames(_ path: String, _ route: String, _ subject: String?) {
        #expect(AuditTrail.subject(of: path, route) == subject)
    }
}
