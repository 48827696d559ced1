import Storage
import TestSupport
import Testing

/// What is left of an account that was erased.
@Suite(.timeLimit(.minutes(15))) struct ErasureLeftoverTests {
    /// Where `texts` stand in any column of any table.
    private static func places(of texts: [String], in store: any Store) async throws -> [String] {
        try await store.read { tx in
            let columns = try tx.rows("SELECT table_name, column_name FROM \(.columns) AS columns")
            var places: [String] = []
            for column in columns {
                let (table, name) = (
                    try column.get("table_name", as: String.self), try column.get("column_name", as: String.self)
                )
                let rows = try tx.rows(
                    "SELECT \(SQL(stringLiteral: "\"\(name)\"")) AS value FROM \(SQL(stringLiteral: "\"\(table)\""))")
                let cells = try rows.compactMap { row -> String? in
                    switch try row.find("value", as: SQLValue.self) {
                    case .text(let text)?: text
                    case .blob(let bytes)?: String(decoding: bytes, as: UTF8.self)
                    default: nil
                    }
                }
                if cells.contains(where: { cell in texts.contains { cell.contains($0) } }) {
                    places.append("\(table).\(name)")
                }
            }
            return places
        }
    }

    @Test func nothingOfAnErasedAccountIsFoundInAnyColumn() async throws {
        try await withServer { server in
            let keeper = try await server.makeAccount()
            let account = try await server.makeAccount(email: "leaver@example.com", id: "leaver-of-the-test")
            try await Self.fill(account)
            let browser = PageClient(baseURL: server.baseURL)
            _ = try await browser.submit(
                "/first-sign-in", on: "/first-sign-in",
                [("email", account.email), ("api_key", account.apiKey), ("password", "correct horse")])
            let texts = [
                account.id, account.email, account.apiKey, "18005550199", "18005550188", "18005550100", "correct horse",
            ]
            let before = try await Self.places(of: texts, in: server.store)
            for table in [
                "phone", "phone_move", "tally", "session", "message", "event", "account_usage", "forwarder",
                "forwarder_request", "contact", "saved_text",
            ] {
                #expect(before.contains { $0.hasPrefix("\(table).") }, "\(table)")
            }

            #expect(try await account.client.delete("/v1/users/me").status == 204)
            let wakeups = server.store.wakeups
            try await until("everything is erased") {
                server.clock.advance(by: .seconds(30))
                for topic in [Wakeups.Topic.erasures, .deliveries] { wakeups.signal(topic) }
                return try await Self.places(of: texts, in: server.store).isEmpty
            }

            #expect(try await keeper.client.get("/v1/users/me").status == 200)
        }
    }

    /// Requests that make something, each with its body.
    private static let creations = [
        ("POST", "/v1/access-keys", #"{"name":"late","scopes":["messages:read"]}"#),
        ("PUT", "/v1/phones", #"{"phone_number":"+18005550177"}"#), ("POST", "/v1/phone-api-keys", #"{"name":"late"}"#),
        ("POST", "/v1/devices/pairings", #"{"numbers":[{"sim":"SIM1","phone_number":"+18005550177"}]}"#),
        (
            "POST", "/v1/send-schedules",
            #"{"name":"late","timezone":"UTC","windows":[{"day_of_week":1,"start_minute":0,"end_minute":60}]}"#
        ),
        ("POST", "/v1/forwarders", #"{"name":"late","numbers":[{"sim":"SIM1","phone_number":"+18005550177"}]}"#),
        ("POST", "/v1/messages/receive", #"{"from":"+18005550100","to":"+18005550177","content":"late","sim":"SIM1"}"#),
        ("POST", "/v1/messages/calls/missed", #"{"from":"+18005550100","to":"+18005550177","sim":"SIM1"}"#),
        ("POST", "/v1/heartbeats", #"{"phone_numbers":["+18005550177"],"charging":true}"#),
        ("POST", "/v1/messages/send", #"{"from":"+18005550177","to":"+18005550100","content":"late"}"#),
        ("POST", "/v1/messages/bulk-send", #"{"from":"+18005550177","to":["+18005550100"],"content":"late"}"#),
        (
            "POST", "/v1/webhooks",
            #"{"url":"http://127.0.0.1:9/","signing_key":"s","events":["message.phone.received"],"phone_numbers":[]}"#
        ),
        ("PUT", "/v1/users/me", #"{"timezone":"Europe/Paris"}"#),
    ]

    /// Requests whose keys were taken before the deletion, and whose bodies end after it, leave nothing: neither while the
    /// account is erased, nor long after, when nobody would erase it again.
    @Test(arguments: [false, true]) func requestsThatEndAfterTheDeletionLeaveNothing(isLongAfter: Bool) async throws {
        try await withServer { server in
            _ = try await server.makeAccount()
            let account = try await server.makeAccount(email: "late@example.com", id: "late-of-the-test")
            var clients: [RawClient] = []
            for (method, path, body) in Self.creations {
                let client = try await RawClient(server.baseURL)
                client.write("\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nx-api-key: \(account.apiKey)\r\n")
                client.write("Connection: close\r\nContent-Type: application/json\r\nIdempotency-Key: late\(path)\r\n")
                client.write("Content-Length: \(body.utf8.count)\r\nExpect: 100-continue\r\n\r\n")
                // The server has read the head, and the key in it, when it asks for the body.
                try await client.until("100 Continue")
                clients.append(client)
            }

            #expect(try await account.client.delete("/v1/users/me").status == 204)
            let wakeups = server.store.wakeups
            func untilErased() async throws {
                try await until("everything is erased") {
                    server.clock.advance(by: .seconds(30))
                    for topic in [Wakeups.Topic.erasures, .deliveries] { wakeups.signal(topic) }
                    let isRunning = try await server.store.read { tx in
                        try !tx.rows("SELECT user_id FROM user_erasure").isEmpty
                    }
                    return !isRunning
                }
            }
            if isLongAfter { try await untilErased() }
            for (client, creation) in zip(clients, Self.creations) {
                client.write(creation.2)
                try await client.untilClosed()
                #expect(client.text.contains("HTTP/1.1 4"), "\(creation.1): \(client.text)")
            }

            if !isLongAfter { try await untilErased() }
            #expect(try await Self.places(of: [account.id, "18005550177"], in: server.store) == [])
        }
    }

    @Test func aPhoneKeyWithoutItsAccountIsNotTaken() async throws {
        try await withServer { server in
            _ = try await server.makeAccount()
            let account = try await server.makeAccount()
            let key = try await account.client.post("/v1/phone-api-keys", ["name": "new"]).data["api_key"].string
            _ = try await server.store.write { tx in try tx.run("DELETE FROM users WHERE id = \(account.id)") }

            let phone = APIClient(baseURL: server.baseURL, apiKey: key)
            #expect(try await phone.put("/v1/phones/fcm-token", ["phone_number": "+18005550177"]).status == 401)
        }
    }

    @Test func theOwnersPlaceStaysTakenByNobody() async throws {
        try await withServer { server in
            let owner = try await server.makeAccount(id: "owner-of-the-test")
            let other = try await server.makeAccount()
            #expect(try await owner.client.delete("/v1/users/me").status == 204)

            let names = try await server.store.read { tx in
                try tx.rows("SELECT user_id FROM server_owner").map { try $0.get("user_id", as: String.self) }
            }
            #expect(names == [""])
            _ = try await other.makePhone()
            let draft: JSON = [
                "url": "http://127.0.0.1:9/", "signing_key": "secret", "events": ["message.phone.received"],
                "phone_numbers": ["+18005550199"],
            ]
            #expect(try await other.client.post("/v1/webhooks", draft).status == 422)
        }
    }

    /// One of everything that an account can have.
    private static func fill(_ account: Account) async throws {
        let contact: JSON = ["name": "Ann", "phone_numbers": ["+18005550100"]]
        _ = try await account.client.post("/v1/contacts", ["contacts": [contact]])
        _ = try await account.client.post("/v1/texts", ["name": "a", "content": "From leaver@example.com"])
        let accessKey: JSON = ["name": "leaver@example.com", "scopes": ["messages:read"]]
        _ = try await account.client.post("/v1/access-keys", accessKey)
        let phone = try await account.makePhone()
        let other = try await account.makePhone("+18005550188")
        let key = try await account.client.post("/v1/phone-api-keys", ["name": "new"]).data
        let fresh = APIClient(baseURL: account.client.baseURL, apiKey: key["api_key"].string)
        let moved: JSON = ["phone_number": .string(other.number), "fcm_token": "moved"]
        #expect(try await fresh.put("/v1/phones/fcm-token", moved).status == 200)
        _ = try await account.client.post(
            "/v1/webhooks",
            [
                "url": "http://8.8.8.8:9/leaver@example.com", "signing_key": "secret",
                "events": ["message.phone.received", "phone.heartbeat.online"], "phone_numbers": ["+18005550199"],
            ])
        _ = try await account.client.post("/v1/alerts/webhooks", ["url": "http://8.8.8.8:9/leaver@example.com"])
        _ = try await phone.beat()
        _ = try await phone.receive([
            "from": "+18005550100", "content": "leaver@example.com",
            "attachments": [["name": "a.png", "content_type": "image/png", "content": "AAAA"]],
        ])
        let message = try await account.send(["callback_url": "http://8.8.8.8:9/leaver@example.com"])
        _ = try await phone.fetch(message["id"].string)
        _ = try await phone.report("SENT", message["id"].string)
        let forwarder = try await account.client.post(
            "/v1/forwarders",
            ["name": "leaver@example.com", "numbers": [["sim": "SIM1", "phone_number": "+18005550199"]]])
        let hook = String(forwarder.data["url"].string.dropFirst(account.client.baseURL.count))
        #expect(try await account.client.post(hook, ["from": "+18005550100", "text": "a"]).status == 200)
        _ = try await account.client.post(
            "/v1/send-schedules",
            [
                "name": "leaver@example.com", "timezone": "UTC",
                "windows": [["day_of_week": 1, "start_minute": 0, "end_minute": 60]],
            ])
    }
}
