import TestSupport
import Testing

/// What a path answers to methods that it has not (RFC 9110, sections 9.3.7 and 15.5.6).
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct MethodTests {
    private static let table: [(method: String, path: String, allowed: String)] = [
        ("POST", "/v1/phones", "GET, HEAD, PUT, OPTIONS"),
        ("PATCH", "/V1/Phones/", "GET, HEAD, PUT, OPTIONS"),
        ("TRACE", "/v1/messages/a", "GET, HEAD, PUT, DELETE, OPTIONS"),
        // The router looks for methods at the word, not at the id.
        ("DELETE", "/v1/messages/outstanding", "GET, HEAD, OPTIONS"),
        ("GET", "/v1/messages/send?to=1", "POST, OPTIONS"),
        ("HEAD", "/v1/messages/send", "POST, OPTIONS"),
        ("DELETE", "/v1/inbound/x", "GET, HEAD, POST, PUT, PATCH, OPTIONS"),
        ("PUT", "/health", "GET, HEAD, OPTIONS"), ("POST", "/metrics", "GET, HEAD, OPTIONS"),
        ("POST", "/docs/errors", "GET, HEAD, OPTIONS"), ("GET", "/api/mobile/v1/user/password", "PATCH, OPTIONS"),
        ("GET", "/mcp", "POST, OPTIONS"), ("DELETE", "/mcp/", "POST, OPTIONS"),
        ("DELETE", "/", "GET, HEAD, OPTIONS"), ("PATCH", "/sign-in", "GET, HEAD, POST, OPTIONS"),
    ]

    @Test func anotherMethodIsAnsweredWithThoseOfThePath() async throws {
        try await withServer { server in
            for (method, path, allowed) in Self.table {
                let answer = try await server.client.send(method, path, headers: [("X-Api-Key", "any")])

                #expect(answer.status == 405 && answer.header("Allow") == allowed, "\(method) \(path): \(answer)")
                let message = "\(method) does not exist at \(path.prefix { $0 != "?" }), only \(allowed)."
                let expected = Envelope.error(message, code: "method_not_allowed")
                #expect(method == "HEAD" ? answer.body == [] : answer.json == expected, "\(method) \(path): \(answer)")
                #expect(answer.header("X-Request-Id") != nil)
            }
        }
    }

    @Test func optionsTellsWhatAPathHas() async throws {
        try await withServer { server in
            for (_, path, allowed) in Self.table {
                let answer = try await server.client.send("OPTIONS", path)

                #expect(answer.status == 204 && answer.body == [], "\(path): \(answer)")
                #expect(answer.header("Allow") == allowed, "\(path): \(answer)")
            }
        }
    }

    @Test func everyRouteIsReachedByItsOwnMethod() async throws {
        try await withServer { server in
            for route in server.routes {
                let parts = route.split(separator: " ").map(String.init)
                let answer = try await server.client.send(parts[0], parts[1])

                #expect(![405, 501].contains(answer.status), "\(route): \(answer)")
            }
        }
    }

    @Test func aBrowserThatOpensTheAddressOfAFormGetsAPage() async throws {
        try await withServer { server in
            let page = PageClient(baseURL: server.baseURL)

            let answer = try await page.get("/sign-out", headers: [("Accept", "text/html")])

            #expect(answer.status == 405 && answer.header("Allow") == "POST, OPTIONS")
            #expect(answer.text.contains("only forms are sent here"))
        }
    }

    @Test func aWrongMethodOfAnotherOriginMayBeRead() async throws {
        try await withServer { server in
            let answer = try await server.client.send(
                "POST", "/v1/phones", headers: [("Origin", "https://example.com")])

            #expect(answer.status == 405 && answer.header("Access-Control-Allow-Origin") == "*")
        }
    }
}
