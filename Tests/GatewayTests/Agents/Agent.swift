import TestSupport
import Testing

/// An agent's program that speaks to `/mcp` with a key.
struct Agent {
    let client: APIClient

    /// Sends one message.
    func say(_ message: JSON, headers: [(String, String)] = []) async throws -> APIClient.Answer {
        try await client.send("POST", "/mcp", message, headers: headers)
    }

    /// Makes a request and gives what is answered.
    func ask(_ method: String, _ parameters: JSON = .absent) async throws -> JSON {
        let message: JSON = ["jsonrpc": "2.0", "id": 1, "method": .string(method)]
        let answer = try await say(message.with(["params": parameters]))
        #expect(answer.status == 200 && answer.header("Content-Type") == "application/json", "\(answer)")
        #expect(answer.json["jsonrpc"] == "2.0" && answer.json["id"] == 1, "\(answer)")
        return answer.json
    }

    /// Calls a tool and gives its result.
    func call(_ tool: String, _ arguments: JSON) async throws -> JSON {
        try await ask("tools/call", ["name": .string(tool), "arguments": arguments])["result"]
    }

    /// Calls a tool that refuses, and gives why.
    func refusal(_ tool: String, _ arguments: JSON) async throws -> String {
        let result = try await call(tool, arguments)
        #expect(result["isError"] == true, "\(result)")
        return result["content"][0]["text"].string
    }
}

extension Account {
    /// An agent with an access key of its own.
    func makeAgent(_ scopes: String..., until end: String? = nil) async throws -> Agent {
        let body: JSON = ["name": "Agent", "scopes": .array(scopes.map(JSON.string))]
        let made = try await client.post("/v1/access-keys", body.with(["expires_at": end.map(JSON.string) ?? .absent]))
        try #require(made.status == 201, "\(made)")
        return Agent(client: APIClient(baseURL: client.baseURL, apiKey: made.data["api_key"].string))
    }
}
