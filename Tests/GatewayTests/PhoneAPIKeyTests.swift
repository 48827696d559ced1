import TestSupport
import Testing

/// `/v1/phone-api-keys` and the binding of phones to keys.
@Suite(.timeLimit(.minutes(15))) struct PhoneAPIKeyTests {
    @Test func aNewKeyIsShownWithEmptyLists() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()

            let answer = try await account.client.post("/v1/phone-api-keys/", ["name": "  1234567890 "])

            #expect(answer.status == 200)
            #expect(answer.message == "phone API key created successfully")
            let expected: JSON = [
                "id": answer.data["id"], "name": "1234567890", "user_id": .string(account.id),
                "user_email": .string(account.email), "phone_numbers": [], "phone_ids": [],
                "api_key": answer.data["api_key"], "created_at": answer.data["created_at"],
                "updated_at": answer.data["created_at"],
            ]
            #expect(answer.data == expected)
            let key = answer.data["api_key"].string
            #expect(key.wholeMatch(of: /pk_[A-Za-z0-9_-]{64}/) != nil)
            #expect(try await account.client.get("/v1/phone-api-keys").data == [answer.data])
        }
    }

    @Test func aKeyIsFoundByItsNameInAnySpelling() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            for name in ["Büro", "büro 100%", "Склад"] {
                _ = try await account.client.post("/v1/phone-api-keys", ["name": .string(name)])
            }
            let table: [(query: String, names: [JSON])] = [
                ("B%C3%9CRO", ["büro 100%", "Büro"]), ("buro&limit=1", ["büro 100%"]), ("buro&skip=1", ["Büro"]),
                ("%25", ["büro 100%"]), ("%D1%81%D0%9A%D0%9B", ["Склад"]), ("_", []),
                ("", ["Склад", "büro 100%", "Büro"]),
            ]
            for row in table {
                let answer = try await account.client.get("/v1/phone-api-keys?query=\(row.query)")

                #expect(answer.data.array.map { $0["name"] } == row.names, "\(row.query)")
            }
        }
    }

    @Test func aNameHas1To60Bytes() async throws {
        let required = "The name field is required"
        let long = "The name field must be maximum 60 char"
        let table: [(name: JSON, message: String?)] = [
            ("", required), ("   ", required), (.null, required), (.absent, required),
            (.string(String(repeating: "n", count: 60)), nil), (.string(String(repeating: "n", count: 61)), long),
            (.string(String(repeating: "é", count: 31)), long),
        ]
        try await withServer { server in
            let account = try await server.makeAccount()
            for row in table {
                let answer = try await account.client.post(
                    "/v1/phone-api-keys", JSON.object([:]).with(["name": row.name]))

                #expect(answer.status == (row.message == nil ? 200 : 422), "\(row.name)")
                if let message = row.message {
                    #expect(
                        answer.json
                            == Envelope.invalid(
                                "validation errors while creating phone API key", ["name": [message]]))
                }
            }
        }
    }

    @Test func aPhoneThatLogsInIsBoundBeforeItIsAnswered() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let key = try await account.client.post("/v1/phone-api-keys", ["name": "phone"]).data
            let client = server.client(key: key["api_key"].string)
            // Has the server remember the key as one without numbers.
            #expect(try await client.get("/v1/messages/outstanding?message_id=\(unknownID)").status == 404)

            let login = try await client.put(
                "/v1/phones/fcm-token", ["phone_number": "18005550199", "fcm_token": " token ", "sim": "SIM2"])
            let received = try await client.post(
                "/v1/messages/receive", ["to": "+18005550199", "from": "+18005550100", "content": "Hello"])

            #expect(login.message == "FCM token updated successfully")
            #expect(login.data["fcm_token"] == "token")
            #expect(login.data["sim"] == "SIM2")
            #expect(received.status == 200)
            let listed = try await account.client.get("/v1/phone-api-keys").data[0]
            #expect(listed["phone_numbers"] == ["+18005550199"])
            #expect(listed["phone_ids"] == [login.data["id"]])
        }
    }

    @Test func aPhoneThatLogsInWithAnotherKeyMovesToIt() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let first = try await account.makePhone()
            let second = try await account.makePhone()

            #expect(first.id == second.id)
            #expect(try await first.beat().json == Envelope.foreignNumber("+18005550199", boundTo: ""))
            #expect(try await second.beat().status == 201)
            let numbers = try await account.client.get("/v1/phone-api-keys").data.array.map { $0["phone_numbers"] }
            #expect(numbers == [["+18005550199"], []])
        }
    }

    @Test func aUsersOwnLogInMovesNoPhone() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()

            let answer = try await account.client.put(
                "/v1/phones/fcm-token", ["phone_number": "+18005550199", "fcm_token": ""])

            #expect(answer.data["fcm_token"] == .null)
            #expect(try await phone.beat().status == 201)
        }
    }

    @Test func aPhoneCanBeTakenFromItsKey() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            let path = "/v1/phone-api-keys/\(phone.keyID)/phones/\(phone.id)"

            let first = try await account.client.delete(path)
            let again = try await account.client.delete(path)

            #expect([first.status, again.status] == [204, 204])
            #expect(first.body == [])
            #expect(try await phone.beat().json == Envelope.foreignNumber("+18005550199", boundTo: ""))
        }
    }

    @Test func keysAndPhonesOfOthersAreNotFound() async throws {
        try await withServer { server in
            let (account, other) = (try await server.makeAccount(), try await server.makeAccount())
            let (mine, foreign) = (try await account.makePhone(), try await other.makePhone())
            let table: [(path: String, message: String)] = [
                (foreign.keyID, "cannot find phone API key with ID [\(foreign.keyID)]"),
                (unknownID, "cannot find phone API key with ID [\(unknownID)]"),
            ]
            for row in table {
                let answer = try await account.client.delete("/v1/phone-api-keys/\(row.path)")

                #expect(answer.status == 404)
                #expect(answer.json == Envelope.error(row.message))
            }
            for (key, phone) in [(mine.keyID, foreign.id), (foreign.keyID, mine.id), (mine.keyID, unknownID)] {
                let answer = try await account.client.delete("/v1/phone-api-keys/\(key)/phones/\(phone)")

                #expect(answer.status == 404)
                #expect(
                    answer.message
                        == """
                        cannot find phone with ID [\(phone)] which is associated with phone API key with ID [\(key)]
                        """)
            }
            #expect(try await foreign.beat().status == 201)
            #expect(try await mine.beat().status == 201)
        }
    }

    @Test func bothIdsOfAPathAreChecked() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()

            let answer = try await account.client.delete("/v1/phone-api-keys/one/phones/two")

            #expect(answer.status == 422)
            #expect(
                answer.json["data"] == [
                    "phoneAPIKeyID": ["The phoneAPIKeyID field must contain valid UUID"],
                    "phoneID": ["The phoneID field must contain valid UUID"],
                ])
        }
    }
}
