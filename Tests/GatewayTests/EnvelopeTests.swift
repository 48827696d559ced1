import TestSupport
import Testing

/// What every answer has in common.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct EnvelopeTests {
    @Test func aSuccessHasDataMessageAndStatusInThisOrder() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()

            let answer = try await account.client.get("/v1/phones")

            #expect(answer.status == 200)
            #expect(answer.text == #"{"data":[],"message":"fetched 0 phones","status":"success","next_cursor":null}"#)
            #expect(answer.header("Content-Type") == "application/json; charset=utf-8")
        }
    }

    @Test func listsCountTheirNounInTheSingularForOne() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()

            let answer = try await account.client.get("/v1/phones")

            #expect(answer.message == "fetched 1 phone")
        }
    }

    @Test func everyAnswerBehindTheRouterNamesItsRequest() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let answers = [
                try await account.client.get("/v1/phones"), try await server.client.get("/v1/phones"),
                try await server.client.get("/nothing/here"),
            ]

            let ids = answers.compactMap { $0.header("X-Request-Id") }

            #expect(answers.map(\.status) == [200, 401, 404])
            #expect(Set(ids).count == 3)
        }
    }

    @Test func healthIsPlainTextAndNeedsNoKey() async throws {
        try await withServer { server in
            for path in ["/health", "/health/ready"] {
                let answer = try await server.client.get(path)

                #expect(answer.status == 200)
                #expect(answer.text == "OK")
                #expect(answer.header("Content-Type") == "text/plain; charset=utf-8")
            }
        }
    }

    @Test(arguments: [
        "/v1/phones", "/v1/phones/", "/V1/Phones", "/v1/PHONES/?limit=1",
    ])
    func pathsMatchWithoutRegardToCaseAndASlashAtTheEnd(path: String) async throws {
        try await withServer { server in
            let account = try await server.makeAccount()

            let answer = try await account.client.get(path)

            #expect(answer.status == 200)
        }
    }

    @Test func idsInPathsMayBeWrittenInCapitals() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            let id = try await account.send()["id"].string

            let answer = try await account.client.get("/v1/messages/\(id.uppercased())")

            #expect(answer.data["id"].string == id)
        }
    }

    @Test func getRoutesAnswerHEADWithoutABody() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()

            let answer = try await account.client.send("HEAD", "/v1/phones")

            #expect(answer.status == 200)
            #expect(answer.body == [])
        }
    }

    @Test func aPreflightIsAnsweredForEveryOrigin() async throws {
        try await withServer { server in
            let answer = try await server.client.send(
                "OPTIONS", "/v1/messages/send",
                headers: [
                    ("Origin", "https://example.com"), ("Access-Control-Request-Method", "POST"),
                    ("Access-Control-Request-Headers", "x-api-key, content-type"),
                ])

            #expect(answer.status == 204)
            #expect(answer.header("Access-Control-Allow-Origin") == "*")
            let methods = answer.header("Access-Control-Allow-Methods") ?? ""
            let headers = answer.header("Access-Control-Allow-Headers")?.lowercased() ?? ""
            for method in ["GET", "POST", "PUT", "DELETE"] { #expect(methods.contains(method)) }
            for header in ["x-api-key", "content-type", "authorization"] { #expect(headers.contains(header)) }
        }
    }

    @Test func errorsTooCanBeReadByEveryOrigin() async throws {
        try await withServer { server in
            let answer = try await server.client.send(
                "GET", "/v1/phones", headers: [("Origin", "https://example.com")])

            #expect(answer.status == 401)
            #expect(answer.header("Access-Control-Allow-Origin") == "*")
        }
    }

    @Test func memberNamesMatchWithoutRegardToCaseAndUnknownOnesAreIgnored() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()

            let answer = try await account.client.put(
                "/v1/phones", ["Phone_Number": "+18005550199", "MAX_SEND_ATTEMPTS": 3, "nonsense": ["a": [1, .null]]])

            #expect(answer.status == 200)
            #expect(answer.data["max_send_attempts"] == 3)
        }
    }
}
