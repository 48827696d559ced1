import Delivery
import HTTPSMSWebhooks
import Secrets
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Gateway

/// What the answer says of a webhook that is saved and perhaps not what was meant.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct WebhookWarningTests {
    private static let longKey = JSON.string(String(repeating: "k", count: 32))

    private static let draft: JSON = [
        "url": "http://127.0.0.1:1/hook", "signing_key": longKey, "events": ["message.phone.received"],
        "phone_numbers": ["+18005550199"],
    ]

    /// What a body adds to the draft, and the beginnings of the warnings it leads to.
    private static let table: [(change: [String: JSON], warnings: [String])] = [
        ([:], []),
        (
            ["signing_key": .string(String(repeating: "k", count: 31))],
            ["The signing_key has 31 bytes. Several libraries"]
        ),
        (["signing_key": "k"], ["The signing_key has 1 byte. Several"]),
        (["signing_key": .string(String(repeating: "ü", count: 16))], []),
        (["signing_key": ""], []),
        (
            ["signing_key": .absent, "secret": "s"],
            ["The member [secret] is not known and was ignored: did you mean [signing_key]?"]
        ),
        (
            ["hooks": ["a": "b"], "timeout": 3, "events_types": []],
            [
                "The member [events_types] is not known and was ignored", "The member [hooks] is not known and was",
                "The member [timeout] is not known and was ignored",
            ]
        ),
        // What we show ourselves is no news, whatever its case; a status that is not the webhook's is.
        (["id": "x", "user_id": "x", "created_at": 1, "held_count": [], "STATUS": "active"], []),
        (["status": "paused"], ["The member [status] was ignored: pause and resume are actions of their own"]),
    ]

    @Test func theAnswerToCreatingAndChangingNamesThem() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            for row in Self.table {
                let created = try await account.client.post("/v1/webhooks", Self.draft.with(row.change))
                let path = "/v1/webhooks/\(created.data["id"].string)"
                let updated = try await account.client.put(path, Self.draft.with(row.change))
                _ = try await account.client.delete(path)

                for answer in [created, updated] {
                    let warnings = answer.json["warnings"]
                    #expect(warnings == .absent ? row.warnings.isEmpty : warnings.array.count == row.warnings.count)
                    for (warning, beginning) in zip(warnings.array, row.warnings) {
                        #expect(warning.string.hasPrefix(beginning))
                    }
                    #expect(answer.data["warnings"] == .absent)
                }
            }
        }
    }

    @Test func aHundredUnknownMembersMakeElevenWarnings() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            let names = (0..<100).map { "member_\($0)_\(String(repeating: "x", count: 500))" }
            let body = Self.draft.with(Dictionary(names.map { ($0, JSON.null) }) { $1 })

            let answer = try await account.client.post("/v1/webhooks", body)

            let warnings = answer.json["warnings"].array.map(\.string)
            #expect(warnings.count == 11)
            #expect(warnings.last == "90 more members are not known and were ignored")
            #expect(warnings.allSatisfy { $0.utf8.count < 150 })
        }
    }

    @Test(arguments: [
        (powerAutomate, "k", 1), (powerAutomate, nil, 0),
        ("https://prod-17.westus.logic.azure.com/workflows/x", "k", 1),
        ("https://script.google.com/macros/s/x/exec", nil, 1), ("https://script.google.com.example.com/", "k", 0),
        ("https://logic.azure.com.example.com/", "k", 0),
    ])
    func whatAServiceMakesOfRequestsIsTold(_ url: String, _ key: Character?, _ count: Int) throws {
        let endpoint = Endpoint(
            id: EndpointID(at: Timestamp(seconds: 0)), userID: UserID("u"), url: url,
            signingKey: key.map { Secret(String(repeating: $0, count: 32)) }, eventTypes: [.messageSent],
            owners: ["+18005550199"], createdAt: Timestamp(seconds: 0), updatedAt: Timestamp(seconds: 0))

        #expect(try CallbackURL(url).text == url)
        #expect(WebhookWarnings.of(endpoint).count == count)
    }

    /// 288 bytes, as Microsoft makes them since 2025.
    private static let powerAutomate: String = {
        let id = String(repeating: "0123456789abcdef", count: 2)
        return """
            https://default\(id).ef.environment.api.powerplatform.com:443/powerautomate/automations/direct/workflows/\
            \(id)/triggers/manual/paths/invoke?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=\(id)abcdefghijkl
            """
    }()

    @Test func thePagesOfTheWebhookShowThem() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone()
            let webhook = try await account.client.post("/v1/webhooks", Self.draft.with(["signing_key": "short"])).data
            let page = PageClient(baseURL: server.baseURL)
            _ = try await page.submit(
                "/first-sign-in", on: "/first-sign-in",
                [("email", account.email), ("api_key", account.apiKey), ("password", "correct horse")])

            for suffix in ["", "/verify"] {
                let text = try await page.get("/settings/webhooks/\(webhook["id"].string)\(suffix)").text
                #expect(text.contains("The signing_key has 5 bytes."))
            }
        }
    }
}
