import TestSupport
import Testing

/// `GET /v1/messages`, and one message by its id.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct MessageListTests {
    private static let conversation = "owner=%2B18005550199&contact=%2B18005550100"

    /// Three inbound messages, a minute apart: `100% sure`, `a_b`, `Übung`.
    private static func fill(_ account: Account) async throws {
        let phone = try await account.makePhone()
        for (minute, content) in [(1, "100% sure"), (2, "a_b"), (3, "Übung")] {
            _ = try await phone.receive([
                "from": "+18005550100", "content": .string(content), "timestamp": "2026-07-22T10:0\(minute):00Z",
            ])
        }
        _ = try await phone.receive(["from": "+18005550101", "content": "another contact"])
    }

    @Test func aConversationIsPagedNewestFirstAndSearched() async throws {
        let all: [JSON] = ["Übung", "a_b", "100% sure"]
        let table: [(query: String, contents: [JSON])] = [
            (Self.conversation, all),
            ("owner=+18005550199&contact=+18005550100", all),
            ("owner=%2018005550199%20&contact=%2018005550100%20", all),
            ("\(Self.conversation)&limit=50", all),
            ("\(Self.conversation)&limit=2", ["Übung", "a_b"]),
            ("\(Self.conversation)&limit=2&skip=2", ["100% sure"]),
            ("\(Self.conversation)&limit=0", []),
            ("\(Self.conversation)&skip=7", []),
            ("\(Self.conversation)&skip=%201%20&limit=", ["a_b", "100% sure"]),
            ("\(Self.conversation)&limit=1&limit=2", ["Übung", "a_b"]),
            ("\(Self.conversation)&query=%25", ["100% sure"]),
            ("\(Self.conversation)&query=_", ["a_b"]),
            ("\(Self.conversation)&query=%5C", []),
            ("\(Self.conversation)&query=SURE", ["100% sure"]),
            ("\(Self.conversation)&query=%20sure%20", ["100% sure"]),
            ("\(Self.conversation)&query=%C3%9Cbung", ["Übung"]),
            ("\(Self.conversation)&query=%C3%9CBUNG", ["Übung"]),
            ("\(Self.conversation)&query=nothing", []),
            ("owner=%2B18005550199&contact=%2B18005550102", []),
            ("owner=%2B18005550199&contact=MTN", []),
        ]
        try await withServer { server in
            let (account, other) = (try await server.makeAccount(), try await server.makeAccount())
            try await Self.fill(account)
            for row in table {
                let answer = try await account.client.get("/v1/messages?\(row.query)")

                #expect(answer.status == 200, "\(row.query) \(answer)")
                #expect(answer.data.array.map { $0["content"] } == row.contents, "\(row.query)")
                let noun = row.contents.count == 1 ? "message" : "messages"
                #expect(answer.message == "fetched \(row.contents.count) \(noun)")
            }
            #expect(try await other.client.get("/v1/messages?\(Self.conversation)").data == [])
        }
    }

    @Test func bothPartiesAreRequiredAndBareDigitsAreNoOwner() async throws {
        let owner = "The owner field is required"
        let bad = "The owner field \(Envelope.notAPhoneNumber)"
        let contact = "The contact field is required"
        let numeric = { (field: String) in [field: ["The \(field) field must be numeric"]] }
        let table: [(query: String, errors: [String: [String]])] = [
            ("", ["owner": [owner, bad], "contact": [contact]]),
            ("owner=18005550199&contact=1", ["owner": [bad]]),
            ("owner=%2B18005550199", ["contact": [contact]]),
            ("\(Self.conversation)&limit=-1", numeric("limit")),
            ("\(Self.conversation)&limit=ten", numeric("limit")),
            ("\(Self.conversation)&limit=1.5", numeric("limit")),
            ("\(Self.conversation)&skip=-1", numeric("skip")),
            ("\(Self.conversation)&skip=%D9%A3", numeric("skip")),
            (
                "\(Self.conversation)&query=\(String(repeating: "q", count: 101))",
                ["query": ["The query field must be maximum 100 char"]]
            ),
        ]
        try await withServer { server in
            let account = try await server.makeAccount()
            for row in table {
                let answer = try await account.client.get("/v1/messages?\(row.query)")

                #expect(answer.status == 422, "\(row.query)")
                #expect(answer.json == Envelope.invalid("validation errors while fetching messages", row.errors))
            }
        }
    }

    @Test func aMessageIsFoundUntilItIsDeletedAndByItsUserOnly() async throws {
        try await withServer { server in
            let (account, other) = (try await server.makeAccount(), try await server.makeAccount())
            _ = try await account.makePhone()
            let id = try await account.send()["id"].string
            let missing = Envelope.error("cannot find message with ID [\(id)]")

            #expect(try await account.client.get("/v1/messages/\(id)").message == "message fetched successfully")
            #expect(try await other.client.get("/v1/messages/\(id)").json == missing)
            #expect(try await other.client.delete("/v1/messages/\(id)").json == missing)
            let deleted = try await account.client.delete("/v1/messages/\(id)")
            #expect(deleted.status == 204)
            #expect(deleted.body == [])
            for answer in [
                try await account.client.get("/v1/messages/\(id)"),
                try await account.client.delete("/v1/messages/\(id)"),
            ] {
                #expect(answer.status == 404)
                #expect(answer.json == missing)
            }
        }
    }

    @Test(arguments: ["nonsense", "outstandin", "01985e2b-1c0a-7f3d-8a51-2f7c9be4d01", "%00"])
    func whatIsNoIdIsRefused(id: String) async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            for (method, verb) in [("GET", "fetching"), ("DELETE", "deleting")] {
                let answer = try await account.client.send(method, "/v1/messages/\(id)")

                #expect(answer.status == 422)
                #expect(
                    answer.json
                        == Envelope.invalid(
                            "validation errors while \(verb) message",
                            ["messageID": ["The messageID field must contain valid UUID"]]))
            }
        }
    }
}
