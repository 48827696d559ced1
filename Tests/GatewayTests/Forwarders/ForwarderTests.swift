import Storage
import TestSupport
import Testing

@testable import Gateway

/// `/v1/forwarders`.
@Suite(.timeLimit(.minutes(15))) struct ForwarderTests {
    private static let draft: JSON = [
        "name": "My phone", "preset": "tasker", "numbers": [["sim": "SIM1", "phone_number": "+1 800 555 0199"]],
    ]

    @Test(arguments: Engine.enabled) func aForwarderIsMadeShownAndDeleted(engine: Engine) async throws {
        try await withServer(["APP_URL": "https://sms.example.com"], on: engine) { server in
            let account = try await server.makeAccount()

            let made = try await account.client.post(
                "/v1/forwarders", Self.draft.with(["template": ["content": "/payload/text", "id": "/id"]]))
            let id = made.data["id"].string
            let shown = try await account.client.get("/v1/forwarders/\(id)")
            let listed = try await account.client.get("/v1/forwarders")
            let deleted = try await account.client.delete("/v1/forwarders/\(id)")
            let gone = try await account.client.get("/v1/forwarders/\(id)")

            #expect(made.status == 201)
            let url = made.data["url"].string
            #expect(url.wholeMatch(of: /https:\/\/sms\.example\.com\/v1\/inbound\/in_[A-Za-z0-9_-]{64}/) != nil)
            let expected: JSON = [
                "id": .string(id), "name": "My phone", "preset": "tasker",
                "numbers": [["sim": "SIM1", "phone_number": "+18005550199"]],
                "template": ["content": "/payload/text", "id": "/id"], "url": .string(url), "last_request_at": .null,
                "created_at": made.data["created_at"],
            ]
            #expect(made.data == expected)
            #expect(shown.data == expected.with(["requests": []]))
            #expect(listed.data == [expected])
            #expect(deleted.status == 204)
            #expect(gone.status == 404)
            #expect(try await account.client.get("/v1/forwarders").data == [])
            #expect(try await server.client.post(String(url.dropFirst(23)), ["text": "a"]).status == 404)
        }
    }

    @Test func theTokenIsNotInTheStoreInTheClear() async throws {
        try await withServer { server in
            let forwarder = try await ForwarderFixture(server)
            let token = String(forwarder.path.dropFirst("/v1/inbound/".count))
            _ = try await forwarder.call("POST", #"{"from":"+18005550100","text":"a"}"#)

            let found = try await server.store.read { tx in
                let columns = try tx.rows("SELECT table_name, column_name FROM \(.columns) AS columns")
                return try columns.contains { column in
                    let table = SQL(stringLiteral: "\"\(try column.get("table_name", as: String.self))\"")
                    let name = SQL(stringLiteral: "\"\(try column.get("column_name", as: String.self))\"")
                    return try tx.rows("SELECT \(name) AS value FROM \(table)").contains { row in
                        guard case .text(let text)? = try row.find("value", as: SQLValue.self) else { return false }
                        return text.contains(token)
                    }
                }
            }

            #expect(!found)
            #expect(!server.log.lines.contains { "\($0)".contains(token) })
        }
    }

    @Test func rulesAreTold() async throws {
        let required = "The name field is required"
        let table: [(change: [String: JSON], field: String, message: String)] = [
            (["name": " "], "name", required), (["name": .absent], "name", required),
            (
                ["preset": "fax"], "preset",
                """
                The preset field must be one of incoming-sms-gateway, smsforwarder, tasker, macrodroid, gammu, generic
                """
            ),
            (["numbers": []], "numbers", "The numbers field is required"),
            (["numbers": .absent], "numbers", "The numbers field is required"),
            (
                ["numbers": [["sim": "SIM3", "phone_number": "+18005550199"]]], "numbers.[0].sim",
                "The numbers.[0].sim field must be one of SIM1, SIM2"
            ),
            (
                ["numbers": [["sim": "SIM1", "phone_number": "12345"]]], "numbers.[0].phone_number",
                "The numbers.[0].phone_number field \(Envelope.notAPhoneNumber)"
            ),
            (
                ["numbers": [["phone_number": "+18005550199"], ["phone_number": "+18005550188"]]], "numbers.[1].sim",
                "The numbers field has two numbers for SIM1"
            ),
            (
                ["template": ["contact": "payload"]], "template.contact",
                """
                The template.contact field must be a JSON pointer such as /payload/text, of at most 255 bytes and 16 levels
                """
            ),
            (
                ["template": ["color": "/a"]], "template",
                "The template field may have contact, content, timestamp, sim, id only"
            ),
        ]
        try await withServer { server in
            let account = try await server.makeAccount()
            for row in table {
                let answer = try await account.client.post("/v1/forwarders", Self.draft.with(row.change))

                #expect(answer.status == 422, "\(row)")
                #expect(
                    answer.json
                        == Envelope.invalid("validation errors while creating forwarder", [row.field: [row.message]]))
            }
            #expect(try await account.client.get("/v1/forwarders").data == [])
        }
    }

    @Test func anAccountHasAHundredAtMost() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            for _ in 0..<99 { _ = try await account.client.post("/v1/forwarders", Self.draft) }

            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<4 {
                    group.addTask { try await account.client.post("/v1/forwarders", Self.draft).status }
                }
                return try await group.reduce(into: [Int]()) { $0.append($1) }
            }

            #expect(statuses.sorted() == [201, 402, 402, 402])
            #expect(try await account.client.get("/v1/forwarders").data.array.count == 100)
        }
    }

    @Test func forwardersOfOthersAreNotFound() async throws {
        try await withServer { server in
            let forwarder = try await ForwarderFixture(server)
            let other = try await server.makeAccount()
            let path = "/v1/forwarders/\(forwarder.data["id"].string)"

            #expect(try await other.client.get(path).status == 404)
            #expect(try await other.client.delete(path).status == 404)
            #expect(try await other.client.get("/v1/forwarders").data == [])
            #expect(try await server.client.get(path).status == 401)
            #expect(try await forwarder.account.client.get("/v1/forwarders/x").status == 422)
            #expect(try await forwarder.account.client.get(path).status == 200)
        }
    }

    @Test func aRepeatedCreationIsAnsweredWithTheFirst() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let headers = [("Idempotency-Key", "key")]

            let first = try await account.client.send("POST", "/v1/forwarders", Self.draft, headers: headers)
            let again = try await account.client.send("POST", "/v1/forwarders", Self.draft, headers: headers)

            #expect(first.status == 201 && again.text == first.text)
            #expect(try await account.client.get("/v1/forwarders").data.array.count == 1)
        }
    }
}
