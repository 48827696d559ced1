import Foundation
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Gateway
@testable import PhoneSimulator

/// What a device posts: SMS, MMS and how it is.
@Suite(.timeLimit(.minutes(15))) struct DeviceInboundTests {
    private static let sms: JSON = [
        "message": "Is it < 5 & ok?", "receivedAt": "2026-11-25T11:04:05.000+01:00", "messageId": "9f3c21ab",
        "sender": "+18005550100", "simNumber": 1, "phoneNumber": "+18005550100",
    ]

    private static func withDevice(
        on engine: Engine = .usual, numbers: JSON = [["sim": "SIM1", "phone_number": "+18005550199"]],
        _ body: @escaping @Sendable (TestServer, Account, DevicePhone, _ hook: String) async throws -> Void
    ) async throws {
        try await withServer(on: engine, clock: AdjustableClock()) { server in
            let account = try await server.makeAccount()
            let device = try await DevicePhone.make(server, account, numbers: numbers)
            try await body(server, account, device, try await device.hookPath())
        }
    }

    private static func messages(
        of account: Account, _ owner: String = "%2B18005550199", contact: String = "%2B18005550100"
    ) async throws -> [JSON] {
        try await account.client.get("/v1/messages?owner=\(owner)&contact=\(contact)").data.array
    }

    @Test(arguments: Engine.enabled) func anSMSIsStoredOnceAndTold(engine: Engine) async throws {
        try await Self.withDevice(on: engine) { server, account, device, hook in
            #expect(hook.wholeMatch(of: /\/api\/mobile\/v1\/inbound\/wh_[0-9a-f]{64}/) != nil)

            for id in ["a", "a", "b"] {
                // The app repeats itself under one id, and after its data were restored under another.
                let answer = try await device.post("sms:received", Self.sms, id: id, to: hook)
                #expect(answer.status == 200 && answer.text == "{}")
            }

            let messages = try await Self.messages(of: account)
            #expect(messages.map { $0["content"].string } == ["Is it < 5 & ok?"])
            #expect(messages[0]["sim"] == "SIM1" && messages[0]["status"] == "received")
            #expect(messages[0]["received_at"] == "2026-11-25T10:04:05Z")
            let types = try await server.emittedTypes()
            #expect(types == ["message.phone.received"])
            // Paths are matched without regard to case; HEAD and GET store nothing.
            #expect(try await device.post("sms:received", Self.sms, id: "a", to: hook.uppercased()).status == 200)
            #expect(try await server.client.get(hook).status == 405)
        }
    }

    @Test func twoSMSOfTheSameTextAreTwo() async throws {
        try await Self.withDevice { _, account, device, hook in
            for id in ["a", "b"] {
                let time = "2026-11-25T11:04:0\(id == "a" ? 5 : 6).000+01:00"
                let answer = try await device.post(
                    "sms:received", Self.sms.with(["receivedAt": .string(time)]), id: id, to: hook)
                #expect(answer.status == 200)
            }
            let messages = try await Self.messages(of: account)
            #expect(messages.count == 2)
        }
    }

    @Test func aRepeatWithoutATimeIsKnownByItsID() async throws {
        try await Self.withDevice { _, account, device, hook in
            let sms = Self.sms.with(["receivedAt": .null])
            for id in ["a", "a", "b"] { _ = try await device.post("sms:received", sms, id: id, to: hook) }
            #expect(try await Self.messages(of: account).count == 2)
        }
    }

    @Test func theSignatureOfTheAppIsKnown() {
        let body = #"""
            {"id":"Vb3kq0Lr7yT2mXn9sWd4e","webhookId":"0199f0a2-1","event":"sms:received","deviceId":"0199f0a2-6c1e-7b5a-9d3e-2f6a1c0b4d77","payload":{"message":"Is it \u003c 5 \u0026 ok?","receivedAt":"2026-11-25T11:04:05.000+01:00","messageId":"9f3c21ab","sender":"+4915112345678","simNumber":1,"phoneNumber":"+4915112345678"}}
            """#
        let signature = "d4caa723bdf930f2e1d389a88af6ac6d7f96c63f6bd5b2c0c265c35b430834ff"
        let key = "wk_3q2Zt8Lw0eRy5uIoPaSdFg"

        #expect(DeviceHook.isSigned(body.utf8, time: "1795601047", signature: signature, key: key))
        #expect(!DeviceHook.isSigned(body.utf8, time: "1795601048", signature: signature, key: key))
        #expect(!DeviceHook.isSigned(body.utf8, time: "1795601047", signature: "", key: key))
    }

    @Test func aWrongSignatureIsShownAndNothingIsLost() async throws {
        try await Self.withDevice { server, account, device, hook in
            let time = "\(server.clock.now().seconds)"
            let headers = [("X-Timestamp", time), ("X-Signature", "00")]
            let answer = try await device.post("sms:received", Self.sms, id: "a", to: hook, headers: headers)

            let listed = try await account.client.get("/v1/devices").data[0]
            let messages = try await Self.messages(of: account)
            #expect(answer.status == 200 && listed["signature_ok"] == false && messages.count == 1)
        }
    }

    @Test func anAppBefore154NamesTheSenderOtherwise() async throws {
        try await Self.withDevice { _, account, device, hook in
            let sms: JSON = [
                "message": "Hi", "phoneNumber": "+18005550100", "receivedAt": "2026-11-25T05:00:00.000+-5:00",
            ]
            #expect(try await device.post("sms:received", sms, id: "a", to: hook).status == 200)

            let message = try await Self.messages(of: account)[0]
            #expect(message["received_at"] == "2026-11-25T10:00:00Z")
        }
    }

    @Test(arguments: ["1970-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z", "soon", ""]) func anAbsurdTimeIsOurs(
        time: String
    ) async throws {
        try await Self.withDevice { server, account, device, hook in
            let sms = Self.sms.with(["receivedAt": .string(time)])
            #expect(try await device.post("sms:received", sms, id: "a", to: hook).status == 200)

            let told = try await Self.messages(of: account)[0]["received_at"].string
            let distance = try #require(Timestamp(rfc3339: told)) - server.clock.now()
            #expect(abs(distance.milliseconds) < 60_000)
        }
    }

    @Test func anSMSComesToTheNumberOfItsCard() async throws {
        let numbers: JSON = [
            ["sim": "SIM1", "phone_number": "+18005550199"], ["sim": "SIM2", "phone_number": "+18005550188"],
        ]
        try await Self.withDevice(numbers: numbers) { _, account, device, hook in
            let cases: [JSON] = [
                ["simNumber": 2], ["simNumber": .null, "recipient": "+18005550188"], ["simNumber": .null],
                ["simNumber": 3], ["simNumber": "x", "recipient": "+18005550111"],
            ]
            for (index, change) in cases.enumerated() {
                let sms = Self.sms.with(change.object).with(["message": .string("\(index)")])
                #expect(try await device.post("sms:received", sms, id: "\(index)", to: hook).status == 200)
            }

            let second = try await Self.messages(of: account, "%2B18005550188").map { $0["content"].string }
            #expect(Set(second) == ["0", "1"])
            let first = try await Self.messages(of: account)
            #expect(Set(first.map { $0["content"].string }) == ["2", "3", "4"])
            let odd = try #require(first.first { $0["content"] == "3" })
            #expect(odd["failure_reason"].string.contains("SIM 3"))
        }
    }

    @Test func aDeviceWithoutANumberKeepsItsSMS() async throws {
        try await Self.withDevice { server, account, device, hook in
            _ = try await DevicePhone.make(server, account)

            #expect(try await device.post("sms:received", Self.sms, id: "a", to: hook).status == 503)
        }
    }

    @Test func anMMSKeepsItsTextAndFiles() async throws {
        try await Self.withDevice { _, account, device, hook in
            let mms: JSON = [
                "subject": "Cats", "body": "Look", "sender": "unknown", "receivedAt": "2026-11-25T11:04:05.000+01:00",
                "attachments": [
                    ["partId": 1, "contentType": "image/png", "name": "a.png", "data": "iVBORw0KGgo="],
                    ["partId": 2, "contentType": "image/png", "name": "b.png"], 7,
                ],
            ]
            #expect(try await device.post("mms:downloaded", mms, id: "a", to: hook).status == 200)

            let message = try await Self.messages(of: account, contact: "unknown")[0]
            #expect(message["content"] == "Cats\nLook")
            #expect(message["attachments"].array.count == 1)
            #expect(message["failure_reason"].string.contains("2 attachments"))
        }
    }

    @Test func anMMSThatIsTooLargeKeepsItsText() async throws {
        try await Self.withDevice { _, account, device, hook in
            let data = Data(repeating: 65, count: 5 << 20).base64EncodedString()
            let mms: JSON = [
                "body": "Large", "sender": "+18005550100", "receivedAt": "2026-11-25T11:04:05.000+01:00",
                "attachments": [["contentType": "video/mp4", "data": .string(data)]],
            ]
            #expect(try await device.post("mms:downloaded", mms, id: "a", to: hook).status == 200)

            let message = try await Self.messages(of: account)[0]
            #expect(message["content"] == "Large" && message["attachments"].array.isEmpty)
        }
    }

    @Test func anMMSThatWasNotDownloadedIsNoted() async throws {
        try await Self.withDevice { _, account, device, hook in
            let mms: JSON = ["transactionId": "t", "sender": "+18005550100", "receivedAt": "2026-11-25T11:04:05.000Z"]
            let answer = try await device.post("mms:received", mms, id: "a", to: hook)
            let message = try await Self.messages(of: account)[0]
            #expect(answer.status == 200 && message["failure_reason"] == "MMS, not downloaded by the phone")
        }
    }

    @Test func whatIsNotWantedIsTakenAndWhatIsForeignIsNot() async throws {
        try await Self.withDevice { server, account, device, hook in
            for event in ["sms:sent", "sms:data-received", "new:event", ""] {
                #expect(try await device.post(event, Self.sms, id: "a", to: hook).status == 200)
            }
            let other = DevicePhone(client: server.client, id: "\(DeviceID(at: .first))", token: "")
            #expect(try await other.post("sms:received", Self.sms, id: "a", to: hook).status == 404)
            let lost = String(hook.dropLast()) + "x"
            #expect(try await device.post("sms:received", Self.sms, id: "a", to: lost).status == 404)
            for body in ["", "{", "[]", #"{"id":1,"deviceId":"\#(device.id)","event":"sms:received","payload":7}"#] {
                let status = try await server.client.send("POST", hook, body: Array(body.utf8)).status
                #expect(status == 400, "\(body)")
            }
            let huge = [UInt8](repeating: 0x20, count: (16 << 20) + 1)
            let tooLarge = try await server.client.send("POST", hook, body: huge)
            let messages = try await Self.messages(of: account)
            #expect(tooLarge.status == 413 && messages.isEmpty)
        }
    }

    @Test func aPingIsAHeartbeatWithBattery() async throws {
        try await Self.withDevice { server, account, device, hook in
            func heartbeats() async throws -> [JSON] {
                try await account.client.get("/v1/heartbeats?owner=%2B18005550199&limit=20").data.array
            }
            // The first pull is a sign of life; more of them are none for a while.
            for _ in 0..<3 { _ = try await device.pull() }
            #expect(try await heartbeats().count == 1)
            let ping: JSON = [
                "health": [
                    "checks": [
                        "battery:level": ["observedValue": 87, "status": "pass"],
                        "battery:charging": ["observedValue": 5],
                    ]
                ]
            ]
            #expect(try await device.post("system:ping", ping, id: "a", to: hook).status == 200)

            let last = try await heartbeats()[0]
            #expect(last["charging"] == true && last["version"] == "SMSGate 1.68.0")
            let listed = try await account.client.get("/v1/devices").data[0]
            #expect(listed["battery"] == ["percent": 87, "charging": true])
            server.advance(by: .seconds(301))
            _ = try await device.pull()
            #expect(try await heartbeats().count == 3)
        }
    }

    @Test func aPhoneThatIsHeardAgainIsOnlineAtOnce() async throws {
        try await Self.withDevice { server, account, device, _ in
            _ = try await device.pull()
            server.advance(by: .seconds(3_601))
            try await until("it is offline") {
                server.store.wakeups.signal(.presence)
                return try await server.emittedTypes() == ["phone.heartbeat.offline"]
            }

            _ = try await device.pull()

            #expect(try await server.emittedTypes() == ["phone.heartbeat.offline", "phone.heartbeat.online"])
        }
    }

    @Test(arguments: [(3_600, 60, 300), (7_200, 60, 300), (60, 5, 5), (1_800, 60, 150)])
    func signsOfLifeAreStoredOnceInAWhile(
        offlineAfter: Int, seen: Int, beat: Int
    ) {
        let intervals = DeviceLife.intervals(offlineAfter: .seconds(offlineAfter))

        #expect(intervals.seen == .seconds(seen) && intervals.beat == .seconds(beat))
    }

    @Test func theAppsStartTellsOfItsCards() async throws {
        try await Self.withDevice { _, account, device, hook in
            let cards: JSON = ["simCards": [["simNumber": 1, "phoneNumber": "+18005550199"], ["simNumber": 2]]]
            #expect(try await device.post("app:started", cards, id: "a", to: hook).status == 200)

            let listed = try await account.client.get("/v1/devices").data[0]["sim_cards"].array
            #expect(listed.map { $0["sim_number"] } == [1, 2])
        }
    }
}
