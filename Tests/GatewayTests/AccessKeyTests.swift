import Storage
import TestSupport
import Testing
import Timestamps

@testable import Gateway

/// `/v1/access-keys`, and what such a key may do.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct AccessKeyTests {
    /// A client with a new access key of `account`, and the key's id.
    private static func make(
        _ account: Account, _ scopes: [KeyScope], more: JSON = [:]
    ) async throws -> (client: APIClient, id: String) {
        let body: JSON = ["name": "Reports", "scopes": .array(scopes.map { .string($0.rawValue) })]
        let made = try await account.client.post("/v1/access-keys", body.with(more.object))
        try #require(made.status == 201, "\(made)")
        let client = APIClient(baseURL: account.client.baseURL, apiKey: made.data["api_key"].string)
        return (client, made.data["id"].string)
    }

    @Test(arguments: Engine.enabled) func aKeyIsMadeListedUsedAndDeleted(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let account = try await server.makeAccount()
            let made = try await account.client.post(
                "/v1/access-keys",
                [
                    "name": " Reports ", "scopes": ["messages:send", "messages:read", "messages:send"],
                    "expires_at": "2040-01-01T00:00:00Z",
                ])
            #expect(made.status == 201 && made.message == "access key created successfully")
            let (id, key) = (made.data["id"].string, made.data["api_key"].string)
            #expect(key.hasPrefix("ak_") && key.utf8.count == 67)
            let shown: JSON = [
                "id": .string(id), "name": "Reports", "scopes": ["messages:read", "messages:send"],
                "expires_at": "2040-01-01T00:00:00Z", "last_used_at": .null, "created_at": made.data["created_at"],
            ]
            #expect(made.data == shown.with(["api_key": .string(key)]))
            let list = try await account.client.get("/v1/access-keys")
            #expect(list.data == [shown] && !list.text.contains(key))

            let client = APIClient(baseURL: account.client.baseURL, apiKey: key)
            #expect(try await client.get("/v1/users/me").data["id"].string == account.id)
            let bearer = APIClient(baseURL: account.client.baseURL, apiKey: nil)
            let used = try await bearer.send("GET", "/v1/users/me", headers: [("Authorization", "Bearer \(key)")])
            #expect(used.status == 200)

            #expect(try await account.client.delete("/v1/access-keys/\(id)").status == 204)
            #expect(try await client.get("/v1/users/me").json == Envelope.unauthorized)
            #expect(try await account.client.delete("/v1/access-keys/\(id)").status == 404)
            #expect(try await account.client.get("/v1/access-keys").data == [])
        }
    }

    /// Every route is looked at with every scope: what is not listed answers 403, and says which scope it takes.
    @Test func aKeyOpensTheRoutesOfItsScopesAndNoOther() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let open = Set(AuthenticationTests.openRoutes)
            #expect(Set(KeyScope.routes.keys).isSubset(of: server.routes))
            for scope in KeyScope.allCases {
                let (client, _) = try await Self.make(account, [scope])
                for route in server.routes where !open.contains(route) && route != "GET /v1/events/stream" {
                    let answer = try await AuthenticationTests.call(route, with: client)

                    let scopes = KeyScope.allowing(route)
                    #expect((answer.status == 403) == !scopes.contains(scope), "\(scope) \(route): \(answer)")
                    #expect(answer.status != 401, "\(scope) \(route): \(answer)")
                    guard answer.status == 403 else { continue }
                    let names = scopes.sorted().map(\.rawValue).joined(separator: " or ")
                    let reason =
                        names.isEmpty
                        ? "Use the account's own API key: no access key may do this"
                        : "It takes a key with the scope \(names)"
                    let refusal = Envelope.error(
                        "This access key may not do that.", code: "insufficient_scope", data: .string(reason))
                    #expect(answer.json == refusal, "\(scope) \(route)")
                }
            }
        }
    }

    /// The paths are read without regard to case, and a final slash; HEAD is answered as GET is.
    @Test func noOtherWayToWriteARouteOpensIt() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let (client, _) = try await Self.make(account, [.readMessages])
            for path in ["/V1/Events", "/v1/events/", "/V1/EVENTS?limit=1", "/v1/Users/\(account.id)/Api-Keys"] {
                let method = path.hasSuffix("Keys") ? "DELETE" : "GET"
                #expect(try await client.send(method, path).status == 403, "\(path)")
            }
            #expect(try await client.send("HEAD", "/v1/events").status == 403)
            #expect(try await client.send("HEAD", "/v1/messages/search").status == 200)
            #expect(try await client.get("/V1/Messages/Search/").status == 200)
            #expect(try await client.send("GET", "/dashboard").status != 200)
        }
    }

    @Test func noKeyIsShownToAnAccessKey() async throws {
        try await withWebhookServer { _, account, phone, receiver in
            let webhook = try await account.makeWebhook(receiver.url(), ["signing_key": "not-to-be-shown"])
            let (all, _) = try await Self.make(account, KeyScope.allCases)
            let (reader, _) = try await Self.make(account, KeyScope.allCases.filter { $0 != .manageWebhooks })
            let paths = KeyScope.routes.keys.filter { $0.hasPrefix("GET ") && !$0.hasSuffix("/stream") }
                .map { String($0.dropFirst(4)).replacing("{webhookID}", with: webhook["id"].string) }

            for path in paths where !path.contains("{") {
                let (some, more) = (try await reader.get(path), try await all.get(path))
                for answer in [some, more] {
                    #expect(!answer.text.contains(account.apiKey), "\(path)")
                    #expect(!answer.text.contains(phone.client.apiKey ?? "pk_"), "\(path)")
                }
                #expect(!some.text.contains("not-to-be-shown"), "\(path)")
                let shows = ["/v1/webhooks", "/v1/webhooks/\(webhook["id"].string)"].contains(path)
                #expect(more.text.contains("not-to-be-shown") == shows, "\(path)")
            }
            #expect(try await reader.get("/v1/users/me").data["api_key"] == "")
            #expect(try await account.client.get("/v1/users/me").data["api_key"].string == account.apiKey)
            #expect(try await reader.get("/v1/webhooks").data[0]["signing_key"] == "")
        }
    }

    @Test(arguments: ["deleted", "expired"]) func aStreamEndsWithItsAccessKey(way: String) async throws {
        try await withWebhookServer { server, account, _, _ in
            let end = server.clock.now() + .seconds(600)
            let (client, id) = try await Self.make(account, [.readEvents], more: ["expires_at": .string(end.rfc3339)])
            try await EventStreamClient.run(client) { stream, _ in
                _ = try await eventually("the opening comment") { stream.text.isEmpty ? nil : true }

                if way == "deleted" {
                    #expect(try await account.client.delete("/v1/access-keys/\(id)").status == 204)
                } else {
                    server.clock.advance(by: .seconds(600))
                }

                _ = try await eventually("the end of the stream") { stream.hasEnded ? true : nil }
            }
        }
    }

    @Test func noScopeMakesKeysOrChangesTheAccount() {
        let never = [
            "GET /v1/access-keys", "POST /v1/access-keys", "DELETE /v1/access-keys/{accessKeyID}",
            "GET /v1/phone-api-keys", "POST /v1/phone-api-keys", "PUT /v1/users/me", "DELETE /v1/users/me",
            "DELETE /v1/users/{userID}/api-keys", "GET /v1/messages/outstanding", "POST /v1/messages/receive",
            "GET /v1/forwarders", "POST /v1/devices/pairings", "PUT /v1/alerts/settings",
        ]
        for route in never { #expect(KeyScope.allowing(route).isEmpty, "\(route)") }
    }

    @Test(arguments: Engine.enabled)
    func aKeyIsRefusedOnceItsTimeIsOverAlsoWhereItIsRemembered(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let account = try await server.makeAccount()
            let end = server.clock.now() + .seconds(60)
            let (client, _) = try await Self.make(account, [.readMessages], more: ["expires_at": .string(end.rfc3339)])
            #expect(try await client.get("/v1/messages/search").status == 200)

            server.clock.advance(by: .seconds(59))
            #expect(try await client.get("/v1/messages/search").status == 200)
            server.clock.advance(by: .seconds(1))
            #expect(try await client.get("/v1/messages/search").json == Envelope.unauthorized)
        }
    }

    @Test(arguments: Engine.enabled) func theLastUseIsKept(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let account = try await server.makeAccount()
            let (client, _) = try await Self.make(account, [.readMessages])
            let before = server.clock.now()
            _ = try await client.get("/v1/messages/search")
            let after = server.clock.now()

            let used = try await eventually("the use is stored") {
                Timestamp(rfc3339: try await account.client.get("/v1/access-keys").data[0]["last_used_at"].string)
            }
            #expect((before...after).contains(used))
        }
    }

    @Test func aKeySendsUnderItsOwnIdempotencyKeys() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            let (first, _) = try await Self.make(account, [.sendMessages])
            let (second, _) = try await Self.make(account, [.sendMessages])
            func send(_ client: APIClient) async throws -> String {
                let sms: JSON = ["from": "+18005550199", "to": "+18005550100", "content": "Hi"]
                let answer = try await client.send(
                    "POST", "/v1/messages/send", sms, headers: [("Idempotency-Key", "one")])
                return answer.data["id"].string
            }

            var ids: [String] = []
            for client in [first, first, second, account.client] { ids.append(try await send(client)) }

            #expect(ids[0] == ids[1] && Set(ids).count == 3 && !ids.contains(""))
        }
    }

    @Test(
        arguments: [
            (["name": "", "scopes": ["messages:read"]], "name", "The name field is required"),
            (["name": "a", "scopes": []], "scopes", "The scopes field is required"),
            (["name": "a"], "scopes", "The scopes field is required"),
            (
                ["name": "a", "scopes": ["messages:read", "*"]], "scopes",
                "the scopes field in contains an invalid value [*] at index [1]"
            ),
            (
                ["name": "a", "scopes": ["messages:read"], "expires_at": "2000-01-01T00:00:00Z"], "expires_at",
                "The expires_at field must be a time to come"
            ),
            (
                ["name": "a", "scopes": ["messages:read"], "expires_at": "soon"], "expires_at",
                "The expires_at field must be a time in RFC 3339"
            ),
        ] as [(JSON, String, String)])
    func aKeyThatBreaksARuleIsNotMade(body: JSON, field: String, problem: String) async throws {
        try await withServer { server in
            let account = try await server.makeAccount()

            let answer = try await account.client.post("/v1/access-keys", body)

            #expect(answer.status == 422 && answer.data[field][0].string == problem, "\(answer)")
            #expect(try await account.client.get("/v1/access-keys").data == [])
        }
    }

    @Test func strangersSeeAndDeleteNothingAndKeysHaveABound() async throws {
        try await withServer { server in
            let (account, stranger) = (try await server.makeAccount(), try await server.makeAccount())
            let (client, id) = try await Self.make(account, [.readMessages])

            #expect(try await stranger.client.get("/v1/access-keys").data == [])
            #expect(try await stranger.client.delete("/v1/access-keys/\(id)").status == 404)
            #expect(try await client.get("/v1/messages/search").status == 200)
            for _ in 1..<AccessKeyOperations.mostOfAccount { _ = try await Self.make(account, [.readEvents]) }
            let refused = try await account.client.post("/v1/access-keys", ["name": "a", "scopes": ["events:read"]])
            #expect(refused.status == 402 && refused.json["code"] == "quota_reached")
            let (_, other) = try await Self.make(stranger, [.readEvents])
            #expect(other != "")
        }
    }

    @Test func whatIsStoredIsNoKeyAndUnknownScopesOpenNothing() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let (client, id) = try await Self.make(account, [.readMessages])
            let keyID = try #require(AccessKeyID(id))
            try await server.store.write { tx in
                let row = try tx.rows("SELECT * FROM access_key WHERE id = \(keyID)").first
                let hash = try row?.get("key_hash", as: [UInt8].self) ?? []
                #expect(hash.count == 32 && hash != Array((client.apiKey ?? "").utf8))
                try tx.run("UPDATE access_key SET scopes = 'messages:all * messages:read x'")
                try IdentityEpochQueries.advance(in: tx)
            }

            try await until("the scopes are read again") {
                try await client.get("/v1/events").status == 403
            }
            #expect(try await client.get("/v1/messages/search").status == 200)
            try await server.store.write { tx in
                try tx.run("UPDATE access_key SET scopes = 'nonsense'")
                try IdentityEpochQueries.advance(in: tx)
            }
            try await until("nothing is allowed") {
                try await client.get("/v1/messages/search").status == 403
            }
        }
    }

    @Test func thePageHasTheTable() throws {
        let page = try #require(Document.pages.first { $0.name == "security.md" })

        #expect(page.text.contains(KeyScope.markdown), "docs/security.md must hold:\n\(KeyScope.markdown)")
    }
}
