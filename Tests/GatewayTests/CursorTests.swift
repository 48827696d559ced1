import TestSupport
import Testing

/// `cursor` and `next_cursor`: the one way to page that every list has.
@Suite(.timeLimit(.minutes(15))) struct CursorTests {
    /// Every row that a client sees that follows `next_cursor`, and in how many parts.
    private static func follow(
        _ path: String, _ client: APIClient, limit: Int
    ) async throws -> (ids: [String], parts: Int) {
        var (ids, parts, cursor) = ([String](), 0, "")
        repeat {
            let sign = path.contains("?") ? "&" : "?"
            let answer = try await client.get("\(path)\(sign)limit=\(limit)&cursor=\(cursor)")
            try #require(answer.status == 200, "\(path): \(answer)")
            ids += answer.data.array.map { $0["id"] == .absent ? $0["event"]["id"].string : $0["id"].string }
            parts += 1
            let next = answer.json["next_cursor"]
            #expect(next == .null || answer.data.array.count == limit, "\(path): \(answer)")
            cursor = next == .null ? "" : next.string
        } while !cursor.isEmpty && parts < 20
        return (ids, parts)
    }

    @Test func everyListIsReadToItsEndByCursors() async throws {
        try await withServer(["WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8"]) { server in
            let account = try await server.makeAccount()
            let client = account.client
            var phones: [Account.Phone] = []
            for number in 0..<4 { phones.append(try await account.makePhone("+1800555019\(number)")) }
            for number in 0..<4 {
                try await account.makeWebhook("http://127.0.0.1:1/\(number)", numbers: ["+18005550190"])
                _ = try await phones[0].receive(["from": "+18005550100", "content": .string("Hello \(number)")])
                _ = try await phones[0].receive(["from": .string("+1800555010\(number + 1)"), "content": "Hi"])
                _ = try await phones[0].beat()
                _ = try await DevicePhone.make(
                    server, account, numbers: [["sim": "SIM1", "phone_number": .string("+1800555018\(number)")]])
                _ = try await client.post("/v1/texts", ["name": "Text", "content": .string("Hello \(number)")])
                _ = try await client.post(
                    "/v1/contacts", [["name": "Ann", "phone_numbers": [.string("+1800555010\(number)")]]])
            }
            let owner = "%2B18005550190"
            let webhook = try await client.get("/v1/webhooks?limit=100").data[3]["id"].string
            let paths = [
                "/v1/phones", "/v1/phone-api-keys", "/v1/devices", "/v1/contacts", "/v1/texts", "/v1/webhooks",
                "/v1/events", "/v1/events?after=0", "/v1/webhooks/\(webhook)/deliveries", "/v1/messages/search",
                "/v1/messages/search?query=hello", "/v1/heartbeats?owner=\(owner)",
                "/v1/message-threads?owner=\(owner)", "/v1/messages?owner=\(owner)&contact=%2B18005550100",
            ]
            for path in paths {
                let sign = path.contains("?") ? "&" : "?"
                let whole = try await client.get("\(path)\(sign)limit=100")
                let all = whole.data.array.map { $0["id"] == .absent ? $0["event"]["id"].string : $0["id"].string }
                #expect(all.count >= 4 && whole.json["next_cursor"] == .null, "\(path): \(whole)")

                for limit in [1, 3, all.count, all.count + 1] where (1...20).contains(limit) {
                    let (ids, parts) = try await Self.follow(path, client, limit: limit)

                    #expect(ids == all, "\(path) by \(limit)")
                    // The last part is full where the list ends with it: no part is empty.
                    #expect(parts == (all.count + limit - 1) / limit, "\(path) by \(limit)")
                }
            }
        }
    }

    @Test(arguments: [
        ("/v1/phones", "x"), ("/v1/phones", "-1"), ("/v1/phones", "99999999999999999999"), ("/v1/events", "+1"),
        ("/v1/events", "--1"), ("/v1/events", "-0"), ("/v1/events", "-9223372036854775808"), ("/v1/events", "x"),
        ("/v1/messages/search", unknownID),
    ])
    func aCursorThatNoAnswerGaveIsRefused(path: String, cursor: String) async throws {
        try await withServer { server in
            let escaped = cursor.replacing("+", with: "%2B")
            let answer = try await server.makeAccount().client.get("\(path)?cursor=\(escaped)")

            #expect(answer.status == 422)
            #expect(answer.data["cursor"] == ["The cursor field must be the next_cursor of an answer"])
        }
    }

    @Test func extremesAreAnEmptyPart() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            for query in [
                "limit=0", "cursor=9223372036854775807", "cursor=9223372036854775807&limit=99999999999999999999",
                "skip=9223372036854775807",
            ] {
                let answer = try await account.client.get("/v1/phones?\(query)")

                #expect(answer.data == [] && answer.json["next_cursor"] == .null, "\(query): \(answer)")
            }
        }
    }

    @Test func aStrangersCursorShowsNothingOfTheirs() async throws {
        try await withServer { server in
            let (account, stranger) = (try await server.makeAccount(), try await server.makeAccount())
            let phone = try await account.makePhone()
            for number in 0..<3 {
                _ = try await phone.receive(["from": "+18005550100", "content": .string("Hello \(number)")])
            }
            let cursor = try await account.client.get("/v1/events?limit=1").json["next_cursor"].string

            let answer = try await stranger.client.get("/v1/events?cursor=\(cursor)")

            #expect(cursor.hasPrefix("-"))
            #expect(answer.status == 200 && answer.data == [])
        }
    }
}
