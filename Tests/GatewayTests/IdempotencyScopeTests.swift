import TestSupport
import Testing

/// Whose an `Idempotency-Key` is, and on which routes it means something.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct IdempotencyScopeTests {
    private static func post(
        _ client: APIClient, _ path: String, _ body: String, key: String, type: String = "application/json"
    ) async throws -> APIClient.Answer {
        try await client.send(
            "POST", path, headers: [("Content-Type", type), ("Idempotency-Key", key)], body: Array(body.utf8))
    }

    @Test(arguments: Engine.enabled) func aPhoneGetsNoAnswerThatTheAccountWasGiven(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            let body = #"{"name":"laptop"}"#
            let made = try await Self.post(account.client, "/v1/phone-api-keys", body, key: "create-key")
            #expect(made.status == 200, "\(made)")

            for body in [body, #"{"name":"other"}"#] {
                let answer = try await Self.post(phone.client, "/v1/phone-api-keys", body, key: "create-key")
                #expect(answer.status == 401)
                #expect(answer.header("Idempotency-Replayed") == nil)
            }
            let repeated = try await Self.post(account.client, "/v1/phone-api-keys", body, key: "create-key")
            #expect(repeated.body == made.body)
            #expect(repeated.header("Idempotency-Replayed") == "true")
        }
    }

    @Test(arguments: Engine.enabled) func theAccountAndEachPhoneHaveKeysOfTheirOwn(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let account = try await server.makeAccount()
            let phones = [
                try await account.makePhone("+18005550199").client, try await account.makePhone("+18005550198").client,
            ]
            let beat = { (number: String) in #"{"phone_numbers":["\#(number)"]}"# }
            // The phone takes the key first, and the account the same text for something else.
            let first = try await Self.post(phones[0], "/v1/heartbeats", beat("+18005550199"), key: "key")
            let second = try await Self.post(phones[1], "/v1/heartbeats", beat("+18005550198"), key: "key")
            let third = try await Self.post(
                account.client, "/v1/messages/send", #"{"from":"+18005550199","to":"+18005550100","content":"Hi"}"#,
                key: "key")
            let again = try await Self.post(phones[0], "/v1/heartbeats", beat("+18005550199"), key: "key")

            #expect([first, second].allSatisfy { (200..<300).contains($0.status) }, "\(first) \(second)")
            #expect(third.status == 200, "\(third)")
            #expect([first, second, third].allSatisfy { $0.header("Idempotency-Replayed") == nil })
            #expect(again.body == first.body)
            #expect(again.header("Idempotency-Replayed") == "true")
        }
    }

    @Test func theRouteIsFoundBeforeTheBodyIsRead() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            let long = "[\(Array(repeating: "0", count: 1 << 20).joined(separator: ","))]"
            for type in ["application/json", "multipart/form-data; boundary=B", "text/plain"] {
                let send = { (client: APIClient, path: String) in
                    try await Self.post(client, path, long, key: "a b", type: type).status
                }
                #expect(try await send(account.client, "/v1/anything") == 404)
                #expect(try await send(phone.client, "/v1/anything") == 404)
                #expect(try await send(server.client, "/v1/anything") == 404)
                #expect(try await send(phone.client, "/v1/messages/send") == 401)
                #expect(try await send(server.client, "/v1/messages/send") == 401)
                #expect(try await send(phone.client, "/v1/bulk-messages") == 401)
            }
            let heartbeat = try await Self.post(phone.client, "/v1/heartbeats", long, key: "1")
            #expect(heartbeat.status == 413)
        }
    }

    @Test func theOrderOfMembersDoesNotMatter() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            let bodies = [
                #"{"from":"+18005550199","to":"+18005550100","content":"Hi"}"#,
                #"{ "content" : "\u0048i", "to":"+18005550100","from":"+18005550199"}"#,
            ]
            let first = try await Self.post(account.client, "/v1/messages/send", bodies[0], key: "key")
            let second = try await Self.post(account.client, "/v1/messages/send", bodies[1], key: "key")

            #expect(first.status == 200)
            #expect(second.body == first.body)
        }
    }

    @Test func ofALongBodyEveryByteCounts() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            let padding = String(repeating: "x", count: 2 << 20)
            let body = #"{"to":"+18005550199","from":"+18005550100","content":"Hi","x":"\#(padding)"}"#
            let first = try await Self.post(phone.client, "/v1/messages/receive", body, key: "key")
            let same = try await Self.post(phone.client, "/v1/messages/receive", body, key: "key")
            let spaced = try await Self.post(phone.client, "/v1/messages/receive", body + " ", key: "key")

            #expect(first.status == 200, "\(first.status)")
            #expect(same.body == first.body)
            #expect(spaced.status == 409)
        }
    }
}
