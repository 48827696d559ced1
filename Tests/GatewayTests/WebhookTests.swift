import TestSupport
import Testing

/// `/v1/webhooks` for the clients of httpSMS.
@Suite(.timeLimit(.minutes(15))) struct WebhookTests {
    private static let draft: JSON = [
        "url": "http://127.0.0.1:1/hook", "signing_key": "secret", "events": ["message.phone.received"],
        "phone_numbers": ["+18005550199"],
    ]

    @Test func aWebhookIsShownInTheContractsShape() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()

            let answer = try await account.client.post("/v1/webhooks", Self.draft.with(["id": "ignored"]))

            #expect(answer.status == 201)
            #expect(answer.message == "webhook created successfully")
            let expected = answer.data.with(Self.draft.object).with(["user_id": .string(account.id)])
            #expect(answer.data == expected)
            #expect(answer.data["updated_at"] == answer.data["created_at"])
            #expect(
                answer.text.hasPrefix(
                    """
                    {"data":{"id":"\(answer.data["id"].string)","user_id":"\(account.id)",\
                    "url":"http://127.0.0.1:1/hook","signing_key":"secret","phone_numbers":["+18005550199"],\
                    "events":["message.phone.received"],"created_at":"
                    """))
            #expect(try await account.client.get("/v1/webhooks").data == [answer.data])
        }
    }

    @Test func whatIsGivenIsMadeCanonicalAndRepetitionsGo() async throws {
        let table: [(change: [String: JSON], result: [String: JSON])] = [
            (["phone_numbers": ["18005550199", " +1 800 555 0199 "]], ["phone_numbers": ["+18005550199"]]),
            (
                ["phone_numbers": ["+18005550188", "18005550199", "+18005550188"]],
                ["phone_numbers": ["+18005550188", "+18005550199"]]
            ),
            (
                ["events": ["phone.heartbeat.online", "message.phone.sent", "phone.heartbeat.online"]],
                ["events": ["phone.heartbeat.online", "message.phone.sent"]]
            ),
            (["signing_key": "  secret  "], ["signing_key": "secret"]),
            (["signing_key": .absent], ["signing_key": ""]),
            (["signing_key": .null], ["signing_key": ""]),
            (["signing_key": ""], ["signing_key": ""]),
            (["signing_key": "schlüssel 🔑"], ["signing_key": "schlüssel 🔑"]),
            (["url": " http://127.0.0.1:1/hook "], ["url": "http://127.0.0.1:1/hook"]),
            (["url": "127.0.0.1:1/hook"], ["url": "https://127.0.0.1:1/hook"]),
            (["url": "127.0.0.1/?next=http://a/"], ["url": "https://127.0.0.1/?next=http://a/"]),
            (["url": "HTTP://127.0.0.1/%C3%A4?a=b#c"], ["url": "HTTP://127.0.0.1/%C3%A4?a=b#c"]),
        ]
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            _ = try await account.makePhone("+18005550188")
            for row in table {
                let answer = try await account.client.post("/v1/webhooks", Self.draft.with(row.change))

                #expect(answer.status == 201, "\(row.change) \(answer)")
                #expect(answer.data == answer.data.with(row.result), "\(row.change)")
                _ = try await account.client.delete("/v1/webhooks/\(answer.data["id"].string)")
            }
        }
    }

    /// What each rule says; a PUT of the same body says the same.
    private static let refusals: [(change: [String: JSON], errors: [String: [String]])] = {
        let (invalid, required) = ("The url field format is invalid", "The phone_numbers field is required")
        let noEvents = ["The events field is required", "The events field is an empty array"]
        let digits = "must contain only digits and must be less than 14 characters"
        let owned = """
            is not available in your account. Install the android app on your phone to store a webhook with this \
            phone number
            """
        return [
            (["url": ""], ["url": [invalid, "the URL must name a host"]]),
            (["url": .null], ["url": [invalid, "the URL must name a host"]]),
            (["url": "ftp://127.0.0.1/"], ["url": [invalid, "the URL must start with http:// or https://"]]),
            (
                ["url": "http://user@127.0.0.1/"],
                ["url": [invalid, "the URL must not contain a user name or a password"]]
            ),
            (["url": "http://127.0.0.1:0/"], ["url": [invalid, "the port must be a number from 1 to 65535"]]),
            (
                ["url": "http://127.0.0.1/%zz"],
                ["url": [invalid, "each % must be followed by two hexadecimal digits"]]
            ),
            (
                ["url": "http://127.0.0.1/a b"],
                ["url": [invalid, "the URL must not contain spaces, control characters or backslashes"]]
            ),
            (
                ["url": .string("http://127.0.0.1/" + String(repeating: "a", count: 2_032))],
                ["url": ["The url field must be maximum 2048 char"]]
            ),
            (
                ["signing_key": " \t\n"],
                ["signing_key": ["The signing_key field must not be blank"]]
            ),
            (
                ["signing_key": "two\u{0}words"],
                ["signing_key": ["The signing_key field holds a character that cannot be part of a key, such as NUL"]]
            ),
            (
                ["signing_key": .string(String(repeating: "k", count: 256))],
                ["signing_key": ["The signing_key field must be maximum 255 char"]]
            ),
            (["events": []], ["events": noEvents]),
            (["events": .null], ["events": noEvents]),
            (
                ["events": ["message.phone.sent", "message.phone.lost", "x"]],
                ["events": ["The events field has an invalid event with name [message.phone.lost]"]]
            ),
            (["phone_numbers": []], ["phone_numbers": [required]]),
            (["phone_numbers": .null], ["phone_numbers": [required]]),
            (
                ["phone_numbers": ["+18005550199", "nonsense", "x"]],
                ["phone_numbers": ["The phone_numbers field in index [1] \(digits)"]]
            ),
            (
                ["phone_numbers": ["+18005550100", "+18005550199", "+18005550101"]],
                [
                    "phone_numbers": [
                        "The phone number [+18005550100] \(owned)", "The phone number [+18005550101] \(owned)",
                    ]
                ]
            ),
            (
                ["url": "", "events": [], "phone_numbers": []],
                ["url": [invalid, "the URL must name a host"], "events": noEvents, "phone_numbers": [required]]
            ),
        ]
    }()

    @Test func everyRuleSaysWhatItWants() async throws {
        try await withServer { server in
            let (account, other) = (try await server.makeAccount(), try await server.makeAccount())
            _ = try await account.makePhone()
            _ = try await other.makePhone("+18005550100")
            let existing = try await account.client.post("/v1/webhooks", Self.draft).data
            let path = "/v1/webhooks/\(existing["id"].string)"
            for row in Self.refusals {
                let created = try await account.client.post("/v1/webhooks", Self.draft.with(row.change))
                let updated = try await account.client.put(path, Self.draft.with(row.change))

                #expect(created.status == 422)
                #expect(created.json == Envelope.invalid("validation errors while storing webhook", row.errors))
                #expect(updated.status == 422)
                #expect(updated.json == Envelope.invalid("validation errors while updating webhook", row.errors))
            }
            #expect(try await account.client.get("/v1/webhooks").data == [existing])
        }
    }

    @Test func everythingIsRequiredOfANewWebhookButTheKey() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()

            let answer = try await account.client.post("/v1/webhooks", [:])

            #expect(answer.status == 422)
            #expect(Set(answer.data.object.keys) == ["url", "events", "phone_numbers"])
        }
    }

    @Test func anUpdateIsPartial() async throws {
        let table: [[String: JSON]] = [
            [:], ["url": "http://127.0.0.1:1/other"], ["signing_key": "other"],
            ["events": ["message.phone.sent", "message.call.missed"]],
            ["phone_numbers": ["+18005550188", "+18005550199"]],
        ]
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            _ = try await account.makePhone("+18005550188")
            var webhook = try await account.client.post("/v1/webhooks", Self.draft).data
            let path = "/v1/webhooks/\(webhook["id"].string)"
            for row in table {
                let answer = try await account.client.put(path, .object(row))

                let expected = webhook.with(row).with(["updated_at": answer.data["updated_at"]])
                #expect(answer.status == 200)
                #expect(answer.message == "webhook updated successfully")
                #expect(answer.data == expected, "\(row)")
                webhook = answer.data
            }
            let cleared = try await account.client.put(path, ["signing_key": .null])
            #expect(cleared.data["signing_key"] == "")
        }
    }

    @Test func unknownAndForeignWebhooksAreNotFound() async throws {
        try await withServer { server in
            let (account, other) = (try await server.makeAccount(), try await server.makeAccount())
            _ = try await account.makePhone()
            let id = try await account.client.post("/v1/webhooks", Self.draft).data["id"].string
            for (client, id) in [(account.client, unknownID), (other.client, id)] {
                for answer in [
                    try await client.put("/v1/webhooks/\(id)", ["signing_key": "x"]),
                    try await client.delete("/v1/webhooks/\(id)"),
                ] {
                    #expect(answer.status == 404)
                    #expect(answer.json == Envelope.error("cannot find webhook with ID [\(id)]"))
                }
            }
            let deleted = try await account.client.delete("/v1/webhooks/\(id)")
            #expect(deleted.text == #"{"data":null,"message":"webhook deleted successfully","status":"success"}"#)
            #expect(try await account.client.delete("/v1/webhooks/\(id)").status == 404)
            #expect(try await account.client.get("/v1/webhooks").data == [])
        }
    }

    @Test func thereAreTenAtMostHoweverManyAskAtOnce() async throws {
        try await withServer { server in
            let (account, other) = (try await server.makeAccount(), try await server.makeAccount())
            _ = try await account.makePhone()
            _ = try await other.makePhone()

            let answers = try await withThrowingTaskGroup(of: APIClient.Answer.self) { group in
                for _ in 0..<20 { group.addTask { try await account.client.post("/v1/webhooks", Self.draft) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }

            #expect(
                answers.map(\.status).sorted() == Array(repeating: 201, count: 10) + Array(repeating: 402, count: 10))
            let refusal = Envelope.error(
                "You can't create more than 10 webhooks: delete one that is not needed any more.",
                code: "quota_reached")
            for answer in answers where answer.status == 402 { #expect(answer.json == refusal) }
            let all = try await account.client.get("/v1/webhooks?limit=100").data.array
            #expect(all.count == 10)
            #expect(try await other.makeWebhook("http://192.0.2.1.invalid/hook")["id"].string != "")
            _ = try await account.client.delete("/v1/webhooks/\(all[0]["id"].string)")
            #expect(try await account.client.post("/v1/webhooks", Self.draft).status == 201)
        }
    }

    @Test func theListIsPagedNewestFirstAndSearched() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            for path in ["one", "Two_a", "twoXa%25"] { try await account.makeWebhook("http://127.0.0.1:1/\(path)") }
            let table: [(query: String, paths: [String])] = [
                ("", ["twoXa%25", "Two_a", "one"]), ("?limit=1", ["twoXa%25"]), ("?limit=1&skip=2", ["one"]),
                ("?limit=0", []), ("?query=TWO", ["twoXa%25", "Two_a"]), ("?query=two_a", ["Two_a"]),
                ("?query=%25", ["twoXa%25"]),
            ]
            for row in table {
                let answer = try await account.client.get("/v1/webhooks\(row.query)")

                let urls = answer.data.array.map { $0["url"].string }
                #expect(urls == row.paths.map { "http://127.0.0.1:1/\($0)" }, "\(row.query)")
            }
        }
    }

    @Test(arguments: [
        "http://127.0.0.1/hook", "http://localhost:3000/hook", "http://10.0.0.1/", "https://192.168.1.1/",
        "http://169.254.169.254/latest/meta-data", "http://[::1]/", "http://[::ffff:10.0.0.1]/", "http://0x7f.1/",
        "http://2130706433/", "http://0.0.0.0/", "http://100.64.0.1/", "http://[fe80::1]/", "http://[fd00::1]/",
        "http://224.0.0.1/",
    ])
    func addressesThatAreNotPublicAreRefusedUnderTheURL(url: String) async throws {
        try await withServer(["WEBHOOK_ALLOWED_NETWORKS": ""]) { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            let existing = try await account.client.post(
                "/v1/webhooks", Self.draft.with(["url": "https://93.184.216.34/hook"])
            ).data

            let created = try await account.client.post("/v1/webhooks", Self.draft.with(["url": .string(url)]))
            let updated = try await account.client.put(
                "/v1/webhooks/\(existing["id"].string)", ["url": .string(url)])

            for answer in [created, updated] {
                #expect(answer.status == 422)
                #expect(Set(answer.data.object.keys) == ["url"])
                let message = answer.data["url"][0].string
                #expect(message.hasPrefix("The url field must lead to a public address: "), "\(message)")
                // No setting opens what means no host.
                let mayBeAllowed = !["http://0.0.0.0/", "http://224.0.0.1/"].contains(url)
                #expect(message.hasSuffix("can allow networks with WEBHOOK_ALLOWED_NETWORKS") == mayBeAllowed)
            }
            #expect(try await account.client.get("/v1/webhooks").data == [existing])
        }
    }
}
