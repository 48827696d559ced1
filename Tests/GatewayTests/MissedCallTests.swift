import TestSupport
import Testing

/// `POST /v1/messages/calls/missed`.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct MissedCallTests {
    private static let call: JSON = [
        "to": "+18005550199", "from": "+18005550100", "sim": "SIM2", "timestamp": "2026-07-22T10:59:41.120000000Z",
    ]

    @Test func aCallIsStoredAsAMessageWithoutContent() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()

            let answer = try await phone.client.post("/v1/messages/calls/missed", Self.call)

            #expect(answer.status == 200)
            #expect(answer.message == "missed call event stored successfully")
            let expected = answer.data.with([
                "owner": "+18005550199", "contact": "+18005550100", "content": "", "attachments": [],
                "type": "call/missed", "status": "received", "sim": "SIM2", "received_at": .null,
                "request_received_at": "2026-07-22T10:59:41.12Z", "order_timestamp": "2026-07-22T10:59:41.12Z",
                "request_id": .null, "max_send_attempts": 0,
            ])
            #expect(answer.data == expected)
            #expect(try await account.message(answer.data["id"].string) == answer.data)
            #expect(try await server.emittedTypes() == ["message.call.missed"])
        }
    }

    @Test func aRepeatedCallIsAnsweredWithTheFirstAndRepliesOnce() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            _ = try await account.client.put(
                "/v1/phones", ["phone_number": "+18005550199", "missed_call_auto_reply": "Later."])

            let first = try await phone.client.post("/v1/messages/calls/missed", Self.call)
            let again = try await phone.client.post("/v1/messages/calls/missed", Self.call)
            let other = try await phone.client.post("/v1/messages/calls/missed", Self.call.with(["sim": "SIM1"]))

            #expect(again.text == first.text)
            #expect(other.data["id"] != first.data["id"])
            #expect(try await server.emittedTypes() == ["message.call.missed", "message.call.missed"])
            let all = try await account.client.get("/v1/messages?owner=+18005550199&contact=+18005550100").data
            #expect(all.array.count { $0["type"] == "mobile-terminated" } == 2)
        }
    }

    @Test func theAutoReplyIsAMessageOfItsOwn() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            _ = try await account.client.put(
                "/v1/phones",
                [
                    "phone_number": "+18005550199", "missed_call_auto_reply": "Later.", "sim": "SIM2",
                    "max_send_attempts": 3,
                ])

            let call = try await phone.client.post("/v1/messages/calls/missed", Self.call).data

            let all = try await account.client.get("/v1/messages?owner=+18005550199&contact=+18005550100").data
            let reply = all.array.first { $0["type"] == "mobile-terminated" } ?? .absent
            #expect(reply["content"] == "Later.")
            #expect(reply["request_id"].string == "missed-call-\(call["id"].string)")
            #expect(reply["sim"] == "SIM2")
            #expect(reply["max_send_attempts"] == 3)
            #expect(try await phone.fetch(reply["id"].string).data["status"] == "sending")
        }
    }

    @Test func aPhoneWithoutAnAutoReplySendsNothing() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone().client.post("/v1/messages/calls/missed", Self.call)

            let all = try await account.client.get("/v1/messages?owner=+18005550199&contact=+18005550100").data

            #expect(all.array.map { $0["type"] } == ["call/missed"])
        }
    }

    /// A reply can only go to a number; a name or a hidden number cannot be answered.
    @Test(arguments: ["Unknown", "PRIVATE"])
    func aCallerWithoutANumberGetsNoReply(caller: String) async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            _ = try await account.client.put(
                "/v1/phones", ["phone_number": "+18005550199", "missed_call_auto_reply": "Later."])

            let answer = try await phone.client.post(
                "/v1/messages/calls/missed", Self.call.with(["from": .string(caller)]))

            #expect(answer.status == 200)
            let all = try await account.client.get("/v1/messages?owner=+18005550199&contact=\(caller)").data
            #expect(all.array.map { $0["type"] } == ["call/missed"])
        }
    }

    @Test func thePhonesNumberIsRequired() async throws {
        let bad = "The to field \(Envelope.notAPhoneNumber)"
        let table: [(change: [String: JSON], errors: [String: [String]])] = [
            (["to": .absent], ["to": ["The to field is required", bad]]),
            (["to": "12345"], ["to": [bad]]),
        ]
        try await withServer { server in
            let account = try await server.makeAccount()
            for row in table {
                let answer = try await account.client.post(
                    "/v1/messages/calls/missed", Self.call.with(row.change))

                #expect(answer.status == 422)
                #expect(
                    answer.json
                        == Envelope.invalid("validation errors while storing missed call event", row.errors))
            }
        }
    }
}
