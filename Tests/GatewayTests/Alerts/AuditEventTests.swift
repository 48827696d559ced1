import Storage
import TestSupport
import Testing

@testable import Gateway
@testable import Server

/// Changes in the account, told to webhooks for alerts.
@Suite(.timeLimit(.minutes(15))) struct AuditEventTests {
    private static let webhooks = "/v1/alerts/webhooks"

    private static func makeWebhook(_ account: Account, _ url: String, _ more: JSON = [:]) async throws -> JSON {
        let answer = try await account.client.post(webhooks, JSON.object(["url": .string(url)]).with(more.object))
        try #require(answer.status == 201, "\(answer)")
        return answer.data
    }

    @Test func eachChangeIsToldToWhoeverNamesIt() async throws {
        try await withWebhookServer { server, account, _, receiver in
            let all = try await Self.makeWebhook(account, receiver.url("/all"))
            let changes = try await Self.makeWebhook(
                account, receiver.url("/changes"), ["events": ["audit.recorded"]])
            let both = try await Self.makeWebhook(
                account, receiver.url("/both"), ["events": ["*", "audit.recorded"], "payload_format": "ntfy"])
            _ = try await account.makeWebhook(receiver.url("/events"), ["events": ["*"]])
            let key = try await account.client.post(
                "/v1/access-keys", ["name": "Agent", "scopes": ["webhooks:manage"]])
            try await server.gateway.users.setPassword("correct horse", email: account.email)

            let told = try await receiver.requests(5, to: "/changes")
            let chat = try await receiver.requests(4, to: "/both")
            let entries = try await account.client.get("/v1/audit-log?limit=5").data.array
            let counts: [Int] = try await server.store.read { tx in
                let events: Int? = try tx.value("SELECT COUNT(*) AS value FROM event WHERE type = 'audit.recorded'")
                let deliveries: Int? = try tx.value("SELECT COUNT(*) AS value FROM delivery")
                return [events ?? 0, deliveries ?? 0]
            }

            #expect(all["events"] == ["*"] && changes["events"] == ["audit.recorded"])
            #expect(both["events"] == ["*", "audit.recorded"])
            #expect(told.allSatisfy { $0.eventType == "audit.recorded" && $0.json["source"] == "/v1/audit-log" })
            let data = told.map { $0.json["data"] }
            #expect(Set(data.map { $0.with(["title": .absent, "message": .absent]) }) == Set(entries))
            let titles = Set(data.map { $0["title"].string })
            #expect(titles.contains("A program with the account's API key made an access key"), "\(titles)")
            #expect(titles.contains("Whoever runs this server changed the password"), "\(titles)")
            #expect(chat.contains { $0.text.contains("Whoever runs this server changed the password") })
            let secrets = [key.data["api_key"].string, account.apiKey, "correct horse"]
            #expect(!told.contains { request in secrets.contains { request.text.contains($0) } })
            // Neither a delivery makes an entry, nor does anybody else hear of one.
            #expect(counts == [5, 9])
            #expect(receiver.requests(to: "/all").isEmpty && receiver.requests(to: "/events").isEmpty)
        }
    }

    @Test func noAccessKeyHearsOfChangesOrSilencesThem() async throws {
        try await withWebhookServer { server, account, _, receiver in
            let scopes = JSON.array(KeyScope.allCases.map { .string($0.rawValue) })
            let key = try await account.client.post("/v1/access-keys", ["name": "All", "scopes": scopes])
            let program = APIClient(baseURL: server.baseURL, apiKey: key.data["api_key"].string)
            let changes = try await Self.makeWebhook(account, receiver.url("/told"), ["events": ["audit.recorded"]])
            let mine = JSON.string(receiver.url("/mine"))
            let alerts = try await program.post(Self.webhooks, ["url": mine])
            let (path, own) = (
                "\(Self.webhooks)/\(changes["id"].string)", "\(Self.webhooks)/\(alerts.data["id"].string)"
            )

            let refused = [
                try await program.post(Self.webhooks, ["url": mine, "events": ["*", "audit.recorded"]]),
                try await program.put(own, ["events": ["audit.recorded"]]),
                try await program.put(path, ["url": mine]), try await program.put(path, ["events": ["*"]]),
                try await program.delete(path),
            ]
            #expect(alerts.status == 201)
            #expect(refused.map(\.status) == [403, 403, 403, 403, 403])
            #expect(refused.allSatisfy { $0.json["code"] == "insufficient_scope" })
            #expect(try await account.client.get(path).data["url"] == changes["url"])

            let delivery = try await account.newest(changes, is: "succeeded")
            for read in ["/v1/deliveries/\(delivery["id"].string)", "/v1/events/\(delivery["event_id"].string)"] {
                #expect(try await program.get(read).status == 403, "\(read)")
                #expect(try await account.client.get(read).status == 200, "\(read)")
            }
            #expect(try await account.client.put(path, ["events": ["*"]]).data["events"] == ["*"])
            #expect(try await program.delete(path).status == 204)
        }
    }

    @Test(arguments: [
        ["*"], ["audit.recorded"], ["*", "audit.recorded"], ["phone.offline"], ["phone.offline", "audit.recorded"],
    ])
    func whatIsChosenIsReadAsItWasStored(_ names: [String]) {
        var errors = FieldErrors()
        let causes = AlertCauses(names: names, &errors)

        #expect(causes.names == names)
        #expect(AlertCauses(stored: causes.stored ?? "") == causes)
        #expect(causes.hasChanges == names.contains("audit.recorded"))
        #expect(causes.contains(.phoneOffline) == (names != ["audit.recorded"]))
        #expect(causes.contains(.diskLow) == names.contains("*"))
    }

    @Test func whoHearsOfChangesIsFoundByIndexes() async throws {
        let plans = try await withStore(.sqlite, migrations: GatewayStore.migrations) { store in
            try await queryPlans(of: store) { tx in
                try AuditLog.add(.signedIn, by: .serverOperator, from: nil, userID: UserID("user"), in: tx)
            }
        }

        #expect(plans.contains { $0.hasPrefix("SEARCH c USING") && $0.contains("(user_id=?)") }, "\(plans)")
        #expect(!plans.contains { $0.hasPrefix("SCAN") || $0.contains("TEMP B-TREE") }, "\(plans)")
    }
}
