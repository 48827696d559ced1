import TestSupport
import Testing
import Timestamps

/// `POST /v1/messages/bulk-send`.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct BulkSendTests {
    private static let draft: JSON = [
        "from": "+18005550199", "to": ["+18005550101", "18005550102", "12345", "+18005550101"], "content": "Hi",
    ]

    @Test func everyRecipientGetsAMessageInTheOrderOfTheRequest() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.client.put(
                "/v1/phones", ["phone_number": "+18005550199", "messages_per_minute": 10])

            let answer = try await account.client.post(
                "/v1/messages/bulk-send", Self.draft.with(["request_id": " order-17 ", "encrypted": true]))

            #expect(answer.status == 200)
            #expect(answer.message == "4 out of 4 messages processed successfully")
            let contacts: [JSON] = ["+18005550101", "+18005550102", "12345", "+18005550101"]
            #expect(answer.data.array.map { $0["contact"] } == contacts)
            #expect(Set(answer.data.array.map { $0["id"] }).count == 4)
            #expect(answer.data.array.allSatisfy { $0["request_id"] == "order-17" && $0["encrypted"] == true })
            let times = try answer.data.array.map { try #require(Timestamp(rfc3339: $0["scheduled_at"].string)) }
            #expect(zip(times.dropFirst(), times).map { $0 - $1 } == Array(repeating: .seconds(6), count: 3))
        }
    }

    @Test func aSingleMessageWaitsForOneOfTheBatchOnly() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.client.put(
                "/v1/phones", ["phone_number": "+18005550199", "messages_per_minute": 10])
            let batch = try await account.client.post(
                "/v1/messages/bulk-send",
                Self.draft.with(["to": .array((0..<100).map { .string("+1800555\(1_000 + $0)") })]))
            let first = try #require(Timestamp(rfc3339: batch.data[0]["scheduled_at"].string))

            let single = try await account.send()

            let time = try #require(Timestamp(rfc3339: single["scheduled_at"].string))
            let asked = try #require(Timestamp(rfc3339: single["created_at"].string))
            #expect(time - max(first, asked) <= .seconds(12))
        }
    }

    @Test func everyRuleSaysWhatItWantsAndNothingIsStored() async throws {
        let many = JSON.array((0..<1_001).map { .string("+1800555\(1_000 + $0)") })
        let table: [(change: [String: JSON], errors: [String: [String]])] = [
            (["to": []], ["to": ["The to field is required"]]),
            (["to": .absent], ["to": ["The to field is required"]]),
            (["to": many], ["to": ["The to field must be maximum 1000 in size"]]),
            (
                ["to": ["+18005550101", "MTN", "x"]],
                ["to": ["The to field in index [1] must contain only digits and must be less than 14 characters"]]
            ),
            (["content": ""], ["content": ["The content field is required"]]),
            (
                ["content": .string(String(repeating: "é", count: 1_025))],
                ["content": ["The content field must be maximum 1024 char"]]
            ),
            (["from": "x"], ["from": ["The from field \(Envelope.notAPhoneNumber)"]]),
            (
                ["from": "+18005550188"],
                [
                    "from": [
                        """
                        no phone found with 'from' number [+18005550188]. Install the android app on your phone to \
                        start sending messages
                        """
                    ]
                ]
            ),
        ]
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            for row in table {
                let answer = try await account.client.post("/v1/messages/bulk-send", Self.draft.with(row.change))

                #expect(answer.status == 422, "\(row.change)")
                #expect(answer.json == Envelope.invalid("validation errors while sending messages", row.errors))
            }
            #expect(try await account.client.get("/v1/messages/search").data == [])
        }
    }
}
