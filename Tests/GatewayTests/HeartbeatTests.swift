import TestSupport
import Testing

/// `/v1/heartbeats`.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct HeartbeatTests {
    @Test func aHeartbeatIsAnswered201WithAnArray() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            let body: JSON = ["phone_numbers": ["+18005550199"], "charging": true]

            let answer = try await phone.client.send(
                "POST", "/v1/heartbeats", body, headers: [("X-Client-Version", "a1b2c3d")])

            #expect(answer.status == 201)
            #expect(answer.message == "[1] heartbeats received successfully")
            let heartbeat = answer.data[0]
            let expected: JSON = [
                "id": heartbeat["id"], "owner": "+18005550199", "version": "a1b2c3d", "charging": true,
                "user_id": .string(account.id), "timestamp": heartbeat["timestamp"],
            ]
            #expect(answer.data == [expected])
            #expect(try await account.client.get("/v1/heartbeats?owner=%2B18005550199").data == answer.data)
        }
    }

    @Test func twoNumbersGiveTwoHeartbeatsInTheirOrder() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()

            let answer = try await account.client.post(
                "/v1/heartbeats", ["phone_numbers": ["18005550199", "+1 800 555 0188"]])

            #expect(answer.status == 201)
            #expect(answer.message == "[2] heartbeats received successfully")
            #expect(answer.data.array.map { $0["owner"] } == ["+18005550199", "+18005550188"])
            #expect(answer.data.array.map { $0["charging"] } == [false, false])
            #expect(answer.data.array.map { $0["version"] } == ["", ""])
        }
    }

    @Test func theOwnerOfOldClientsCountsWhenThereAreNoNumbers() async throws {
        let table: [(body: JSON, owner: JSON)] = [
            (["owner": "+18005550199"], "+18005550199"),
            (["owner": "+18005550199", "phone_numbers": []], "+18005550199"),
            (["owner": "+18005550199", "phone_numbers": .null], "+18005550199"),
            (["owner": "+18005550199", "phone_numbers": ["+18005550188"]], "+18005550188"),
        ]
        try await withServer { server in
            let account = try await server.makeAccount()
            for row in table {
                let answer = try await account.client.post("/v1/heartbeats", row.body)

                #expect(answer.data.array.map { $0["owner"] } == [row.owner], "\(row.body)")
            }
        }
    }

    @Test func numbersAreRequiredTwoAtMostAndInternational() async throws {
        let required = "The phone_numbers field is required"
        let table: [(body: JSON, messages: [String])] = [
            ([:], [required]),
            (["phone_numbers": []], [required]),
            (["phone_numbers": .null], [required]),
            (
                ["phone_numbers": ["+18005550199", "+18005550188", "+18005550177"]],
                ["The phone_numbers field must be maximum 2 in size"]
            ),
            (
                ["phone_numbers": ["+18005550199", "nonsense"]],
                ["The phone_numbers field in index [1] \(Envelope.notAPhoneNumber)"]
            ),
            (["owner": "12345"], ["The phone_numbers field in index [0] \(Envelope.notAPhoneNumber)"]),
        ]
        try await withServer { server in
            let account = try await server.makeAccount()
            for row in table {
                let answer = try await account.client.post("/v1/heartbeats", row.body)

                #expect(answer.status == 422)
                #expect(
                    answer.json
                        == Envelope.invalid(
                            "validation errors while storing heartbeat", ["phone_numbers": row.messages]))
            }
        }
    }

    @Test func theListShowsTheNewestOfAnOwnerAndOneByDefault() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            for version in ["one", "two", "three"] {
                _ = try await account.client.send(
                    "POST", "/v1/heartbeats", ["owner": "+18005550199"], headers: [("X-Client-Version", version)])
            }
            let table: [(query: String, versions: [JSON])] = [
                ("owner=%2B18005550199", ["three"]),
                ("owner=+18005550199&limit=20", ["three", "two", "one"]),
                ("owner=18005550199&limit=2&skip=1", ["two", "one"]),
                ("owner=18005550199&limit=5&query=T", ["three", "two"]),
                ("owner=18005550199&limit=5&query=%25", []),
                ("owner=18005550188&limit=5", []),
            ]
            for row in table {
                let answer = try await account.client.get("/v1/heartbeats?\(row.query)")

                #expect(answer.data.array.map { $0["version"] } == row.versions, "\(row.query)")
            }
            let refused = try await account.client.get("/v1/heartbeats")
            #expect(
                refused.json
                    == Envelope.invalid(
                        "validation errors while fetching heartbeats",
                        ["owner": ["The owner field is required", "The owner field \(Envelope.notAPhoneNumber)"]]))
        }
    }
}
