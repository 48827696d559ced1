import Delivery
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Gateway
@testable import Server

/// `/v1/contacts`: whom an account knows by name.
@Suite(.timeLimit(.minutes(15))) struct ContactTests {
    private static let body: JSON = [
        "name": " Zoë\nMüller ", "emails": [" Zoe@Example.com ", "zoe@example.com"],
        "phone_numbers": ["(212) 555-0188", "+12125550188", "12345"],
        "properties": ["company_name": "Müller & \"\u{301}Söhne\"", "note": "pays late"],
    ]

    @Test(arguments: Engine.enabled) func contactsAreMadeFoundChangedAndDeleted(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let account = try await server.makeAccount()
            _ = try await account.makePhone("+12125550123")
            let made = try await account.client.post("/v1/contacts", [Self.body])
            #expect(made.status == 201 && made.message == "created 1 contact")
            let contact = made.data.array.first ?? .absent
            let id = contact["id"].string
            let expected: JSON = [
                "id": .string(id), "user_id": .string(account.id), "name": "Zoë Müller",
                "emails": ["zoe@example.com"], "phone_numbers": ["+12125550188", "12345"],
                "properties": Self.body["properties"], "created_at": contact["created_at"],
                "updated_at": contact["created_at"],
            ]
            #expect(contact == expected)

            server.clock.advance(by: .seconds(1))
            let others: JSON = [
                ["name": "Bob", "phone_numbers": ["+12125550101"]],
                ["name": "Carol 100%", "phone_numbers": ["+12125550102"]],
            ]
            let more = try await account.client.post("/v1/contacts", ["contacts": others])
            #expect(more.message == "created 2 contacts" && more.data.array.count == 2)

            let list = try await account.client.get("/v1/contacts?limit=1&skip=2")
            #expect(list.message == "fetched 1 contact" && list.data == [contact])
            #expect(list.json["total"] == 3)
            for (query, names) in [
                ("zoe", ["Zoë Müller"]), ("EXAMPLE.com", ["Zoë Müller"]), ("late", ["Zoë Müller"]),
                ("212%20555%200188", ["Zoë Müller"]), ("%25", ["Carol 100%"]), ("nobody", []),
            ] as [(String, [String])] {
                let found = try await account.client.get("/v1/contacts?query=\(query)")
                #expect(found.data.array.map { $0["name"].string } == names, "\(query)")
                #expect(found.json["total"] == .int(names.count), "\(query)")
            }

            let changed = try await account.client.put(
                "/v1/contacts/\(id)", ["name": "Zoë", "phone_numbers": ["+12125550188"]])
            #expect(changed.status == 200 && changed.message == "contact updated successfully")
            #expect(changed.data["name"] == "Zoë" && changed.data["emails"] == [])
            #expect(changed.data["properties"] == [:] && changed.data["created_at"] == contact["created_at"])
            #expect(try await account.client.get("/v1/contacts?limit=1").data == [changed.data])

            let stranger = try await server.makeAccount()
            let path = "/v1/contacts/\(id)"
            let taken: JSON = ["name": "Mine now", "phone_numbers": ["+12125550188"]]
            #expect(try await stranger.client.put(path, taken).status == 404)
            #expect(try await stranger.client.send("DELETE", path).status == 404)
            #expect(try await stranger.client.get("/v1/contacts").data == [])
            #expect(try await account.client.send("DELETE", path).status == 204)
            #expect(try await account.client.send("DELETE", path).status == 404)
            #expect(try await account.client.send("DELETE", "/v1/contacts/x").status == 422)
        }
    }

    @Test func everyRuleSaysWhatItWantsAndNothingIsStoredThen() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let answer = try await account.client.post(
                "/v1/contacts",
                [["name": "Good", "phone_numbers": ["+12125550188"]], ["name": " ", "emails": ["a@b@c"]]])
            #expect(answer.status == 422 && answer.message == "validation errors while creating contacts")
            #expect(
                answer.data["contacts"] == [
                    "Contact [2]: The name is required.", "Contact [2]: At least one phone number is required.",
                    "Contact [2]: The email [a@b@c] is not a valid email address.",
                ])
            #expect(
                try await account.client.post("/v1/contacts", ["contacts": []]).data["contacts"] == [
                    "You must provide at least one contact."
                ])
            let many = JSON.array(Array(repeating: ["name": "A", "phone_numbers": ["+12125550188"]], count: 1_001))
            #expect(
                try await account.client.post("/v1/contacts", many).data["contacts"] == [
                    "You cannot create more than 1000 contacts in one request."
                ])
            #expect(try await account.client.get("/v1/contacts").json["total"] == 0)
        }
    }

    @Test func contactsOfAnAccountAreFoundByAnIndex() async throws {
        let plans = try await withStore(.sqlite, migrations: GatewayStore.migrations) { store in
            try await queryPlans(of: store) { tx in
                let page = Page(skip: 0, limit: 20, query: "ann")
                _ = try ContactQueries.list(userID: UserID("user"), page: page, in: tx)
                _ = try ContactQueries.count(userID: UserID("user"), query: "", in: tx)
            }
        }

        #expect(plans.count { $0.contains("contact_updated (user_id=?)") } == 2, "\(plans)")
        #expect(!plans.contains { $0.contains("SCAN contact") || $0.contains("TEMP B-TREE") }, "\(plans)")
    }

    @Test(arguments: Engine.enabled) func aNumberIsThatOfTheContactThatWasMadeLast(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let account = try await server.makeAccount()
            let operations = ContactOperations(store: server.store, clock: server.clock)
            func names(_ numbers: String...) async throws -> [String: String] {
                try await operations.names(of: numbers, userID: UserID(account.id))
            }
            let numbers: JSON = ["+18005550101", "+18005550102"]
            let first = try await account.client.post("/v1/contacts", [["name": "Ann", "phone_numbers": numbers]])
            server.clock.advance(by: .seconds(1))
            let shared: JSON = [["name": "Bob", "phone_numbers": ["+18005550101"]]]
            let second = try await account.client.post("/v1/contacts", shared)
            let stranger = try await server.makeAccount()
            let foreign: JSON = [["name": "Eve", "phone_numbers": ["+18005550101", "+18005550103"]]]
            _ = try await stranger.client.post("/v1/contacts", foreign)

            let all = try await names("+18005550101", "+18005550102", "+18005550103", "MTN", "'; --", "")
            #expect(all == ["+18005550101": "Bob", "+18005550102": "Ann"])
            let path = "/v1/contacts/\(second.data[0]["id"].string)"
            _ = try await account.client.put(path, ["name": "Bob", "phone_numbers": ["+18005550104"]])
            #expect(try await names("+18005550101", "+18005550104") == ["+18005550101": "Ann", "+18005550104": "Bob"])
            _ = try await account.client.delete("/v1/contacts/\(first.data[0]["id"].string)")
            #expect(try await names("+18005550101", "+18005550102").isEmpty)
            #expect(try await operations.names(of: [], userID: UserID(account.id)).isEmpty)
        }
    }

    /// Whom the account knows is looked up before the transaction, and again when contacts came meanwhile.
    @Test(arguments: Engine.enabled) func aFileThatIsStoredTwiceAtOnceIsStoredOnce(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let userID = UserID(try await server.makeAccount().id)
            let operations = ContactOperations(store: server.store, clock: server.clock)
            let items = (0..<300).map { number in
                ContactFile.Item(
                    id: nil, draft: ContactDraft(name: "Ann \(number)", phoneNumbers: ["+18005550101"]))
            }

            async let one = operations.bring(items, userID: userID)
            async let other = operations.bring(items, userID: userID)
            let outcomes = try await [one, other]

            #expect(outcomes.map(\.added).reduce(0, +) == 300)
            #expect(outcomes.map(\.known).reduce(0, +) == 300)
            #expect(try await operations.list(Page(skip: 0, limit: 1, query: ""), userID: userID).total == 300)
        }
    }

    @Test func namesAreFoundByTheirNumbers() async throws {
        let plans = try await withStore(.sqlite, migrations: GatewayStore.migrations) { store in
            try await queryPlans(of: store) { tx in
                _ = try ContactQueries.names(of: ["+1", "+2", "+3"], userID: UserID("user"), in: tx)
            }
        }

        #expect(plans.contains { $0.contains("SEARCH n USING") && $0.contains("user_id=? AND number=?") }, "\(plans)")
        #expect(!plans.contains { $0.contains("SCAN c") || $0.contains("SCAN n") || $0.contains("B-TREE") }, "\(plans)")
    }

    @Test(arguments: [
        (["a@example.com"], true), (["a b@example.com"], false), (["a@"], false), (["<a@example.com>"], false),
        ([String(repeating: "a", count: 250) + "@b.c"], true), ([String(repeating: "a", count: 251) + "@b.c"], false),
        ((0..<20).map { "\($0)@example.com" }, true), ((0..<21).map { "\($0)@example.com" }, false),
    ]) func emailsAreChecked(emails: [String], isGood: Bool) {
        let draft = ContactDraft(name: "A", emails: emails, phoneNumbers: ["+12125550188"])
        #expect(draft.normalized(owner: nil).problems.isEmpty == isGood)
    }
}
