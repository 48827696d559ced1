import TestSupport
import Testing

/// `GET /v1/messages/search`.
@Suite(.timeLimit(.minutes(15))) struct MessageSearchTests {
    /// `first` and `second 100%` came in, `call` was missed, `out` was sent under the id `order-17` and failed.
    private static func fill(_ account: Account) async throws -> [String: String] {
        let phone = try await account.makePhone()
        let first = try await phone.receive(["from": "+18005550100", "content": "first"])
        let second = try await phone.receive(["from": "MTN", "content": "Second 100%"])
        let call = try await phone.client.post(
            "/v1/messages/calls/missed", ["to": "+18005550199", "from": "+18005550101"])
        let out = try await account.send(["to": "12345", "request_id": "order-17"])["id"].string
        _ = try await phone.report("FAILED", out, ["reason": "No Signal"])
        return [
            "first": first.data["id"].string, "second": second.data["id"].string, "call": call.data["id"].string,
            "out": out,
        ]
    }

    @Test func messagesAreFoundByWhatTheyAre() async throws {
        try await withServer { server in
            let (account, other) = (try await server.makeAccount(), try await server.makeAccount())
            let ids = try await Self.fill(account)
            let table: [(query: String, names: [String])] = [
                ("", ["first", "second", "call", "out"]),
                ("?sort_descending=true", ["out", "call", "second", "first"]),
                ("?limit=2", ["first", "second"]), ("?limit=2&skip=3", ["out"]), ("?limit=0", []),
                ("?limit=5000", ["first", "second", "call", "out"]),
                ("?types=mobile-originated&types=call/missed", ["first", "second", "call"]),
                ("?types[]=mobile-terminated", ["out"]), ("?statuses=failed", ["out"]),
                ("?statuses=scheduled&statuses=sending", []),
                ("?owners=%2B18005550199", ["first", "second", "call", "out"]), ("?owners=%2B18005550198", []),
                ("?query=SECOND", ["second"]), ("?query=%25", ["second"]), ("?query=no%20signal", ["out"]),
                ("?query=ORDER-1", ["out"]), ("?query=mtn", ["second"]), ("?query=nothing", []),
                ("?query=\(ids["call"] ?? "")", ["call"]), ("?query=\((ids["call"] ?? "").prefix(8))-", []),
                ("?sort_by=contact", ["first", "call", "out", "second"]),
                ("?sort_by=type", ["call", "first", "second", "out"]),
                ("?sort_by=status&sort_descending=1", ["call", "second", "first", "out"]),
                ("?sort_by=owner&types=call/missed", ["call"]),
            ]
            for row in table {
                let answer = try await account.client.get("/v1/messages/search\(row.query)")

                #expect(answer.status == 200, "\(row.query) \(answer)")
                let found = answer.data.array.map { message in ids.first { $0.value == message["id"].string }?.key }
                #expect(found == row.names, "\(row.query)")
                #expect(answer.message == "found \(found.count) message\(found.count == 1 ? "" : "s")")
            }
            #expect(try await other.client.get("/v1/messages/search").data == [])
        }
    }

    @Test func aTextOfAnyScriptMayBeAsLong() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            // 漢 takes nine characters in a URL, and three bytes; an emoji is two UTF-16 units.
            for (character, most) in [("%E6%BC%A2", 50), ("%F0%9F%91%8D", 25), ("q", 50)] {
                for (count, status) in [(most, 200), (most + 1, 422)] {
                    let query = String(repeating: character, count: count)
                    let answer = try await account.client.get("/v1/messages/search?query=\(query)")

                    #expect(answer.status == status, "\(character) \(count)")
                }
            }
        }
    }

    @Test func everyRuleSaysWhatItWants() async throws {
        let table: [(query: String, errors: [String: [String]])] = [
            (
                "owners=MTN",
                [
                    "owners": [
                        "The owners field in index [0] must contain only digits and must be less than 14 characters"
                    ]
                ]
            ),
            (
                "types=call/missed&types=fax",
                ["types": ["the types field in contains an invalid value [fax] at index [1]"]]
            ),
            ("statuses=lost", ["statuses": ["the statuses field in contains an invalid value [lost] at index [0]"]]),
            (
                "sort_by=content",
                ["sort_by": ["The sort_by field must be one of created_at, owner, contact, type, status"]]
            ),
            (
                "query=\(String(repeating: "q", count: 51))",
                ["query": ["The query field must be maximum 50 char"]]
            ),
            ("limit=-1", ["limit": ["The limit field must be numeric"]]),
        ]
        try await withServer { server in
            let account = try await server.makeAccount()
            for row in table {
                let answer = try await account.client.get("/v1/messages/search?\(row.query)")

                #expect(answer.status == 422, "\(row.query)")
                #expect(answer.json == Envelope.invalid("validation errors while searching messages", row.errors))
            }
            #expect(try await account.client.get("/v1/messages/search?sort_descending=abc").status == 400)
        }
    }
}
