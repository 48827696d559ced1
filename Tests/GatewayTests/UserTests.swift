import Storage
import TestSupport
import Testing

/// `/v1/users`.
@Suite(.timeLimit(.minutes(15))) struct UserTests {
    @Test func anAccountIsChangedInPart() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            let table: [(body: JSON, result: [String: JSON])] = [
                (["timezone": " Europe/Berlin "], ["timezone": "Europe/Berlin", "active_phone_id": .null]),
                (["active_phone_id": .string(phone.id)], ["active_phone_id": .string(phone.id)]),
                ([:], ["timezone": "Europe/Berlin", "active_phone_id": .string(phone.id)]),
                (["active_phone_id": .null], ["timezone": "Europe/Berlin", "active_phone_id": .null]),
            ]
            for row in table {
                let answer = try await account.client.put("/v1/users/me", row.body)

                #expect(answer.status == 200, "\(answer)")
                #expect(answer.message == "user updated successfully")
                #expect(answer.data == answer.data.with(row.result))
                #expect(try await account.client.get("/v1/users/me").data == answer.data)
            }
        }
    }

    @Test func everyRuleSaysWhatItWants() async throws {
        try await withServer { server in
            let (account, other) = (try await server.makeAccount(), try await server.makeAccount())
            let foreign = try await other.makePhone("+18005550188")
            let unknown = "The active_phone_id does not belong to the authenticated user or does not exist"
            let table: [(body: JSON, errors: [String: [String]])] = [
                (
                    ["timezone": "Mars/Olympus"],
                    ["timezone": ["The timezone must be a valid IANA timezone e.g Europe/London."]]
                ),
                (
                    ["timezone": ""],
                    ["timezone": ["The timezone must be a valid IANA timezone e.g Europe/London."]]
                ),
                (
                    ["active_phone_id": "x"],
                    ["active_phone_id": ["The active_phone_id field must contain valid UUID"]]
                ),
                (["active_phone_id": .string(unknownID)], ["active_phone_id": [unknown]]),
                (["active_phone_id": .string(foreign.id)], ["active_phone_id": [unknown]]),
            ]
            for row in table {
                let answer = try await account.client.put("/v1/users/me", row.body)
                #expect(answer.status == 422, "\(row.body)")
                #expect(answer.json == Envelope.invalid("validation errors while updating user", row.errors))
            }
        }
    }

    @Test func notificationSettingsAreKept() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let answer = try await account.client.put(
                "/v1/users/\(account.id)/notifications", ["webhook_enabled": false, "newsletter_enabled": false])

            #expect(answer.status == 200)
            #expect(answer.message == "user notification settings updated successfully")
            let flags = ["message_status", "webhook", "heartbeat", "newsletter"].map {
                answer.data["notification_\($0)_enabled"]
            }
            #expect(flags == [true, false, true, false])
            #expect(try await account.client.get("/v1/users/me").data == answer.data)
            let foreign = try await account.client.put("/v1/users/somebody/notifications", [:])
            #expect(foreign.status == 401)
        }
    }

    /// Tables that hold something of an account, and in which column.
    private static let tables: [(SQL, SQL)] = [
        ("users", "id"), ("phone", "user_id"), ("phone_api_key", "user_id"), ("presence", "user_id"),
        ("heartbeat", "user_id"), ("message", "user_id"), ("message_thread", "user_id"), ("attachment", "user_id"),
        ("push", "user_id"), ("send_schedule", "user_id"), ("bulk_message", "user_id"), ("endpoint", "user_id"),
        ("event", "user_id"), ("replay", "user_id"), ("idempotency_key", "user_id"), ("user_erasure", "user_id"),
    ]

    @Test func aDeletedAccountTakesAllItOwnedAlong() async throws {
        try await withServer { server in
            try await WebhookReceiver.run { receiver in
                let (account, other) = (try await server.makeAccount(), try await server.makeAccount())
                for one in [account, other] {
                    let phone = try await one.makePhone()
                    // The operator's networks are for the first account's webhooks only.
                    try await one.makeWebhook(one.id == account.id ? receiver.url() : "http://192.0.2.1.invalid/hook")
                    _ = try await phone.beat()
                    let image: JSON = ["name": "a.png", "content_type": "image/png", "content": "iVBORw0KGgo="]
                    _ = try await phone.receive(["from": "+18005550100", "content": "Hi", "attachments": [image]])
                    _ = try await one.client.send(
                        "POST", "/v1/messages/send",
                        ["from": "+18005550199", "to": "+18005550100", "content": "Hi"],
                        headers: [("Idempotency-Key", "key")])
                    _ = try await one.client.post(
                        "/v1/send-schedules",
                        [
                            "name": "Office", "timezone": "UTC",
                            "windows": [["day_of_week": 1, "start_minute": 0, "end_minute": 60]],
                        ])
                }
                _ = try await receiver.requests(1)
                let before = try await Self.counts(of: other.id, server)

                let answer = try await account.client.delete("/v1/users/me")

                #expect(answer.status == 204)
                #expect(try await account.client.get("/v1/users/me").status == 401)
                await #expect(throws: (any Error).self) { _ = try await server.makeAccount(id: account.id) }
                try await until("only the mark is left") {
                    try await Self.counts(of: account.id, server).dropLast().allSatisfy { $0 == 0 }
                }
                server.clock.advance(by: .seconds(61))
                try await until("the mark is gone") {
                    try await Self.counts(of: account.id, server).allSatisfy { $0 == 0 }
                }
                #expect(try await Self.counts(of: other.id, server) == before)
                _ = try await server.makeAccount(id: account.id)
                let mismatches = try await server.store.read { tx in try Self.orphans(in: tx) }
                #expect(mismatches == [0, 0, 0])
            }
        }
    }

    private static func counts(of id: String, _ server: TestServer) async throws -> [Int] {
        try await server.store.read { tx in
            try tables.map { table, column in
                try tx.value("SELECT COUNT(*) AS value FROM \(table) WHERE \(column) = \(id)") ?? -1
            }
        }
    }

    /// Rows whose owner is gone: bodies, attempts, bindings of keys.
    private static func orphans(in tx: any Transaction) throws -> [Int] {
        try [
            "SELECT COUNT(*) AS value FROM event_body WHERE event_id NOT IN (SELECT id FROM event)",
            "SELECT COUNT(*) AS value FROM attempt WHERE delivery_id NOT IN (SELECT id FROM delivery)",
            """
            SELECT COUNT(*) AS value
            FROM phone_api_key_phone
            WHERE phone_api_key_id NOT IN (SELECT id FROM phone_api_key)
            """,
        ].map { (statement: SQL) in try tx.value(statement) ?? -1 }
    }
}
