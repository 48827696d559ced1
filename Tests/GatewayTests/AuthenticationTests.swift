import TestSupport
import Testing

/// Who may call what.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct AuthenticationTests {
    /// The routes that phones call; every other one answers 401 to a phone key.
    private static let phoneRoutes: Set = [
        "GET /v1/messages/outstanding", "POST /v1/messages/receive", "POST /v1/messages/calls/missed",
        "POST /v1/messages/{messageID}/events", "POST /v1/heartbeats", "PUT /v1/phones/fcm-token",
    ]

    /// Protocols of others, `/api/mobile/v1` and `/mcp`, are not among the server's routes: their own tests ask who may call
    /// them.
    static let openRoutes: Set = [
        "GET /docs", "GET /docs/api", "GET /docs/search", "GET /docs/{page}", "GET /llms.txt",
        "GET /llms-full.txt", "GET /health", "GET /health/ready",
        "GET /metrics",
        "GET /v1/attachments/{userID}/{messageID}/{attachmentIndex}/{filename}",
        // The token in the path is the key.
        "GET /v1/inbound/{token}", "POST /v1/inbound/{token}", "PUT /v1/inbound/{token}", "PATCH /v1/inbound/{token}",
        "POST /playground/{token}", "PUT /playground/{token}",
    ]

    /// Calls `route` with an id that nothing has in place of each parameter.
    static func call(_ route: String, with client: APIClient) async throws -> APIClient.Answer {
        let parts = route.split(separator: " ")
        let path = parts[1].split(separator: "/").map { $0.hasPrefix("{") ? unknownID[...] : $0 }
        return try await client.send(String(parts[0]), "/" + path.joined(separator: "/"))
    }

    @Test func everyRouteButTheOpenOnesAnswers401WithoutAKey() async throws {
        try await withServer { server in
            for route in server.routes where !Self.openRoutes.contains(route) {
                let answer = try await Self.call(route, with: server.client)

                #expect(answer.status == 401, "\(route)")
                #expect(answer.json == Envelope.unauthorized, "\(route)")
            }
            #expect(Self.openRoutes.isSubset(of: server.routes))
        }
    }

    @Test func phoneKeysOpenTheSixPhoneRoutesAndNoOther() async throws {
        try await withServer { server in
            let phone = try await server.makeAccount().makePhone()
            for route in server.routes where !Self.openRoutes.contains(route) {
                let answer = try await Self.call(route, with: phone.client)

                if Self.phoneRoutes.contains(route) {
                    #expect(answer.status == 400 || answer.status == 422, "\(route) \(answer)")
                } else {
                    #expect(answer.status == 401, "\(route)")
                    #expect(answer.json == Envelope.unauthorized, "\(route)")
                }
            }
            #expect(Self.phoneRoutes.isSubset(of: server.routes))
        }
    }

    @Test func aUserKeyIsTakenFromTheTwoHeadersAndNowhereElse() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let (user, phone) = (account.apiKey, try await account.makePhone().client.apiKey ?? "")
            let table: [(headers: [(String, String)], status: Int)] = [
                ([("x-api-key", user)], 200),
                ([("X-API-Key", user)], 200),
                ([("Authorization", "Bearer \(user)")], 200),
                ([("authorization", "bearer  \(user) ")], 200),
                ([("x-api-key", "unknown-key"), ("Authorization", "Bearer \(user)")], 200),
                ([("x-api-key", user), ("Authorization", "Bearer unknown-key")], 200),
                ([("Authorization", user)], 401),
                ([("Authorization", "Basic \(user)")], 401),
                ([("Authorization", "Bearer")], 401),
                ([("x-api-key", "")], 401),
                ([("x-api-key", "undefined")], 401),
                ([("x-api-key", "unknown-key")], 401),
                ([("x-api-key", user.uppercased())], 401),
                ([("x-api-key", String(user.dropLast()))], 401),
                ([("x-api-key", user + "x")], 401),
                ([("x-api-key", String(repeating: "k", count: 2_000))], 401),
                ([("x-api-key", "pk_unknown")], 401),
                ([("x-api-key", phone)], 401),
                ([("Cookie", "x-api-key=\(user)")], 401),
            ]
            for row in table {
                let answer = try await server.client.send("GET", "/v1/users/me", headers: row.headers)

                #expect(answer.status == row.status, "\(row.headers.map(\.0)) \(row.headers.map(\.1.count))")
            }
            #expect(try await server.client.get("/v1/users/me?x-api-key=\(user)").status == 401)
        }
    }

    @Test func aPhoneKeyIsNotTakenAsABearerToken() async throws {
        try await withServer { server in
            let phone = try await server.makeAccount().makePhone()

            let answer = try await server.client.send(
                "GET", "/v1/messages/outstanding?message_id=\(unknownID)",
                headers: [("Authorization", "Bearer \(phone.client.apiKey ?? "")")])

            #expect(answer.status == 401)
            #expect(answer.json == Envelope.unauthorized)
        }
    }

    @Test func aRotatedKeyIsRefusedAtOnceAndTheNewOneIsTaken() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            #expect(try await account.client.get("/v1/users/me").status == 200)

            let rotated = try await account.client.delete("/v1/users/\(account.id)/api-keys")

            #expect(rotated.status == 200)
            #expect(rotated.message == "API Key rotated successfully")
            #expect(try await account.client.get("/v1/users/me").json == Envelope.unauthorized)
            let fresh = server.client(key: rotated.data["api_key"].string)
            #expect(try await fresh.get("/v1/users/me").data == rotated.data)
        }
    }

    @Test func idsOfUsersKeepTheirCapitals() async throws {
        try await withServer { server in
            let account = try await server.makeAccount(id: "XtABz6zdeFMoBLoltz6SREDvRSh2")

            let rotated = try await account.client.delete("/V1/Users/\(account.id)/Api-Keys/")

            #expect(rotated.status == 200)
            #expect(rotated.data["id"] == "XtABz6zdeFMoBLoltz6SREDvRSh2")
        }
    }

    @Test func anotherUsersKeyCannotBeRotated() async throws {
        try await withServer { server in
            let (account, other) = (try await server.makeAccount(), try await server.makeAccount())

            let answer = try await account.client.delete("/v1/users/\(other.id)/api-keys")

            #expect(answer.status == 401)
            #expect(
                answer.json
                    == Envelope.error(
                        "You are not authorized to carry out this request.", code: "unauthorized",
                        data: "Make sure your API key is set in the [X-API-Key] header in the request"))
            #expect(try await other.client.get("/v1/users/me").status == 200)
        }
    }

    @Test func aDeletedPhoneKeyIsRefusedAtOnce() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            #expect(try await phone.beat().status == 201)

            let deleted = try await account.client.delete("/v1/phone-api-keys/\(phone.keyID)")

            #expect(deleted.status == 204)
            #expect(try await phone.beat().json == Envelope.unauthorized)
        }
    }

    @Test func aPhoneKeyWithoutNumbersMayDoNothingForAny() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            let id = try await account.send()["id"].string
            let created = try await account.client.post("/v1/phone-api-keys", ["name": "unbound"])
            let unbound = server.client(key: created.data["api_key"].string)

            let fetched = try await unbound.get("/v1/messages/outstanding?message_id=\(id)")
            let received = try await unbound.post(
                "/v1/messages/receive", ["to": "+18005550199", "from": "+18005550100", "content": "Hello"])
            let reported = try await unbound.post("/v1/messages/\(id)/events", ["event_name": "SENT"])

            #expect(fetched.status == 404)
            #expect(fetched.json == Envelope.error("Cannot find outstanding message with ID [\(id)]"))
            #expect(received.status == 401)
            #expect(received.json == Envelope.foreignNumber("+18005550199", boundTo: ""))
            #expect(reported.status == 401)
            #expect(reported.json == Envelope.foreignNumber("+18005550199", boundTo: ""))
        }
    }

    @Test func aPhoneKeyActsForItsOwnNumbersOnly() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone("+18005550199")
            _ = try await account.makePhone("+18005550188")
            let second: JSON = ["phone_number": "+18005550177", "fcm_token": "token"]
            #expect(try await phone.client.put("/v1/phones/fcm-token", second).status == 200)
            let refusal = Envelope.foreignNumber("+18005550188", boundTo: "+18005550199,+18005550177")
            let id = try await account.send(["from": "+18005550188"])["id"].string
            let table: [APIClient.Answer] = [
                try await phone.receive(["to": "+18005550188", "from": "+18005550100", "content": "Hello"]),
                try await phone.client.post(
                    "/v1/messages/calls/missed", ["to": "+18005550188", "from": "+18005550100"]),
                try await phone.client.post(
                    "/v1/heartbeats", ["phone_numbers": ["+18005550199", "+18005550188"]]),
                try await phone.report("SENT", id),
            ]

            for answer in table {
                #expect(answer.status == 401)
                #expect(answer.json == refusal)
            }
            #expect(try await phone.fetch(id).status == 404)
            #expect(try await account.client.get("/v1/heartbeats?owner=%2B18005550199").data == [])
            #expect(try await server.emittedTypes() == [])
        }
    }
}
