import TestSupport
import Testing

/// `/v1/phones`.
@Suite(.timeLimit(.minutes(15))) struct PhoneTests {
    private static let number = "+18005550199"

    @Test func aNewPhoneHasTheDefaultsOfTheContract() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()

            let answer = try await account.client.put("/v1/phones", ["phone_number": .string(Self.number)])

            #expect(answer.status == 200)
            #expect(answer.message == "phone updated successfully")
            let expected: JSON = [
                "id": answer.data["id"], "user_id": .string(account.id), "fcm_token": .null,
                "phone_number": .string(Self.number), "messages_per_minute": 10, "sim": "SIM1",
                "message_send_schedule_id": .null, "max_send_attempts": 2, "message_expiration_seconds": 600,
                "missed_call_auto_reply": .null, "unarchive_thread": false, "created_at": answer.data["created_at"],
                "updated_at": answer.data["updated_at"], "push_error": .null,
            ]
            #expect(answer.data == expected)
        }
    }

    @Test func settingsCountFromTheFirstPUTOn() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let settings: JSON = [
                "phone_number": .string(Self.number), "fcm_token": "token", "messages_per_minute": 0, "sim": "SIM2",
                "max_send_attempts": 5, "message_expiration_seconds": 3600, "missed_call_auto_reply": "Later.",
                "unarchive_thread": true,
            ]

            let answer = try await account.client.put("/v1/phones", settings)

            #expect(answer.data == answer.data.with(settings.object))
            #expect(try await account.client.get("/v1/phones").data == [answer.data])
        }
    }

    /// What a PUT makes of a phone that has a value of its own everywhere.
    @Test func whatIsAbsentStaysAndAnExplicitNullClears() async throws {
        let full: [String: JSON] = [
            "fcm_token": "token", "messages_per_minute": 20, "sim": "SIM2", "max_send_attempts": 4,
            "message_expiration_seconds": 900, "missed_call_auto_reply": "Later.", "unarchive_thread": true,
        ]
        let table: [(change: [String: JSON], result: [String: JSON])] = [
            ([:], [:]),
            (["fcm_token": "other"], ["fcm_token": "other"]),
            (["fcm_token": .null], ["fcm_token": .null]),
            (["fcm_token": "  "], ["fcm_token": .null]),
            (["missed_call_auto_reply": .null], ["missed_call_auto_reply": .null]),
            (["missed_call_auto_reply": " "], ["missed_call_auto_reply": .null]),
            (["missed_call_auto_reply": " Soon. "], ["missed_call_auto_reply": "Soon."]),
            (["messages_per_minute": 0], ["messages_per_minute": 0]),
            (["messages_per_minute": 60], ["messages_per_minute": 60]),
            (["messages_per_minute": .null], [:]),
            (["max_send_attempts": 1], ["max_send_attempts": 1]),
            (["max_send_attempts": 0], ["max_send_attempts": 2]),
            (["message_expiration_seconds": 60], ["message_expiration_seconds": 60]),
            (["message_expiration_seconds": 0], ["message_expiration_seconds": 600]),
            (["sim": "SIM1"], ["sim": "SIM1"]),
            (["sim": "nonsense"], ["sim": "SIM1"]),
            (["sim": .null], [:]),
            (["unarchive_thread": false], ["unarchive_thread": false]),
            (["message_send_schedule_id": .null], [:]),
            (["message_send_schedule_id": ""], [:]),
        ]
        try await withServer { server in
            let account = try await server.makeAccount()
            for row in table {
                let phone = JSON.object(["phone_number": .string(Self.number)])
                let before = try await account.client.put("/v1/phones", phone.with(full)).data
                let after = try await account.client.put("/v1/phones", phone.with(row.change))

                let expected = before.with(full).with(row.result).with(["updated_at": after.data["updated_at"]])
                #expect(after.status == 200, "\(row.change)")
                #expect(after.data == expected, "\(row.change)")
            }
            #expect(try await account.client.get("/v1/phones").data.array.count == 1)
        }
    }

    @Test func settingsOutOfRangeAreRefusedWithTheContractsWords() async throws {
        let number = "phone_number"
        let table: [(change: [String: JSON], field: String, messages: [String])] = [
            (
                [number: ""], number,
                ["The phone_number field is required", "The phone_number field \(Self.notANumber)"]
            ),
            (
                [number: .null], number,
                ["The phone_number field is required", "The phone_number field \(Self.notANumber)"]
            ),
            ([number: "12345"], number, ["The phone_number field \(Self.notANumber)"]),
            ([number: "+999999"], number, ["The phone_number field \(Self.notANumber)"]),
            (
                ["fcm_token": .string(String(repeating: "t", count: 1_001))], "fcm_token",
                ["The fcm_token field must be maximum 1000 char"]
            ),
            (
                ["messages_per_minute": 61], "messages_per_minute",
                ["The messages_per_minute field value can not be greater than 60"]
            ),
            (
                ["messages_per_minute": -1], "messages_per_minute",
                ["The messages_per_minute field value can not be less than 0"]
            ),
            (
                ["max_send_attempts": 6], "max_send_attempts",
                ["The max_send_attempts field value can not be greater than 5"]
            ),
            (
                ["message_expiration_seconds": 59], "message_expiration_seconds",
                ["The message_expiration_seconds field value can not be less than 60"]
            ),
            (
                ["message_expiration_seconds": 3_601], "message_expiration_seconds",
                ["The message_expiration_seconds field value can not be greater than 3600"]
            ),
            (
                ["message_expiration_seconds": 0, "max_send_attempts": 1], "message_expiration_seconds",
                ["message_expiration_seconds cannot be 0 when max_send_attempts is greater than 0"]
            ),
            (
                ["message_send_schedule_id": .string(unknownID)], "message_send_schedule_id",
                ["The message_send_schedule_id does not belong to the authenticated user or does not exist"]
            ),
        ]
        try await withServer { server in
            let account = try await server.makeAccount()
            for row in table {
                let answer = try await account.client.put(
                    "/v1/phones", JSON.object(["phone_number": .string(Self.number)]).with(row.change))

                #expect(answer.status == 422, "\(row.change)")
                #expect(
                    answer.json
                        == Envelope.invalid("validation errors while updating phones", [row.field: row.messages]))
            }
            #expect(try await account.client.get("/v1/phones").data == [])
        }
    }

    private static let notANumber = Envelope.notAPhoneNumber

    @Test func numbersAreMadeCanonicalBeforeTheyNameAPhone() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            for text in ["+18005550199", "18005550199", " +1 (800) 555-0199 ", "+1-800-555-0199"] {
                let answer = try await account.client.put("/v1/phones", ["phone_number": .string(text)])

                #expect(answer.data["phone_number"] == "+18005550199", "\(text)")
            }
            #expect(try await account.client.get("/v1/phones").data.array.count == 1)
        }
    }

    @Test func theSameNumberIsAnotherPhoneForAnotherUser() async throws {
        try await withServer { server in
            let (account, other) = (try await server.makeAccount(), try await server.makeAccount())
            let phone = try await account.makePhone()
            let twin = try await other.makePhone()

            let deleted = try await other.client.delete("/v1/phones/\(phone.id)")

            #expect(phone.id != twin.id)
            #expect(deleted.status == 404)
            #expect(deleted.json == Envelope.error("cannot find phone with ID [\(phone.id)]"))
            #expect(try await account.client.get("/v1/phones").data.array.count == 1)
        }
    }

    @Test func theListIsPagedNewestFirstAndSearched() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            for last in 1...3 { _ = try await account.makePhone("+1800555010\(last)") }
            let table: [(query: String, numbers: [JSON])] = [
                ("", ["+18005550103", "+18005550102", "+18005550101"]),
                ("?limit=100", ["+18005550103", "+18005550102", "+18005550101"]),
                ("?limit=1", ["+18005550103"]),
                ("?limit=1&skip=1", ["+18005550102"]),
                ("?skip=3", []),
                ("?limit=0", []),
                ("?limit=99999999999999999999", ["+18005550103", "+18005550102", "+18005550101"]),
                ("?skip=99999999999999999999", []),
                ("?query=0102", ["+18005550102"]), ("?query=(800)%20555-0102", ["+18005550102"]),
                ("?query=001%20800%20555%200102", ["+18005550102"]),
                ("?query=%25", []),
                ("?query=_", []),
            ]
            for row in table {
                let answer = try await account.client.get("/v1/phones\(row.query)")

                #expect(answer.data.array.map { $0["phone_number"] } == row.numbers, "\(row.query)")
            }
        }
    }

    @Test func aDeletedPhoneLeavesItsKeyAndItsWebhooks() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            _ = try await account.makePhone("+18005550188")
            try await account.makeWebhook("http://127.0.0.1:1/one")
            try await account.makeWebhook("http://127.0.0.1:1/two", numbers: ["+18005550188", "+18005550199"])

            let deleted = try await account.client.delete("/v1/phones/\(phone.id)")

            #expect(deleted.text == #"{"data":null,"message":"phone deleted successfully","status":"success"}"#)
            let webhooks = try await account.client.get("/v1/webhooks").data.array
            #expect(webhooks.map { $0["phone_numbers"] } == [["+18005550188"], []])
            #expect(try await phone.beat().json == Envelope.foreignNumber("+18005550199", boundTo: ""))
            let keys = try await account.client.get("/v1/phone-api-keys?query=0199").data
            #expect(keys[0]["phone_numbers"] == [])
            #expect(keys[0]["phone_ids"] == [])
        }
    }

    @Test func aWebhookWithoutNumbersIsHeldUntilItGetsOne() async throws {
        try await WebhookReceiver.run { receiver in
            let url = receiver.url()
            try await withServer { server in
                let account = try await server.makeAccount()
                let phone = try await account.makePhone()
                _ = try await account.makePhone("+18005550188")
                let webhook = try await account.makeWebhook(url)["id"].string
                #expect(try await account.client.delete("/v1/phones/\(phone.id)").status == 200)

                let partial = try await account.client.put("/v1/webhooks/\(webhook)", ["signing_key": "other"])
                let mended = try await account.client.put(
                    "/v1/webhooks/\(webhook)", ["phone_numbers": ["+18005550188"]])

                #expect(partial.status == 422)
                #expect(mended.status == 200)
                let user = account.client
                _ = try await user.post(
                    "/v1/messages/receive", ["to": "+18005550188", "from": "+18005550100", "content": "Hello"])
                #expect(try await receiver.requests(1).map(\.eventType) == ["message.phone.received"])
            }
        }
    }
}
