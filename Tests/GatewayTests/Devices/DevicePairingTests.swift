import Storage
import TestSupport
import Testing
import Timestamps

@testable import Gateway

/// Pairing: `/v1/devices`, and how the app registers.
@Suite(.timeLimit(.minutes(15))) struct DevicePairingTests {
    private static let numbers: JSON = [
        ["sim": "SIM1", "phone_number": "+18005550199"], ["sim": "SIM2", "phone_number": "+18005550188"],
    ]

    private static func pairing(_ account: Account, _ more: JSON = [:]) async throws -> JSON {
        try await account.client.post(
            "/v1/devices/pairings", JSON.object(["numbers": numbers]).with(more.object)
        ).data
    }

    @Test(arguments: Engine.enabled) func aPhoneRegistersByItsCodeOnce(engine: Engine) async throws {
        try await withServer(["APP_URL": "https://sms.example.com"], on: engine) { server in
            let account = try await server.makeAccount()
            let pairing = try await account.client.post("/v1/devices/pairings", ["numbers": Self.numbers])
            #expect(pairing.status == 201)
            #expect(pairing.data["url"] == "https://sms.example.com/api/mobile/v1")
            let code = pairing.data["code"].string
            #expect(code.count == 8 && code.allSatisfy(\.isNumber))
            #expect(try await account.client.get("/v1/phones").data.array.isEmpty)

            let answer = try await DevicePhone.register(
                server, "Code \(code)",
                ["name": "samsung/a52", "simCards": [["slotIndex": 0, "simNumber": 1, "phoneNumber": "****5678"]]])

            #expect(answer.status == 201)
            #expect(answer.json["login"].string == account.email)
            let device = try await account.client.get("/v1/devices").data[0]
            #expect(device["id"] == answer.json["id"])
            #expect(device["name"] == "samsung/a52")
            #expect(device["app_version"] == "1.68.0")
            #expect(device["sim_cards"][0]["phone_number"] == "****5678")
            #expect(device["numbers"].array.map { $0["phone_number"].string } == ["+18005550199", "+18005550188"])
            #expect(device["transport"] == "poll")
            for secret in [answer.json["token"].string, pairing.data["private_token"].string] {
                #expect(try await !account.client.get("/v1/devices").text.contains(secret))
            }
            let phones = try await account.client.get("/v1/phones").data.array
            #expect(Set(phones.map { $0["sim"].string }) == ["SIM1", "SIM2"])
            #expect(try await DevicePhone.register(server, "Code \(code)").status == 401)
        }
    }

    @Test func thePrivateTokenRegistersTheSameDeviceAgain() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let pairing = try await Self.pairing(account)
            let authorization = "Bearer \(pairing["private_token"].string)"

            let first = try await DevicePhone.register(server, authorization)
            let again = try await DevicePhone.register(server, authorization, path: "/mobile/v1/device")

            #expect(first.status == 201 && again.status == 201)
            #expect(first.json["id"] == again.json["id"] && first.json["token"] != again.json["token"])
            let old = DevicePhone(
                client: server.client, id: first.json["id"].string, token: first.json["token"].string)
            #expect(try await old.send("GET", "/message").status == 401)
            let new = DevicePhone(client: server.client, id: old.id, token: again.json["token"].string)
            #expect(try await new.send("GET", "/message").status == 200)
            #expect(try await account.client.get("/v1/devices").data.array.count == 1)
            // The code went with the token.
            #expect(try await DevicePhone.register(server, "Code \(pairing["code"].string)").status == 401)
        }
    }

    /// An app that repeats its request before the first one was answered.
    @Test(arguments: Engine.enabled) func aTokenUsedTenTimesAtOnceIsOneDevice(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let account = try await server.makeAccount()
            let token = try await Self.pairing(account)["private_token"].string

            let answers = try await withThrowingTaskGroup(of: APIClient.Answer.self) { group in
                for _ in 0..<10 {
                    group.addTask { try await DevicePhone.register(server, "Bearer \(token)") }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }

            #expect(answers.map(\.status) == Array(repeating: 201, count: 10))
            #expect(Set(answers.map { $0.json["id"].string }).count == 1)
            #expect(try await account.client.get("/v1/devices").data.array.count == 1)
        }
    }

    @Test func unusedLeaveEndsAfter15Minutes() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let pairing = try await Self.pairing(account)
            server.advance(by: .seconds(901))

            #expect(try await DevicePhone.register(server, "Code \(pairing["code"].string)").status == 401)
            let token = "Bearer \(pairing["private_token"].string)"
            #expect(try await DevicePhone.register(server, token).status == 401)
            #expect(try await account.client.get("/v1/phones").data.array.isEmpty)
        }
    }

    @Test(arguments: [nil, "Basic YTpi", "Code", "Bearer uk_x", "Bearer"]) func nobodyElseRegisters(
        authorization: String?
    ) async throws {
        try await withServer { server in
            let account = try await server.makeAccount()

            let answer = try await DevicePhone.register(server, authorization)

            #expect(answer.status == 401)
            // The app shows the body as it is.
            #expect(answer.json.object.keys.sorted() == ["message"])
            #expect(try await DevicePhone.register(server, "Bearer \(account.apiKey)").status == 401)
        }
    }

    @Test func wrongCodesAreBoundedAndTokensAreNot() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let (one, other) = (try await Self.pairing(account), try await Self.pairing(account))
            for _ in 0..<10 { #expect(try await DevicePhone.register(server, "Code 1").status == 401) }

            #expect(try await DevicePhone.register(server, "Code \(one["code"].string)").status == 429)
            let token = "Bearer \(other["private_token"].string)"
            #expect(try await DevicePhone.register(server, token).status == 201)
            server.advance(by: .seconds(61))
            #expect(try await DevicePhone.register(server, "Code \(one["code"].string)").status == 201)
        }
    }

    /// An account with as many devices as it may have is told so as often as it asks, and its network is not held.
    @Test func aRightCodeThatIsRefusedIsNoWrongOne() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            for _ in 0..<PhoneDeviceQueries.most {
                let token = "Bearer \(try await Self.pairing(account)["private_token"].string)"
                #expect(try await DevicePhone.register(server, token).status == 201)
            }
            let code = "Code \(try await Self.pairing(account)["code"].string)"
            for _ in 0...CodeGuesses.perNetwork {
                #expect(try await DevicePhone.register(server, code).status == 402)
            }
        }
    }

    @Test func everybodyTogetherTries100CodesAMinute() {
        let clock = AdjustableClock()
        let guesses = CodeGuesses(clock: clock)
        for network in 0..<100 {
            #expect(guesses.take("\(network)"))
        }
        #expect(!guesses.take("another"))
        clock.advance(by: .seconds(60))
        #expect(guesses.take("another"))
    }

    @Test func aTryCountsUntilItIsGivenBack() {
        let guesses = CodeGuesses(clock: AdjustableClock())
        for _ in 0..<200 {
            #expect(guesses.take("home"))
            guesses.giveBack("home")
        }
        #expect((0..<20).count { _ in guesses.take("home") } == CodeGuesses.perNetwork)
        guesses.giveBack("elsewhere")
        #expect(!guesses.take("home"))
    }

    /// All are on their way before the first is known to be wrong.
    @Test func codesThatAreTriedAtOnceCountToo() async throws {
        try await withServer { server in
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<60 {
                    group.addTask { try await DevicePhone.register(server, "Code 000000\(number + 10)").status }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses.count { $0 == 401 } == CodeGuesses.perNetwork)
            #expect(statuses.count { $0 == 429 } == 60 - CodeGuesses.perNetwork)
        }
    }

    @Test func keysOfOneKindOpenNothingOfTheOther() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let device = try await DevicePhone.make(server, account)
            let phone = try await account.makePhone("+18005550177")

            for key in [account.apiKey, phone.client.apiKey ?? ""] {
                let stranger = DevicePhone(client: server.client, id: device.id, token: key)
                for path in ["/message", "/webhooks", "/settings", "/device"] {
                    #expect(try await stranger.send("GET", path).status == 401, "\(path)")
                }
            }
            #expect(try await server.client(key: device.token).get("/v1/users/me").status == 401)
            let bearer = [("Authorization", "Bearer \(device.token)")]
            #expect(try await server.client.send("GET", "/v1/users/me", headers: bearer).status == 401)
        }
    }

    @Test func aDeviceUpdatesItselfAndNoOther() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let device = try await DevicePhone.make(server, account)
            let body: JSON = ["id": .string(device.id), "simCards": [], "pushToken": "vendor"]

            #expect(try await device.send("PATCH", "/device", body).status == 204)
            #expect(
                try await device.send("PATCH", "/device", body.with(["id": "\(DeviceID(at: .first))"])).status == 403)
            let address = try await device.send("GET", "/device")
            #expect(address.json["externalIp"] == "127.0.0.1")
            #expect(try await server.client.get("/api/mobile/v1/device").status == 200)
        }
    }

    @Test func aNumberMovesToTheDeviceThatRegistersItLast() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone(DevicePhone.number)
            _ = try await account.client.put(
                "/v1/phones", ["phone_number": .string(DevicePhone.number), "messages_per_minute": 7])
            let first = try await DevicePhone.make(server, account, numbers: Self.numbers)
            let listed = try await account.client.get("/v1/phones").data.array.first {
                $0["id"].string == phone.id
            }
            #expect(listed?["messages_per_minute"] == 7 && listed?["fcm_token"] == .null)

            _ = try await DevicePhone.make(server, account)

            let devices = try await account.client.get("/v1/devices").data.array
            #expect(devices.map { $0["numbers"].array.count } == [1, 1])
            #expect(devices[1]["numbers"][0]["phone_number"].string == DevicePhone.second)
            #expect(try await first.pull().isEmpty)
            #expect(try await !first.send("GET", "/webhooks").json.array.isEmpty)
            // The way back: the httpSMS app logs in.
            let token: JSON = ["phone_number": .string(DevicePhone.number), "fcm_token": "another"]
            #expect(try await phone.client.put("/v1/phones/fcm-token", token).status == 200)
            #expect(try await account.client.get("/v1/devices").data[0]["numbers"].array.isEmpty)
        }
    }

    @Test func aRemovedDeviceIsGone() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let stranger = try await server.makeAccount()
            let pairing = try await Self.pairing(account)
            let answer = try await DevicePhone.register(server, "Code \(pairing["code"].string)").json
            let device = DevicePhone(
                client: server.client, id: answer["id"].string, token: answer["token"].string)
            let hook = try await device.hookPath()
            let id = try await account.send()["id"].string
            _ = try await server.message(id, of: account, is: "scheduled")

            #expect(try await stranger.client.delete("/v1/devices/\(device.id)").status == 404)
            #expect(try await account.client.delete("/v1/devices/\(device.id)").status == 204)

            #expect(try await account.client.delete("/v1/devices/\(device.id)").status == 404)
            #expect(try await device.send("GET", "/message").status == 401)
            #expect(try await device.send("PATCH", "/device", ["id": .string(device.id)]).status == 401)
            #expect(try await device.post("system:ping", [:], id: "1", to: hook).status == 404)
            let token = "Bearer \(pairing["private_token"].string)"
            #expect(try await DevicePhone.register(server, token).status == 401)
            let message = try await account.message(id)
            #expect(message["status"] == "failed")
            #expect(message["failure_reason"].string.contains("removed"))
        }
    }

    @Test(
        arguments: [
            [:], ["numbers": []], ["numbers": [["sim": "SIM3", "phone_number": "+18005550199"]]],
            ["numbers": [["sim": "SIM1", "phone_number": "x"]]], ["numbers": [["sim": "SIM1"]]],
            [
                "numbers": [
                    ["sim": "SIM1", "phone_number": "+18005550199"], ["sim": "SIM1", "phone_number": "+18005550188"],
                ]
            ],
            [
                "numbers": [
                    ["sim": "SIM1", "phone_number": "+18005550199"], ["sim": "SIM2", "phone_number": "18005550199"],
                ]
            ],
        ] as [JSON])
    func aPairingNamesNumbersThatCanBe(body: JSON) async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            #expect(try await account.client.post("/v1/devices/pairings", body).status == 422)
        }
    }

    @Test func anAccountHas20PairingsAtATime() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let first = try await Self.pairing(account)
            for _ in 0..<20 { _ = try await Self.pairing(account) }

            #expect(try await DevicePhone.register(server, "Code \(first["code"].string)").status == 401)
            let count: Int? = try await server.store.read { tx in
                try tx.value("SELECT COUNT(*) AS value FROM device_pairing")
            }
            #expect(count == 20)
        }
    }
}
