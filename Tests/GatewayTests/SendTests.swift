import TestSupport
import Testing
import Timestamps

/// `POST /v1/messages/send`.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct SendTests {
    private static let draft: JSON = ["from": "+18005550199", "to": "+18005550100", "content": "Hi"]

    @Test func aMessageIsStoredAsPendingWithThePhonesSettings() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.client.put(
                "/v1/phones", ["phone_number": "+18005550199", "sim": "SIM2", "max_send_attempts": 4])

            let answer = try await account.client.post(
                "/v1/messages/send",
                Self.draft.with(["from": "18005550199", "to": "8005550100", "request_id": " order-17 ", "sim": "SIM1"]))

            #expect(answer.status == 200)
            #expect(answer.message == "message added to queue")
            let (data, time) = (answer.data, answer.data["created_at"])
            let expected: JSON = [
                "id": data["id"], "request_id": "order-17", "owner": "+18005550199", "user_id": .string(account.id),
                "contact": "+18005550100", "content": "Hi", "attachments": [], "encrypted": false,
                "type": "mobile-terminated", "status": "pending", "sim": "SIM2", "send_time": .null,
                "request_received_at": time, "created_at": time, "updated_at": time, "order_timestamp": time,
                "last_attempted_at": .null, "scheduled_at": time, "sent_at": .null, "scheduled_send_time": .null,
                "delivered_at": .null, "expired_at": .null, "failed_at": .null, "send_attempt_count": 0,
                "max_send_attempts": 4, "received_at": .null, "failure_reason": .null,
            ]
            #expect(data == expected)
        }
    }

    @Test func whatIsSentIsKeptAsItIs() async throws {
        let long = String(repeating: "漢", count: 2_048)
        let longURL = "https://example.com/" + String(repeating: "a", count: 2_000)
        let table: [(change: [String: JSON], result: [String: JSON])] = [
            (["content": .string(long)], ["content": .string(long)]),
            (["content": " \n "], ["content": " \n "]),
            (["to": "12345"], ["contact": "12345"]),
            (["to": " +44 (0)7911 123456 "], ["contact": "+447911123456"]),
            (["to": "+1-800-FLOWERS"], ["contact": "+18003569377"]),
            (["request_id": ""], ["request_id": .null]),
            (["request_id": .null], ["request_id": .null]),
            (["request_id": .string(String(repeating: "r", count: 255))], [:]),
            (["encrypted": true], ["encrypted": true]),
            (
                ["attachments": [" https://example.com/a.jpg ", "", "  ", "HTTP://example.com:8080/%C3%A4?b#c"]],
                ["attachments": ["https://example.com/a.jpg", "HTTP://example.com:8080/%C3%A4?b#c"]]
            ),
            (["attachments": [.string(longURL)]], ["attachments": [.string(longURL)]]),
            (["attachments": .null], ["attachments": []]),
        ]
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            for row in table {
                let answer = try await account.client.post("/v1/messages/send", Self.draft.with(row.change))

                #expect(answer.status == 200, "\(row.change) \(answer)")
                #expect(answer.data == answer.data.with(row.result), "\(row.change)")
                #expect(try await account.client.get("/v1/messages/\(answer.data["id"].string)").status == 200)
            }
        }
    }

    @Test func everyRuleSaysWhatItWants() async throws {
        func attachment(_ index: Int, _ url: String) -> String {
            "The attachment \(index) with URL [\(url)] must be a valid URL e.g https://placehold.co/600x400"
        }
        let from = "The from field \(Envelope.notAPhoneNumber)"
        let to = "The to field must contain only digits and must be less than 14 characters"
        let table: [(change: [String: JSON], errors: [String: [String]])] = [
            (["from": .absent], ["from": ["The from field is required", from]]),
            (["from": "12345"], ["from": [from]]),
            (["to": .absent], ["to": ["The to field is required", to]]),
            (["to": "1"], ["to": [to]]),
            (["to": "1234567890123456"], ["to": [to]]),
            (["to": "VODAFONE"], ["to": [to]]),
            (["content": .absent], ["content": ["The content field is required"]]),
            (["content": ""], ["content": ["The content field is required"]]),
            (
                ["content": .string(String(repeating: "é", count: 2_049))],
                ["content": ["The content field must be maximum 2048 char"]]
            ),
            (
                ["attachments": .array(Array(repeating: "https://example.com/a", count: 11))],
                ["attachments": ["The attachments field must be maximum 10 in size"]]
            ),
            (
                ["attachments": ["https://example.com/a", "example.com/b", "ftp://example.com/c", "https:///d"]],
                [
                    "attachments": [
                        attachment(1, "example.com/b"), attachment(2, "ftp://example.com/c"),
                        attachment(3, "https:///d"),
                    ]
                ]
            ),
            (
                ["attachments": ["https://example.com/a\nb"]],
                ["attachments": [attachment(0, "https://example.com/a\nb")]]
            ),
            (
                ["request_id": .string(String(repeating: "é", count: 128))],
                ["request_id": ["The request_id field must be maximum 255 char"]]
            ),
            (
                ["from": "+18005550188"],
                [
                    "from": [
                        """
                        no phone found with 'from' number [+18005550188]. install the android app on your phone to \
                        start sending messages
                        """
                    ]
                ]
            ),
        ]
        try await withServer { server in
            let account = try await server.makeAccount()
            let other = try await server.makeAccount()
            _ = try await account.makePhone()
            _ = try await other.makePhone("+18005550188")
            for row in table {
                let answer = try await account.client.post("/v1/messages/send", Self.draft.with(row.change))

                #expect(answer.status == 422, "\(row.change)")
                #expect(answer.json == Envelope.invalid("validation errors while sending message", row.errors))
            }
        }
    }

    @Test func aMessageCanBePlannedFor480HoursAhead() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            let now = server.clock.now()
            let (soon, far) = (now + .seconds(480 * 3_600 - 60), now + .seconds(480 * 3_600 + 60))

            let planned = try await account.client.post(
                "/v1/messages/send", Self.draft.with(["send_at": .string(soon.rfc3339)]))
            let refused = try await account.client.post(
                "/v1/messages/send", Self.draft.with(["send_at": .string(far.rfc3339)]))

            #expect(planned.data["scheduled_send_time"].string == soon.rfc3339)
            #expect(planned.data["order_timestamp"].string == soon.rfc3339)
            #expect(
                refused.json
                    == Envelope.invalid(
                        "validation errors while sending message",
                        ["send_at": ["the scheduled time cannot be more than 20 days (480 hours) in the future"]]))
            let id = planned.data["id"].string
            server.advance(by: .seconds(480 * 3_600))
            let due = try await eventually("the message is handed out") {
                let message = try await account.message(id)
                return message["status"] == "scheduled" ? message : JSON?.none
            }
            #expect(due["scheduled_at"].string == soon.rfc3339)
            #expect(due["send_attempt_count"] == 1)
            #expect(try await phone.fetch(id).status == 200)
        }
    }

    @Test func aTimeInThePastMeansNow() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()

            let id = try await account.send(["send_at": "2020-01-01T00:00:00Z"])["id"].string

            let message = try await eventually("the message is handed out") {
                let message = try await account.message(id)
                return message["status"] == "scheduled" ? message : JSON?.none
            }
            #expect(message["scheduled_send_time"] == "2020-01-01T00:00:00Z")
        }
    }
}
