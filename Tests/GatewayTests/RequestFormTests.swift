import Foundation
import TestSupport
import Testing

/// What clients do around a request: they wait before a body, ask for headers, compress, and write long texts.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct RequestFormTests {
    private static func head(_ path: String, _ key: String, _ more: [String], version: String = "1.1") -> String {
        let fields = ["Host: localhost", "x-api-key: \(key)", "Content-Type: application/json"] + more
        return "POST \(path) HTTP/\(version)\r\n" + fields.map { $0 + "\r\n" }.joined() + "\r\n"
    }

    @Test(arguments: ["100-continue", "100-Continue"]) func aClientThatWaitsIsToldToGoOn(expectation: String)
        async throws
    {
        try await withServer { server in
            let key = try await server.makeAccount().apiKey
            let client = try await RawClient(server.baseURL)
            let body = #"{"name":"a"}"#
            let head = Self.head(
                "/v1/phone-api-keys", key, ["Content-Length: \(body.utf8.count)", "Expect: \(expectation)"])

            for round in 1...2 {
                client.write(head)
                try await client.until("HTTP/1.1 100 Continue\r\n\r\n", count: round)
                #expect(client.text.components(separatedBy: "HTTP/1.1 200 OK").count == round)
                client.write(body)
                try await client.until("HTTP/1.1 200 OK", count: round)
            }
        }
    }

    /// An answer that was asked for before is not broken into.
    @Test func thePipelinedRequestIsToldAfterTheAnswerBeforeIt() async throws {
        try await withServer { server in
            let key = try await server.makeAccount().apiKey
            let client = try await RawClient(server.baseURL)

            client.write("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            client.write(Self.head("/v1/phone-api-keys", key, ["Content-Length: 2", "Expect: 100-continue"]))
            try await client.until("100 Continue")

            let text = client.text
            let health = try #require(text.range(of: "HTTP/1.1 200 OK"))
            let told = try #require(text.range(of: "HTTP/1.1 100 Continue"))
            #expect(health.lowerBound < told.lowerBound)
        }
    }

    @Test(arguments: [
        (["Content-Length: 0", "Expect: 100-continue"], "1.1"), (["Content-Length: 2"], "1.1"),
        (["Content-Length: 2", "Expect: 100-continue"], "1.0"), (["Content-Length: 2", "Expect: more"], "1.1"),
    ]) func nobodyElseIsTold(fields: [String], version: String) async throws {
        try await withServer { server in
            let key = try await server.makeAccount().apiKey
            let client = try await RawClient(server.baseURL)

            client.write(Self.head("/v1/phone-api-keys", key, fields, version: version) + "{}")
            try await client.until("\r\n\r\n")

            #expect(!client.text.contains("100 Continue"))
        }
    }

    @Test(arguments: [
        "token", "last-event-id, x-requested-with", "Sentry-Trace,baggage ,traceparent", "cache-control", "x-api-key",
        "AUTHORIZATION",
    ]) func aPreflightAllowsWhatIsAsked(names: String) async throws {
        try await withServer { server in
            let answer = try await server.client.send(
                "OPTIONS", "/v1/messages/search",
                headers: [
                    ("Origin", "https://example.com"), ("Access-Control-Request-Method", "GET"),
                    ("Access-Control-Request-Headers", names),
                ])

            #expect(answer.status == 204)
            let allowed = answer.header("Access-Control-Allow-Headers")?.lowercased() ?? ""
            let list = allowed.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
            for name in names.lowercased().split(separator: ",") {
                #expect(list.contains(name.trimmingCharacters(in: .whitespaces)), "\(allowed)")
            }
            #expect(Set(list).count == list.count)
            for name in ["authorization", "x-api-key", "content-type"] { #expect(list.contains(name)) }
        }
    }

    @Test func aPreflightRepeatsNoNonsense() async throws {
        try await withServer { server in
            let many = (0..<500).map { "h\($0)" }.joined(separator: ",")
            for names in ["a b, c\"d, <script>, é", many] {
                let answer = try await server.client.send(
                    "OPTIONS", "/v1/messages/search",
                    headers: [("Origin", "https://example.com"), ("Access-Control-Request-Headers", names)])

                #expect(answer.status == 204)
                let allowed = answer.header("Access-Control-Allow-Headers") ?? ""
                #expect(allowed.utf8.count < 1_000)
                #expect(!allowed.contains("<") && !allowed.contains("\"") && !allowed.contains("a b"))
            }
        }
    }

    @Test(arguments: ["gzip", "br", "deflate, gzip", "GZIP"]) func aCompressedBodyIsSaidToBeUnsupported(
        encoding: String
    ) async throws {
        try await withServer { server in
            let phone = try await server.makeAccount().makePhone()
            for path in ["/v1/messages/receive", "/v1/messages/send", "/v1/bulk-messages"] {
                let answer = try await phone.client.send(
                    "POST", path, headers: [("Content-Type", "application/json"), ("Content-Encoding", encoding)],
                    body: [0x1f, 0x8b, 8, 0])

                #expect(answer.status == 415, "\(answer)")
                #expect(answer.data.string.contains("[\(encoding.lowercased())] is not supported"))
            }
            let plain = try await phone.client.send(
                "POST", "/v1/messages/receive",
                headers: [("Content-Type", "application/json"), ("Content-Encoding", "identity")],
                body: Array(#"{"to":"+18005550199","from":"MTN","content":"Hi"}"#.utf8))
            #expect(plain.status == 200)
        }
    }

    /// What is one character to the eye may be any number of parts of an SMS.
    @Test(arguments: [
        (String(repeating: "é", count: 2_048), 200), (String(repeating: "é", count: 2_049), 422),
        (String(repeating: "😀", count: 1_024), 200), (String(repeating: "😀", count: 1_025), 422),
        ("a" + String(repeating: "\u{301}", count: 100_000), 422),
        // With the 65 joiners that break the run.
        ("a" + String(repeating: "\u{301}", count: 1_980), 200),
        ("a" + String(repeating: "\u{301}", count: 2_047), 422),
        (String(repeating: "👨‍👩‍👧‍👦", count: 2_048), 422),
    ]) func textIsAsLongAsAnSMSCountsIt(content: String, status: Int) async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            let draft: JSON = ["from": "+18005550199", "to": "+18005550100", "content": .string(content)]

            let answer = try await account.client.post("/v1/messages/send", draft)

            #expect(answer.status == status)
        }
    }

    /// 50 characters of any script, and a plus that a client did not escape.
    @Test func aSearchTakesTextOfAnyScriptAndABarePlus() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            _ = try await phone.receive(["from": "+18005550100", "content": "漢字"])
            let long = String(repeating: "%E6%BC%A2", count: 50)

            #expect(try await account.client.get("/v1/messages/search?query=\(long)").status == 200)
            #expect(try await account.client.get("/v1/messages/search?query=\(long)a").status == 422)
            let found = try await account.client.get("/v1/messages/search?owners=+18005550199")
            #expect(found.data.array.count == 1)
        }
    }

    @Test(arguments: ["8005550100", "1%20(800)%20555-0100", "+1%20800%20555%200100", "%2B18005550100", "0018005550100"])
    func aConversationIsFoundByAnySpellingOfTheContact(contact: String) async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            _ = try await phone.receive(["from": "+18005550100", "content": "Hi"])

            let list = try await account.client.get("/v1/messages?owner=%2B18005550199&contact=\(contact)")

            #expect(list.data.array.count == 1, "\(list)")
        }
    }

    /// One function reads numbers: what is sent, received and uploaded to one person is one conversation.
    @Test(
        arguments: [
            (
                "+4915112345678",
                ["015112345679", "0151 123 456 79", "+4915112345679", "004915112345679", "4915112345679"]
            ),
            (
                "+12125550123",
                ["2125550188", "(212) 555-0188", "+1 212 555 0188", "12125550188", "\u{202D}2125550188\u{202C}"]
            ),
        ] as [(String, [String])])
    func everySpellingOfANumberIsOneConversation(owner: String, spellings: [String]) async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone(owner)
            var contacts: Set<String> = []
            for spelling in spellings {
                let from: JSON = ["from": .string(spelling), "content": .string("from \(spelling)")]
                contacts.insert(try await phone.receive(from).data["contact"].string)
                let draft: JSON = ["from": .string(owner), "to": .string(spelling), "content": "Hi"]
                contacts.insert(try await account.client.post("/v1/messages/send", draft).data["contact"].string)
                let many = draft.with(["to": [.string(spelling)]])
                let sent = try await account.client.post("/v1/messages/bulk-send", many)
                contacts.insert(sent.data[0]["contact"].string)
            }

            #expect(contacts.count == 1, "\(contacts)")
        }
    }

    @Test(arguments: ["015112345678", "+015112345678", "00000000000"])
    func whatNoPhoneCouldDialIsRefused(to: String) async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()

            let answer = try await account.client.post(
                "/v1/messages/send", ["from": "+18005550199", "to": .string(to), "content": "Hi"])

            #expect(answer.status == 422)
            #expect(answer.data["to"][0].string == "The to field \(Envelope.notAPhoneNumber)")
        }
    }
}
