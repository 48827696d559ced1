import Delivery
import Storage
import TestSupport
import Testing

@testable import Gateway
@testable import Server

/// `/v1/texts`: what an account sends again and again.
@Suite(.timeLimit(.minutes(15))) struct SavedTextTests {
    @Test(arguments: Engine.enabled) func textsAreSavedListedChangedAndDeleted(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let account = try await server.makeAccount()
            let made = try await account.client.post(
                "/v1/texts", ["name": " Order\nis ready ", "content": "Hello {{Name}},\r\nyour order {{no}} {{name}} "])
            #expect(made.status == 201 && made.message == "text created successfully")
            let id = made.data["id"].string
            let expected: JSON = [
                "id": .string(id), "user_id": .string(account.id), "name": "Order is ready",
                "content": "Hello {{Name}},\nyour order {{no}} {{name}}", "placeholders": ["Name", "no"],
                "created_at": made.data["created_at"], "updated_at": made.data["created_at"],
            ]
            #expect(made.data == expected)
            #expect(try await account.client.get("/v1/texts/\(id)").data == expected)

            server.clock.advance(by: .seconds(1))
            _ = try await account.client.post("/v1/texts", ["name": "Closed", "content": "We are closed."])
            let list = try await account.client.get("/v1/texts")
            #expect(list.message == "fetched 2 texts" && list.json["total"] == 2)
            #expect(list.data.array.map { $0["name"] } == ["Closed", "Order is ready"])

            let changed = try await account.client.put("/v1/texts/\(id)", ["name": "Ready", "content": "{{{x}}}"])
            #expect(changed.message == "text updated successfully")
            #expect(changed.data["placeholders"] == ["x"] && changed.data["created_at"] == made.data["created_at"])
            #expect(try await account.client.get("/v1/texts").data[1] == changed.data)

            let stranger = try await server.makeAccount()
            let path = "/v1/texts/\(id)"
            #expect(try await stranger.client.get(path).status == 404)
            #expect(try await stranger.client.put(path, ["name": "Mine", "content": "now"]).status == 404)
            #expect(try await stranger.client.delete(path).status == 404)
            #expect(try await stranger.client.get("/v1/texts").data == [])
            #expect(try await account.client.delete(path).status == 204)
            #expect(try await account.client.delete(path).status == 404)
            #expect(try await account.client.get(path).message == "cannot find text with ID [\(id)]")
            #expect(try await account.client.get("/v1/texts/x").status == 422)
        }
    }

    @Test func everyRuleSaysWhatItWants() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            func problems(_ name: String, _ content: String) async throws -> JSON {
                let answer = try await account.client.post(
                    "/v1/texts", ["name": .string(name), "content": .string(content)])
                return answer.status == 201 ? [:] : answer.data
            }
            #expect(
                try await problems(" ", "\n") == [
                    "name": ["The name field is required"], "content": ["The content field is required"],
                ])
            #expect(try await problems(String(repeating: "é", count: 50), String(repeating: "{{a}}", count: 20)) == [:])
            #expect(try await problems("a", String(repeating: "ш", count: 2_048)) == [:])
            #expect(
                try await problems(
                    String(repeating: "é", count: 51),
                    String(repeating: "{{a}}", count: 21) + String(repeating: "👋", count: 1_000)) == [
                        "name": ["The name field must be maximum 100 char"],
                        "content": [
                            "The content field must be maximum 2048 char",
                            "The content field must have at most 20 placeholders",
                        ],
                    ])
            #expect(try await account.client.post("/v1/texts", ["name": 1]).status == 400)
            #expect(try await account.client.get("/v1/texts").json["total"] == 2)
        }
    }

    @Test(arguments: Engine.enabled) func anAccountHasAHundredAtMost(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let account = try await server.makeAccount()
            for number in 0..<99 {
                let body: JSON = ["name": .string("Text \(number)"), "content": "Hello"]
                #expect(try await account.client.post("/v1/texts", body).status == 201)
            }
            let statuses: [Int] = try await withThrowingTaskGroup(of: Int.self) { tasks in
                for _ in 0..<4 {
                    tasks.addTask {
                        try await account.client.post("/v1/texts", ["name": "Last", "content": "Hello"]).status
                    }
                }
                return try await tasks.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses.sorted() == [201, 402, 402, 402])
            let refused = try await account.client.post("/v1/texts", ["name": "One more", "content": "Hello"])
            #expect(refused.message == "You can't have more than 100 saved texts.")
            #expect(try await account.client.get("/v1/texts?limit=100").data.array.count == 100)
        }
    }

    /// What is known of the other party: the newest contact with the number, what programs keep of them, and not the note.
    @Test(arguments: Engine.enabled) func aTextIsFilledWithWhatIsKnownOfTheNumber(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let account = try await server.makeAccount()
            let operations = SavedTextOperations(store: server.store, clock: server.clock)
            let userID = UserID(account.id)
            let body: JSON = ["name": "a", "content": "{{name}}|{{number}}|{{Customer No}}|{{note}}"]
            let id = try #require(
                SavedTextID(try await account.client.post("/v1/texts", body).data["id"].string))
            func filled(_ number: String) async throws -> PlaceholderText.Filled? {
                try await operations.filled(id, for: number, userID: userID)
            }
            let properties: JSON = ["customer_no": "7", "CustomerNo": "8", "note": "pays late", "name": "no"]
            _ = try await account.client.post(
                "/v1/contacts", [["name": "{{number}}", "phone_numbers": ["+18005550101"], "properties": properties]])
            let stranger = try await server.makeAccount()
            _ = try await stranger.client.post("/v1/contacts", [["name": "Eve", "phone_numbers": ["+18005550102"]]])

            let known = PlaceholderText.Filled(text: "{{number}}|+18005550101|8|{{note}}", missing: ["note"])
            #expect(try await filled("+18005550101") == known)
            let unknown = PlaceholderText.Filled(
                text: "{{name}}|+18005550102|{{Customer No}}|{{note}}", missing: ["name", "Customer No", "note"])
            #expect(try await filled("+18005550102") == unknown)
            #expect(try await filled("MTN")?.missing == ["name", "number", "Customer No", "note"])
            #expect(try await operations.filled(id, for: "1", userID: UserID(stranger.id)) == nil)

            func left(_ content: String, _ number: String) async throws -> [String] {
                try await operations.placeholders(leftIn: content, for: number, userID: userID)
            }
            #expect(try await left("{{number}} {{note}}", "+18005550101") == ["note"])
            #expect(try await left("{{ Number }}", "+18005550102") == ["Number"])
        }
    }

    @Test func textsOfAnAccountAreFoundByAnIndex() async throws {
        let plans = try await withStore(.sqlite, migrations: GatewayStore.migrations) { store in
            try await queryPlans(of: store) { tx in
                let (page, userID) = (Page(skip: 0, limit: 20, query: ""), UserID("user"))
                _ = try SavedTextQueries.list(userID: userID, page: page, in: tx)
                _ = try SavedTextQueries.names(userID: userID, in: tx)
                _ = try SavedTextQueries.count(userID: userID, in: tx)
                _ = try ContactQueries.known(at: "+18005550100", userID: userID, in: tx)
            }
        }

        #expect(plans.count { $0.contains("saved_text_user (user_id=?)") } == 3, "\(plans)")
        #expect(!plans.contains { $0.contains("SCAN") || $0.contains("TEMP B-TREE") }, "\(plans)")
    }
}
