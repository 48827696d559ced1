import Logging
import TestSupport
import Testing

/// What is not a request, or not one that can be read. The server answers each and lives on.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct BadInputTests {
    /// One request that is answered with an error.
    private struct Row: Sendable {
        var method = "POST"
        let path: String
        var headers = [("Content-Type", "application/json")]
        let body: [UInt8]
        let status: Int
        let answer: JSON

        init(_ path: String, _ body: String, _ status: Int, _ answer: JSON) {
            self.init(path, Array(body.utf8), status, answer)
        }

        init(_ path: String, _ body: [UInt8], _ status: Int, _ answer: JSON) {
            (self.path, self.body, self.status, self.answer) = (path, body, status, answer)
        }

        func with(method: String? = nil, headers: [(String, String)]? = nil) -> Row {
            var row = self
            row.method = method ?? row.method
            row.headers = headers ?? row.headers
            return row
        }
    }

    private static func check(_ rows: [Row]) async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            for row in rows {
                let body = row.method == "GET" ? nil : row.body
                let answer = try await account.client.send(row.method, row.path, headers: row.headers, body: body)

                let what = "\(row.method) \(row.path) \(String(decoding: row.body.prefix(80), as: UTF8.self))"
                #expect(answer.status == row.status, "\(what) \(answer)")
                #expect(answer.json == row.answer, "\(what)")
                let health = try await server.client.get("/health")
                #expect(health.status == 200, "\(what)")
            }
            #expect(try await server.emittedTypes() == [])
            #expect(!server.log.lines.contains { $0.level >= .error }, "\(server.log.lines)")
        }
    }

    @Test func whatIsNoJSONIsSaidToBeNone() async throws {
        let answer = Envelope.badRequest("the body is not valid JSON")
        let bodies: [[UInt8]] = [
            [], Array("{".utf8), Array("nonsense".utf8), Array("{\"a\":}".utf8), Array("{} {}".utf8),
            Array("{'to':1}".utf8), Array("to=1".utf8),
            [0xff, 0xfe, 0xfd], Array(#"{"to":"a" "from":"b"}"#.utf8), Array(#"{"to":"a""#.utf8),
        ]
        let ofText: [[UInt8]] = [
            Array("{\"to\":\"".utf8) + [0xc3, 0x28] + Array("\"}".utf8), Array("{\"to\":\"a\nb\"}".utf8),
            Array(#"{"to":"\d"}"#.utf8),
        ]
        let paths = ["/v1/messages/receive", "/v1/messages/send", "/v1/messages/calls/missed"]
        let rows = paths.flatMap { path in bodies.map { Row(path, $0, 400, answer) } }
        try await Self.check(rows + ofText.map { Row("/v1/messages/send", $0, 400, answer) })
    }

    @Test func whatIsNestedTooDeepIsSaidToBe() async throws {
        let answer = Envelope.badRequest("the body is nested more than 64 levels deep")
        let nested = String(repeating: "[", count: 100_000)
        let bodies = [nested, "{\"x\":\(nested)\(String(repeating: "]", count: 100_000))}"]
        let paths = ["/v1/messages/receive", "/v1/messages/send", "/v1/messages/calls/missed"]
        try await Self.check(paths.flatMap { path in bodies.map { Row(path, $0, 400, answer) } })
    }

    @Test func aMemberOfTheWrongTypeIsNamed() async throws {
        func wrong(_ member: String) -> JSON { Envelope.badRequest("\(member) has the wrong type") }
        let time = Envelope.badRequest("send_at is not an RFC 3339 time with an offset")
        try await Self.check([
            Row("/v1/messages/receive", "[]", 400, wrong("the body")),
            Row("/v1/messages/receive", "null", 400, wrong("the body")),
            Row("/v1/messages/receive", "\"text\"", 400, wrong("the body")),
            Row("/v1/messages/send", #"{"to":1}"#, 400, wrong("to")),
            Row("/v1/messages/send", #"{"content":["a"]}"#, 400, wrong("content")),
            Row("/v1/messages/send", #"{"encrypted":"true"}"#, 400, wrong("encrypted")),
            Row("/v1/messages/send", #"{"encrypted":1}"#, 400, wrong("encrypted")),
            Row("/v1/messages/send", #"{"attachments":{}}"#, 400, wrong("attachments")),
            Row("/v1/messages/send", #"{"send_at":"yesterday"}"#, 400, time),
            Row("/v1/messages/send", #"{"send_at":""}"#, 400, time),
            Row("/v1/messages/send", #"{"send_at":1}"#, 400, wrong("send_at")),
            Row("/v1/messages/send", #"{"attachments":["a",null]}"#, 400, wrong("attachments.[1]")),
            Row("/v1/messages/send", #"{"request_id":7}"#, 400, wrong("request_id")),
            Row("/v1/heartbeats", #"{"phone_numbers":"+18005550199"}"#, 400, wrong("phone_numbers")),
            Row("/v1/heartbeats", #"{"phone_numbers":[1]}"#, 400, wrong("phone_numbers.[0]")),
            Row("/v1/phones", #"{"messages_per_minute":"10"}"#, 400, wrong("messages_per_minute")).with(method: "PUT"),
            Row("/v1/phones", #"{"unarchive_thread":0}"#, 400, wrong("unarchive_thread")).with(method: "PUT"),
            Row("/v1/phones/fcm-token", #"{"phone_number":true}"#, 400, wrong("phone_number")).with(method: "PUT"),
            Row("/v1/phone-api-keys", #"{"name":{}}"#, 400, wrong("name")),
            Row("/v1/webhooks", #"{"events":"message.phone.sent"}"#, 400, wrong("events")),
            Row("/v1/webhooks", #"{"phone_numbers":[["+18005550199"]]}"#, 400, wrong("phone_numbers.[0]")),
            Row("/v1/webhooks/\(unknownID)", #"{"url":1}"#, 400, wrong("url")).with(method: "PUT"),
        ])
    }

    @Test func numbersThatAreNoIntegersAreRefused() async throws {
        for number in [
            "1.5", "0.5", "-0.1", "1e30", "1e-1", "1E400", "1e400", "9223372036854775808", "-9223372036854775809",
            String(repeating: "9", count: 10_000),
        ] {
            try await withServer { server in
                let account = try await server.makeAccount()

                let answer = try await account.client.send(
                    "PUT", "/v1/phones", headers: [("Content-Type", "application/json")],
                    body: Array(#"{"phone_number":"+18005550199","messages_per_minute":\#(number)}"#.utf8))

                #expect(answer.status == 400, "\(number) \(answer)")
                #expect(answer.json == Envelope.badRequest("messages_per_minute has the wrong type"))
                #expect(try await account.client.get("/v1/phones").data == [])
            }
        }
    }

    @Test func onlyJSONIsRead() async throws {
        let answer = Envelope.badRequest("the Content-Type header must be application/json")
        let types: [[(String, String)]] = [
            [], [("Content-Type", "")], [("Content-Type", "text/plain")],
            [("Content-Type", "application/x-www-form-urlencoded")], [("Content-Type", "text/json")],
            [("Content-Type", "application/jsonp")],
        ]
        let paths = ["/v1/messages/receive", "/v1/webhooks"]
        try await Self.check(paths.flatMap { path in types.map { Row(path, "{}", 400, answer).with(headers: $0) } })
    }

    @Test(arguments: ["application/json", "application/json; charset=utf-8", "Application/JSON", "application/a+json"])
    func everyKindOfJSONIsRead(type: String) async throws {
        try await withServer { server in
            let account = try await server.makeAccount()

            let answer = try await account.client.send(
                "POST", "/v1/phone-api-keys", headers: [("Content-Type", type)], body: Array(#"{"name":"a"}"#.utf8))

            #expect(answer.status == 200)
        }
    }

    @Test func whatIsNotThereIsNotFoundWhateverTheMethod() async throws {
        func nothing(_ what: String) -> JSON { Envelope.error("There is nothing at \(what)", code: "unknown_path") }
        let routes = [
            ("GET", "/nothing"), ("GET", "/v1"), ("GET", "/v1/messages/a/b"), ("DELETE", "/v1/users/you"),
            ("GET", "/v1/users"), ("GET", "/v2/phones"), ("POST", "/v2/phones"), ("PATCH", "/nothing"),
            ("GET", "/v1/%70hones"), ("GET", "//v1//x"), ("OPTIONS", "/nothing"),
        ]
        try await Self.check(
            routes.map { method, path in
                // Told with single slashes, as the router reads it.
                Row(path, "{}", 404, nothing("\(method) \(path.replacing("//", with: "/"))")).with(method: method)
            })
    }

    @Test func aBodyOverTheLimitIsAnswered413() async throws {
        let answer = Envelope.error("The request body is larger than this route takes.", code: "payload_too_large")
        let megabyte = [UInt8](repeating: 0x20, count: 1 << 20)
        let body = Array("{}".utf8)
        try await Self.check([
            Row("/v1/messages/send", megabyte + body, 413, answer),
            Row("/v1/heartbeats", megabyte + body, 413, answer),
            Row("/v1/messages/receive", Array(repeating: megabyte, count: 16).flatMap(\.self) + body, 413, answer),
            Row(
                "/v1/messages/send", Array(megabyte.dropLast(2)) + body, 422,
                Envelope.invalid(
                    "validation errors while sending message",
                    [
                        "from": ["The from field is required", "The from field \(Envelope.notAPhoneNumber)"],
                        "to": [
                            "The to field is required",
                            "The to field must contain only digits and must be less than 14 characters",
                        ],
                        "content": ["The content field is required"],
                    ])),
        ])
    }

    @Test func aLargeInboundSMSFitsUnderItsOwnLimit() async throws {
        try await withServer { server in
            let phone = try await server.makeAccount().makePhone()

            let answer = try await untilServed {
                try await phone.receive([
                    "from": "+18005550100", "content": .string(String(repeating: "a", count: 5 << 20)),
                ])
            }

            #expect(answer.status == 200)
        }
    }

    @Test func valuesThatAreHugeOrOddDoNoHarm() async throws {
        let digits = String(repeating: "9", count: 500_000)
        let (nuls, bad) = (String(repeating: #"\u0000"#, count: 170_000), Envelope.notAPhoneNumber)
        try await Self.check([
            Row(
                "/v1/heartbeats", #"{"owner":"\#(nuls)"}"#, 422,
                Envelope.invalid(
                    "validation errors while storing heartbeat",
                    ["phone_numbers": ["The phone_numbers field in index [0] \(bad)"]])),
            Row(
                "/v1/messages/receive", #"{"to":"+\#(digits)","from":"\#(digits)","content":"a"}"#, 422,
                Envelope.invalid("validation errors while receiving message", ["to": ["The to field \(bad)"]])),
            Row(
                "/v1/messages/receive", #"{"to":"\u0000","from":"a","content":"a"}"#, 422,
                Envelope.invalid("validation errors while receiving message", ["to": ["The to field \(bad)"]])),
            Row(
                "/v1/phones", #"{"phone_number":"+1800555\u00000199"}"#, 422,
                Envelope.invalid(
                    "validation errors while updating phones", ["phone_number": ["The phone_number field \(bad)"]])
            ).with(method: "PUT"),
            Row(
                "/v1/heartbeats?limit=1&owner=%zz%ff%00", "", 422,
                Envelope.invalid("validation errors while fetching heartbeats", ["owner": ["The owner field \(bad)"]])
            ).with(method: "GET"),
        ])
    }

    @Test func aNULIsStoredAsTheReplacementCharacter() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()

            let received = try await phone.receive(["from": "a\u{0}b", "content": "\\u0000\u{0}\\\u{0}"])
            let sent = try await account.send(["content": "e\u{0}f", "request_id": "g\u{0}h"])
            let failed = try await phone.report("FAILED", sent["id"].string, ["reason": "i\u{0}j"])
            let key = try await account.client.post("/v1/phone-api-keys", ["name": "k\u{0}l"])

            #expect(received.data["contact"] == "a\u{FFFD}b")
            #expect(received.data["content"] == "\\u0000\u{FFFD}\\\u{FFFD}")
            #expect(sent["content"] == "e\u{FFFD}f")
            #expect(sent["request_id"] == "g\u{FFFD}h")
            #expect(failed.data["failure_reason"] == "i\u{FFFD}j")
            #expect(key.data["name"] == "k\u{FFFD}l")
        }
    }

    /// More than any SMS holds is kept in part, and says so; nothing else shows all of it again.
    @Test func aTextLongerThanAnySMSIsCut() async throws {
        try await withServer { server in
            let (page, account) = try await server.signedIn()
            let phone = try await account.makePhone()
            let whole = String(repeating: "ä", count: 64 << 10)
            let fits = try await phone.receive(["from": "+18005550100", "content": .string(whole)])
            let cut = try await phone.receive(["from": "+18005550101", "content": .string("a" + whole + "z")])

            #expect(fits.data["content"].string == whole && fits.data["failure_reason"] == .null)
            #expect(cut.data["content"].string.utf8.count <= (128 << 10) + 2)
            #expect(cut.data["content"].string.hasPrefix("aää"))
            #expect(
                cut.data["failure_reason"] == "the text had 131074 bytes, of which the first 131072 are kept")
            let sent = try await account.send(["content": "Hi"])["id"].string
            let failed = try await phone.report("FAILED", sent, ["reason": .string(whole)])
            #expect(failed.data["failure_reason"].string.unicodeScalars.count == 4_096)
            let events = try await page.get("/events").text
            #expect(events.utf8.count < 64 << 10 && events.contains(" bytes)"))
        }
    }
}
