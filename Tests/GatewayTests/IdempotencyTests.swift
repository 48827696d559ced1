import TestSupport
import Testing

/// The `Idempotency-Key` header on everything that is created by a POST.
@Suite(.timeLimit(.minutes(15))) struct IdempotencyTests {
    private static func post(
        _ client: APIClient, _ path: String, _ body: JSON, key: String
    ) async throws -> APIClient.Answer {
        try await client.send("POST", path, body, headers: [("Idempotency-Key", key)])
    }

    private static let creations: [(path: String, body: JSON)] = [
        ("/v1/messages/send", ["from": "+18005550199", "to": "+18005550100", "content": "Hi"]),
        ("/v1/messages/bulk-send", ["from": "+18005550199", "to": ["+18005550100", "12345"], "content": "Hi"]),
        ("/v1/messages/receive", ["to": "+18005550199", "from": "+18005550100", "content": "Hi"]),
        ("/v1/messages/calls/missed", ["to": "+18005550199", "from": "+18005550100"]),
        ("/v1/heartbeats", ["phone_numbers": ["+18005550199"]]),
        ("/v1/phone-api-keys", ["name": "key"]),
        (
            "/v1/send-schedules",
            [
                "name": "Office", "timezone": "UTC",
                "windows": [["day_of_week": 1, "start_minute": 0, "end_minute": 60]],
            ]
        ),
        (
            "/v1/webhooks",
            [
                "url": "http://127.0.0.1:1/", "signing_key": "key", "events": ["message.phone.received"],
                "phone_numbers": ["+18005550199"],
            ]
        ),
        ("/v1/webhooks/{webhook}/test", [:]),
        ("/v1/webhooks/{webhook}/replay", ["since": "2026-07-22T10:00:00Z"]),
    ]

    @Test func arepeatIsAnsweredTheSameAndCreatesNothing() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            let webhook = try await account.makeWebhook("http://127.0.0.1:1/hook")["id"].string
            for (index, creation) in Self.creations.enumerated() {
                let path = creation.path.replacing("{webhook}", with: webhook)
                let key = "key-\(index)"
                let first = try await Self.post(account.client, path, creation.body, key: key)
                let events = try await server.emittedTypes().count

                let second = try await Self.post(account.client, path, creation.body, key: key)

                #expect((200..<300).contains(first.status), "\(path) \(first)")
                #expect(second.status == first.status, "\(path) \(second)")
                #expect(second.body == first.body, "\(path)")
                #expect(first.header("Idempotency-Replayed") == nil)
                #expect(second.header("Idempotency-Replayed") == "true")
                #expect(try await server.emittedTypes().count == events)
            }
            // 1 sent, 2 in bulk, 1 received, 1 missed.
            #expect(try await account.client.get("/v1/messages/search").data.array.count == 5)
            #expect(try await account.client.get("/v1/webhooks").data.array.count == 2)
        }
    }

    @Test func anotherRequestUnderTheSameKeyIsAConflict() async throws {
        try await withServer { server in
            let (account, other) = (try await server.makeAccount(), try await server.makeAccount())
            _ = try await account.makePhone()
            _ = try await other.makePhone()
            let (path, body) = Self.creations[0]
            let first = try await Self.post(account.client, path, body, key: "key")
            #expect(first.status == 200)

            let changed = try await Self.post(account.client, path, body.with(["content": "Ho"]), key: "key")
            let elsewhere = try await Self.post(account.client, "/v1/phone-api-keys", ["name": "key"], key: "key")

            for answer in [changed, elsewhere] {
                #expect(answer.status == 409)
                #expect(answer.message.contains("The Idempotency-Key [key] was used for another request"))
            }
            let foreign = try await Self.post(other.client, path, body, key: "key")
            #expect(foreign.status == 200)
            #expect(foreign.data["id"] != first.data["id"])
        }
    }

    @Test func aRefusedRequestUsesNoKeyUp() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let (path, body) = Self.creations[0]
            #expect(try await Self.post(account.client, path, body, key: "key").status == 422)
            _ = try await account.makePhone()
            #expect(try await Self.post(account.client, path, body, key: "key").status == 200)
            for key in ["a b", "é", String(repeating: "k", count: 256)] {
                #expect(try await Self.post(account.client, path, body, key: key).status == 400, "\(key)")
            }
        }
    }

    @Test func anAnswerIsKeptFor24HoursAndOverARestart() async throws {
        try await withTemporaryDirectory { directory in
            let clock = AdjustableClock()
            let (path, body) = Self.creations[0]
            try await withServer(in: directory, clock: clock) { server in
                let account = try await server.makeAccount(id: "me", apiKey: "my-own-user-key-1")
                _ = try await account.makePhone()
                _ = try await Self.post(account.client, path, body, key: "key")
            }
            try await withServer(in: directory, clock: clock) { server in
                let client = server.client(key: "my-own-user-key-1")
                server.advance(by: .seconds(86_000))
                let repeated = try await Self.post(client, path, body, key: "key")
                #expect(repeated.header("Idempotency-Replayed") == "true")
                server.advance(by: .seconds(500))
                let late = try await Self.post(client, path, body, key: "key")
                #expect(late.header("Idempotency-Replayed") == nil)
                #expect(late.data["id"] != repeated.data["id"])
            }
        }
    }

    @Test func requestsAtTheSameTimeCreateOnce() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            let (path, body) = Self.creations[0]

            let answers = try await withThrowingTaskGroup(of: APIClient.Answer.self) { group in
                for _ in 0..<20 {
                    group.addTask { try await Self.post(account.client, path, body, key: "key") }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }

            #expect(Set(answers.map(\.body)).count == 1)
            #expect(answers.count { $0.header("Idempotency-Replayed") == nil } == 1)
            #expect(try await account.client.get("/v1/messages/search").data.array.count == 1)
        }
    }
}
