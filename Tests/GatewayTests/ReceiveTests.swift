import TestSupport
import Testing

/// `POST /v1/messages/receive`, attachments aside.
@Suite(.timeLimit(.minutes(15))) struct ReceiveTests {
    private static let sms: JSON = [
        "from": "+18005550100", "content": "Hello", "sim": "SIM1", "encrypted": false,
        "timestamp": "2026-07-22T10:15:29.814000000Z", "attachments": .null,
    ]

    @Test func anSMSIsStoredAsTheContractShowsIt() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()

            let answer = try await phone.receive(Self.sms)

            #expect(answer.status == 200)
            #expect(answer.message == "message received successfully")
            let (data, time): (JSON, JSON) = (answer.data, "2026-07-22T10:15:29.814Z")
            let expected: JSON = [
                "id": data["id"], "request_id": .null, "owner": "+18005550199", "user_id": .string(account.id),
                "contact": "+18005550100", "content": "Hello", "attachments": [], "encrypted": false,
                "type": "mobile-originated", "status": "received", "sim": "SIM1", "send_time": .null,
                "request_received_at": time, "created_at": data["created_at"], "updated_at": data["created_at"],
                "order_timestamp": time, "last_attempted_at": .null, "scheduled_at": .null, "sent_at": .null,
                "scheduled_send_time": .null, "delivered_at": .null, "expired_at": .null, "failed_at": .null,
                "send_attempt_count": 0, "max_send_attempts": 0, "received_at": time, "failure_reason": .null,
            ]
            #expect(data == expected)
            #expect(try await account.message(data["id"].string) == data)
        }
    }

    @Test func aRepeatedSMSIsAnsweredWithTheFirstMessageAndTellsNobody() async throws {
        try await withServer { server in
            let phone = try await server.makeAccount().makePhone()
            let first = try await phone.receive(Self.sms)

            let again = try await phone.receive(Self.sms)
            let otherwiseWritten = try await phone.receive(
                Self.sms.with([
                    "to": "18005550199", "sim": "DEFAULT", "timestamp": "2026-07-22T12:15:29.814+02:00",
                ]))

            #expect(again.text == first.text)
            #expect(otherwiseWritten.text == first.text)
            #expect(try await server.emittedTypes() == ["message.phone.received"])
        }
    }

    @Test func eachPartOfTheDigestMakesAnotherSMS() async throws {
        let table: [[String: JSON]] = [
            [:], ["to": "+18005550188"], ["from": "+18005550101"], ["content": "Hello!"], ["sim": "SIM2"],
            ["timestamp": "2026-07-22T10:15:29.815Z"], ["timestamp": "2026-07-22T10:15:29.814001Z"],
            ["content": "hello"], ["from": "Hello", "content": "+18005550100"],
        ]
        try await withServer { server in
            let account = try await server.makeAccount()
            let other = try await server.makeAccount()
            var ids: Set<String> = []
            for row in table {
                for client in [account.client, other.client] {
                    let answer = try await client.post(
                        "/v1/messages/receive", Self.sms.with(["to": "+18005550199"]).with(row))
                    #expect(answer.status == 200, "\(row) \(answer)")
                    ids.insert(answer.data["id"].string)
                }
            }
            #expect(ids.count == table.count * 2)
            #expect(try await server.emittedTypes().count == table.count * 2)
        }
    }

    @Test func whatIsNotPartOfTheDigestMakesNoOtherSMS() async throws {
        try await withServer { server in
            let phone = try await server.makeAccount().makePhone()
            let first = try await phone.receive(Self.sms)

            let encrypted = try await phone.receive(Self.sms.with(["encrypted": true]))

            #expect(encrypted.text == first.text)
        }
    }

    @Test func aDeletedMessageIsNotMadeAgain() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            let first = try await phone.receive(Self.sms)
            let id = first.data["id"].string
            #expect(try await account.client.delete("/v1/messages/\(id)").status == 204)

            let again = try await phone.receive(Self.sms)

            #expect(again.status == 200)
            #expect(again.data["id"].string == id)
            #expect(try await account.client.get("/v1/messages/\(id)").status == 404)
            #expect(try await server.emittedTypes() == ["message.phone.received"])
        }
    }

    @Test func concurrentRepeatsAreOneMessage() async throws {
        try await withServer { server in
            let phone = try await server.makeAccount().makePhone()

            let ids = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<20 { group.addTask { try await phone.receive(Self.sms).data["id"].string } }
                return try await group.reduce(into: Set<String>()) { $0.insert($1) }
            }

            #expect(ids.count == 1)
            #expect(try await server.emittedTypes() == ["message.phone.received"])
        }
    }

    @Test func everySpellingOfATimeIsRead() async throws {
        let table: [(text: String, time: String)] = [
            ("2026-07-22T10:15:29.814000000Z", "2026-07-22T10:15:29.814Z"),
            ("2026-07-22T10:15:29.123456789Z", "2026-07-22T10:15:29.123456Z"),
            ("2026-07-22T10:15:29Z", "2026-07-22T10:15:29Z"),
            ("2026-07-22T10:15:29.5+02:00", "2026-07-22T08:15:29.5Z"),
            ("2026-07-22T10:15:29-05:30", "2026-07-22T15:45:29Z"),
            ("2026-07-22T10:15:29.000+-5:00", "2026-07-22T15:15:29Z"),
            ("1784715329814", "2026-07-22T10:15:29.814Z"),
        ]
        try await withServer { server in
            let phone = try await server.makeAccount().makePhone()
            for row in table {
                let answer = try await phone.receive(Self.sms.with(["timestamp": .string(row.text)]))

                #expect(answer.status == 200, "\(row.text) \(answer)")
                #expect(answer.data["received_at"].string == row.time)
            }
            for (number, time) in [
                (1_784_715_328, "2026-07-22T10:15:28Z"), (1_784_715_328_001, "2026-07-22T10:15:28.001Z"),
            ] {
                let answer = try await phone.receive(Self.sms.with(["timestamp": .int(number)]))

                #expect(answer.data["received_at"].string == time)
            }
        }
    }

    @Test func anSMSWithoutATimeGetsTheServersAndIsNeverARepeat() async throws {
        try await withServer { server in
            let phone = try await server.makeAccount().makePhone()
            for absent in [JSON.absent, .null] {
                let sms = Self.sms.with(["timestamp": absent])
                let (first, second) = (try await phone.receive(sms).data, try await phone.receive(sms).data)

                #expect(first["id"] != second["id"])
                #expect(first["received_at"] == first["created_at"])
                #expect(first["order_timestamp"] == first["created_at"])
            }
        }
    }

    @Test(arguments: [
        ("SIM1", "SIM1"), ("SIM2", "SIM2"), ("DEFAULT", "SIM1"), ("", "SIM1"), ("sim2", "SIM2"), ("SIM3", "SIM1"),
        ("2", "SIM2"),
    ])
    func anUnknownSIMIsTheFirst(given: String, kept: String) async throws {
        try await withServer { server in
            let phone = try await server.makeAccount().makePhone()

            let answer = try await phone.receive(Self.sms.with(["sim": .string(given)]))

            #expect(answer.data["sim"].string == kept)
        }
    }

    /// Nothing about the content is a reason to lose it.
    @Test func contentIsKeptWhateverItIs() async throws {
        let table: [(content: String, kept: String)] = [
            (String(repeating: "漢", count: 20_000), String(repeating: "漢", count: 20_000)),
            ("a\0b", "a\u{FFFD}b"),
            (" \n", " \n"),
            ("\u{2028}<b>&\"\\\u{1}\u{7f}😀", "\u{2028}<b>&\"\\\u{1}\u{7f}😀"),
        ]
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            for row in table {
                let answer = try await phone.receive(Self.sms.with(["content": .string(row.content)]))

                #expect(answer.status == 200)
                #expect(answer.data["content"].string == row.kept)
                #expect(try await account.message(answer.data["id"].string) == answer.data)
            }
        }
    }

    @Test func contactsAreReadInTheRegionOfTheOwner() async throws {
        let table: [(owner: String, from: String, contact: String)] = [
            ("+18005550199", "+18005550100", "+18005550100"),
            ("+18005550199", "8005550100", "+18005550100"),
            ("+18005550199", "18005550100", "+18005550100"),
            ("+4915112345678", "015112345679", "+4915112345679"),
            ("+447911123456", "07911123457", "+447911123457"),
            ("+18005550199", "12345", "12345"),
            ("+18005550199", "5550100", "5550100"),
            ("+18005550199", "VODAFONE", "VODAFONE"),
            ("+18005550199", "  MTN  ", "MTN"),
            ("+18005550199", "800-555-0100", "+18005550100"),
            ("+18005550199", "99999999999999999999", "99999999999999999999"),
        ]
        try await withServer { server in
            let account = try await server.makeAccount()
            for row in table {
                let answer = try await account.client.post(
                    "/v1/messages/receive", Self.sms.with(["to": .string(row.owner), "from": .string(row.from)]))

                #expect(answer.data["contact"].string == row.contact, "\(row)")
            }
        }
    }

    @Test func onlyWhatIsNoSMSIsRefused() async throws {
        let to = "The to field is required"
        let bad = "The to field \(Envelope.notAPhoneNumber)"
        let table: [(change: [String: JSON], errors: [String: [String]])] = [
            (["to": .absent], ["to": [to, bad]]),
            (["to": ""], ["to": [to, bad]]),
            (["to": "12345"], ["to": [bad]]),
            (["to": [:]], ["to": [to, bad]]),
            (["to": "", "from": "", "content": ""], ["to": [to, bad]]),
        ]
        try await withServer { server in
            let account = try await server.makeAccount()
            for row in table {
                let answer = try await account.client.post(
                    "/v1/messages/receive", Self.sms.with(["to": "+18005550199"]).with(row.change))

                #expect(answer.status == 422)
                #expect(answer.json == Envelope.invalid("validation errors while receiving message", row.errors))
            }
            #expect(try await server.emittedTypes() == [])
        }
    }

    @Test func aNumberNeedNotBeARegisteredPhoneForAUsersKey() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()

            let answer = try await account.client.post(
                "/v1/messages/receive", Self.sms.with(["to": "+18005550199"]))

            #expect(answer.status == 200)
        }
    }
}
