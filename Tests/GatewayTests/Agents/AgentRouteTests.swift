import TestSupport
import Testing

/// `POST /mcp`: what agents' programs are answered over HTTP, and by which rules of the transport.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct AgentRouteTests {
    private static let contact = "+18005550100"

    @Test(arguments: ["2025-03-26", "2025-06-18", "2025-11-25"])
    func aProgramIsGreetedAndToldTheTools(version: String) async throws {
        try await withServer { server in
            let agent = try await server.makeAccount().makeAgent("messages:read")

            let hello = try await agent.say([
                "jsonrpc": "2.0", "id": "a", "method": "initialize",
                "params": ["protocolVersion": .string(version), "capabilities": [:]],
            ])
            #expect(hello.status == 200 && hello.header("Mcp-Session-Id") == nil)
            #expect(hello.json["id"] == "a" && hello.json["result"]["protocolVersion"] == .string(version))
            let ready = try await agent.say(
                ["jsonrpc": "2.0", "method": "notifications/initialized"], headers: [("MCP-Protocol-Version", version)])
            #expect(ready.status == 202 && ready.body == [])
            let answer = try await agent.say(["jsonrpc": "2.0", "id": 1, "result": [:]])
            #expect(answer.status == 202 && answer.body == [])

            #expect(try await agent.ask("ping")["result"] == [:])
            let tools = try await agent.ask("tools/list")["result"]["tools"].array
            #expect(
                tools.map { $0["name"].string } == [
                    "send_message", "list_conversations", "read_conversation", "wait_for_reply",
                    "list_failed_deliveries", "explain_delivery", "replay_delivery",
                ])
            // Proxies and programs give up after a minute.
            #expect(tools[3]["inputSchema"]["properties"]["timeout_seconds"]["maximum"] == 50)
        }
    }

    @Test func aVersionWithoutThisTransportIsAnsweredWithTheNewest() async throws {
        try await withServer { server in
            let agent = try await server.makeAccount().makeAgent("messages:read")

            for version: JSON in ["2024-11-05", "2099-01-01", 7, .absent] {
                let hello = try await agent.ask("initialize", JSON.object([:]).with(["protocolVersion": version]))
                #expect(hello["result"]["protocolVersion"] == "2025-11-25")
            }
        }
    }

    /// What is sent, the status, and the code of JSON-RPC.
    private static let faults: [(body: String, type: String, version: String, status: Int, code: JSON)] = {
        let (json, version) = ("application/json", "2025-11-25")
        let ping = #"{"jsonrpc":"2.0","id":1,"method":"ping"}"#
        let nested = String(repeating: "[", count: 65) + String(repeating: "]", count: 65)
        return [
            (ping, json, version, 200, .absent), (ping, "application/json; charset=utf-8", version, 200, .absent),
            (ping, "text/plain", version, 415, -32_600), (ping, "multipart/form-data", version, 415, -32_600),
            (ping, "application/x-www-form-urlencoded", version, 415, -32_600), (ping, "", version, 415, -32_600),
            (ping, json, "2024-11-05", 400, -32_600), (ping, json, "2026-07-28", 400, -32_600),
            (ping, json, "2025-11-25, 2025-11-25", 400, -32_600),
            ("", json, version, 400, -32_700), ("{", json, version, 400, -32_700), ("1", json, version, 400, -32_600),
            ("[\(ping)]", json, version, 400, -32_600), ("[]", json, version, 400, -32_600),
            (#"{"params":\#(nested)}"#, json, version, 400, -32_700),
            ("[" + String(repeating: "1,", count: 20_000) + "1]", json, version, 400, -32_700),
            (String(repeating: " ", count: 1 << 20) + ping, json, version, 413, -32_600),
            (#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, json, version, 200, -32_600),
            (#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, json, version, 400, -32_600),
            (#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}"#, json, version, 200, -32_602),
            (#"{"jsonrpc":"2.0","id":1,"method":"resources/list"}"#, json, version, 200, -32_601),
            (#"{"jsonrpc":"2.0","id":1,"method":"server/discover"}"#, json, version, 200, -32_601),
            (#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}}"#, json, version, 200, -32_602),
            (
                #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#, json, version, 202,
                .absent
            ),
        ]
    }()

    @Test func whatIsNoMessageIsRefusedInWordsThatProgramsRead() async throws {
        try await withServer { server in
            let agent = try await server.makeAccount().makeAgent("messages:read")
            for (body, type, version, status, code) in Self.faults {
                let answer = try await agent.client.send(
                    "POST", "/mcp", headers: [("Content-Type", type), ("MCP-Protocol-Version", version)],
                    body: Array(body.utf8))

                #expect(
                    answer.status == status && answer.json["error"]["code"] == code, "\(body.prefix(80)): \(answer)")
                #expect(answer.text.utf8.count < 1_000)
            }
            let compressed = try await agent.say(
                ["jsonrpc": "2.0", "id": 1, "method": "ping"], headers: [("Content-Encoding", "gzip")])
            #expect(compressed.status == 415)
        }
    }

    @Test func onlyPostIsThere() async throws {
        try await withServer { server in
            let agent = try await server.makeAccount().makeAgent("messages:read")
            for method in ["GET", "DELETE", "PUT", "HEAD"] {
                let answer = try await agent.client.send(
                    method, "/mcp", headers: [("Accept", "text/event-stream, text/html")])
                #expect(answer.status == 405 && answer.header("Allow") == "POST, OPTIONS", "\(method): \(answer)")
            }
            // Programs that are answered 401 look for these, and take 404 for "there is no such thing here".
            for path in ["oauth-protected-resource", "oauth-protected-resource/mcp", "oauth-authorization-server"] {
                #expect(try await server.client.get("/.well-known/\(path)").status == 404)
            }
        }
    }

    @Test func aKeyIsAskedForAsItIsElsewhereAndNoPhonesKeyIsTaken() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone().client.apiKey ?? ""
            let agent = try await account.makeAgent("messages:read", until: "2040-01-01T00:00:00Z")
            let key = agent.client.apiKey ?? ""
            let table: [(headers: [(String, String)], status: Int)] = [
                ([("x-api-key", key)], 200), ([("Authorization", "Bearer \(key)")], 200),
                ([("x-api-key", account.apiKey)], 200), ([("Authorization", "Bearer \(account.apiKey)")], 200),
                ([], 401), ([("x-api-key", phone)], 401), ([("Authorization", "Bearer \(phone)")], 401),
                ([("x-api-key", phone), ("Authorization", "Bearer \(key)")], 401),
                ([("x-api-key", key + "x")], 401), ([("Authorization", "Basic \(key)")], 401),
                ([("Cookie", "x-api-key=\(key)")], 401),
            ]
            let nobody = Agent(client: server.client)
            for (headers, status) in table {
                let answer = try await nobody.say(["jsonrpc": "2.0", "id": 1, "method": "ping"], headers: headers)

                #expect(answer.status == status, "\(headers.map(\.0)): \(answer)")
                guard status == 401 else { continue }
                #expect(answer.json["error"]["code"] == -32_600 && answer.json["id"] == .null)
                let hasKey = headers.contains { $0.0 != "Cookie" }
                #expect(
                    answer.header("WWW-Authenticate")
                        == #"Bearer realm="httpsms""# + (hasKey ? #", error="invalid_token""# : ""))
            }
            let inQuery = try await server.client.send(
                "POST", "/mcp?x-api-key=\(key)", ["jsonrpc": "2.0", "id": 1, "method": "ping"])
            #expect(inQuery.status == 401)

            server.advance(by: .seconds(86_400 * 365 * 40))
            let late = try await agent.say(["jsonrpc": "2.0", "id": 1, "method": "ping"])
            #expect(late.status == 401)
        }
    }

    @Test func pagesOfOtherOriginsAndNamesThatAreNotOursAreRefused() async throws {
        try await withServer(["APP_URL": "http://sms.example.com"]) { server in
            let agent = try await server.makeAccount().makeAgent("messages:read")
            let own = server.baseURL.dropFirst("http://".count)
            let port = own.split(separator: ":").last ?? ""
            let table: [(origin: String?, host: String, status: Int)] = [
                (nil, "\(own)", 200), ("http://\(own)", "\(own)", 200), ("HTTP://\(own)", "\(own)", 200),
                ("http://localhost:\(port)", "localhost:\(port)", 200),
                ("http://sms.example.com", "sms.example.com", 200),
                ("https://sms.example.com", "sms.example.com", 403), ("https://evil.example", "\(own)", 403),
                ("http://localhost:\(port)", "\(own)", 403), ("null", "\(own)", 403), ("", "\(own)", 403),
                ("http://\(own).evil.example", "\(own)", 403), ("file://", "\(own)", 403),
                // DNS rebinding: the browser believes that it is the same origin.
                ("http://evil.example:\(port)", "evil.example:\(port)", 403),
                // Nobody's page: a program that reaches the server by a name of its own.
                (nil, "gateway.internal", 200),
            ]
            for (origin, host, status) in table {
                let headers = [("Host", host)] + (origin.map { [("Origin", $0)] } ?? [])

                let answer = try await agent.say(["jsonrpc": "2.0", "id": 1, "method": "ping"], headers: headers)

                #expect(answer.status == status, "\(origin ?? "-") at \(host): \(answer)")
                #expect(answer.header("Access-Control-Allow-Origin") == nil)
            }
        }
    }

    @Test func aWebhookThatLeadsHereIsALoop() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            for path in ["/mcp", "/MCP/", "/mcp?a=b"] {
                let answer = try await account.client.send(
                    "POST", path,
                    [
                        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
                        "params": [
                            "name": "send_message", "arguments": ["to": .string(Self.contact), "content": "Hi"],
                        ],
                    ], headers: [("X-Httpsms-Delivery", "1")])

                #expect(answer.status == 508, "\(path): \(answer)")
            }
            #expect(try await account.client.get("/v1/messages/search").data == [])
        }
    }
}
