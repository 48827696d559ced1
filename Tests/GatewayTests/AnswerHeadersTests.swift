import TestSupport
import Testing

/// What every answer of the server carries, and what the log tells of a request.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct AnswerHeadersTests {
    private static let paths = [
        "/health", "/health/ready", "/metrics", "/docs", "/docs/api", "/docs/search?q=a", "/docs/openapi.json",
        "/docs/nope",
        "/llms.txt", "/sign-in", "/nope", "/v1/users/me", "/v1/nope", "/v1/attachments/a/b/0/c.jpg",
    ]

    @Test func everyAnswerSaysHowItMayBeReadAndKept() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            for path in Self.paths {
                for client in [server.client, account.client] {
                    let answer = try await client.get(path)
                    #expect(answer.header("X-Content-Type-Options") == "nosniff", "\(path)")
                    #expect(answer.header("Referrer-Policy") != nil, "\(path)")
                    #expect(
                        answer.header("Cache-Control") == (path.isKeptDocument ? "no-cache" : "no-store"), "\(path)")
                    #expect(answer.header("Strict-Transport-Security") == nil, "\(path)")
                }
            }
        }
    }

    @Test func errorsOfTheAPIAreNotKeptEither() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let answers = [
                try await server.client.get("/v1/users/me"), try await account.client.post("/v1/messages/send", [:]),
                try await account.client.send("POST", "/v1/messages/send", headers: [("Content-Type", "text/plain")]),
                try await account.client.send("OPTIONS", "/v1/users/me", headers: [("Origin", "https://a.example")]),
            ]

            for answer in answers { #expect(answer.header("Cache-Control") == "no-store", "\(answer.status)") }
        }
    }

    @Test func overTLSBrowsersAreToldToStayThere() async throws {
        try await withServer(["APP_URL": "https://sms.example.com"]) { server in
            for path in Self.paths {
                let answer = try await server.client.get(path)
                #expect(answer.header("Strict-Transport-Security") == "max-age=31536000", "\(path)")
            }
        }
    }

    @Test(arguments: [
        "/v1/attachments/secret/secret/0/secret.jpg", "/V1/Attachments/secret/secret/0/secret.jpg",
        "/v1//attachments/secret", "/v1/%61ttachments/secret/secret/0/secret.jpg", "/invitation?token=secret",
        "/Invitation/?token=secret", "/secret",
    ])
    func theLogDoesNotTellWhatAPathOpens(_ path: String) async throws {
        try await withServer { server in
            _ = try await server.client.get(path)

            let lines = server.log.lines
            #expect(lines.contains { $0.message == "request" && $0.metadata["route"] != nil })
            #expect(!lines.contains { "\($0)".contains("secret") })
        }
    }
}

extension String {
    /// Whether it is a page of the documentation that is there.
    fileprivate var isKeptDocument: Bool {
        ["/docs", "/docs/api", "/docs/search?q=a", "/docs/openapi.json", "/llms.txt"].contains(self)
    }
}
