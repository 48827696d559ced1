import Storage
import TestSupport
import Testing
import Timestamps

@testable import Gateway

/// A number that goes from the httpSMS app to the SMSGate app and back: nothing is lost, and nothing sent twice.
@Suite(.timeLimit(.minutes(15))) struct DeviceMoveTests {
    private static func withFirebase(
        on engine: Engine,
        _ body: @escaping @Sendable (TestServer, Account, Account.Phone, WebhookReceiver) async throws -> Void
    ) async throws {
        try await WebhookReceiver.run { _, _ in
            .status(200, body: Array(#"{"name":"x"}"#.utf8))
        } body: { firebase in
            try await withServer(["FCM_ENDPOINT": firebase.url("")], on: engine) { server in
                let account = try await server.makeAccount()
                let phone = try await account.makePhone()
                let rate: JSON = ["phone_number": .string(phone.number), "messages_per_minute": 0]
                _ = try await account.client.put("/v1/phones", rate)
                try await body(server, account, phone, firebase)
            }
        }
    }

    /// The httpSMS app logs in, with the key that it had.
    private static func logIn(_ phone: Account.Phone) async throws {
        let body: JSON = ["phone_number": .string(phone.number), "fcm_token": "again", "sim": "SIM1"]
        #expect(try await phone.client.put("/v1/phones/fcm-token", body).status == 200)
    }

    @Test(arguments: Engine.enabled) func aPhoneMovesThereAndBackWithAllThatItHas(engine: Engine) async throws {
        try await Self.withFirebase(on: engine) { server, account, phone, _ in
            let numbers = [phone.number]
            let webhook = try await account.makeWebhook("https://example.com/hook", numbers: numbers)
            let settings: JSON = [
                "phone_number": .string(phone.number), "max_send_attempts": 3, "missed_call_auto_reply": "Later.",
            ]
            _ = try await account.client.put("/v1/phones", settings)
            _ = try await phone.receive(["from": "+18005550100", "content": "before"])
            _ = try await phone.beat()
            func kept() async throws -> [JSON] {
                let known = try await account.client.get("/v1/phones").data[0]
                let hooks = try await account.client.get("/v1/webhooks").data.array
                return [
                    known["id"], known["max_send_attempts"], known["missed_call_auto_reply"], known["created_at"],
                    hooks[0]["id"], hooks[0]["phone_numbers"],
                ]
            }
            let before = try await kept()

            let device = try await DevicePhone.make(server, account)
            #expect(try await kept() == before)
            let there = try await account.send()["id"].string
            _ = try await server.message(there, of: account, is: "scheduled")
            #expect(try await device.pull().map { $0["id"].string } == [there])
            try await device.report(there, "Sent")
            let hook = try await device.hookPath()
            let sms: JSON = [
                "message": "during", "sender": "+18005550100", "simNumber": 1,
                "receivedAt": "2026-11-25T11:04:05.000+01:00",
            ]
            #expect(try await device.post("sms:received", sms, id: "1", to: hook).status == 200)

            try await Self.logIn(phone)
            #expect(try await kept() == before)
            #expect(try await device.pull().isEmpty)
            let back = try await account.send()["id"].string
            _ = try await server.message(back, of: account, is: "scheduled")
            #expect(try await phone.fetch(back).status == 200)
            #expect(try await phone.report("SENT", back).status == 200)
            _ = try await phone.receive(["from": "+18005550100", "content": "after"])

            let query = "/v1/messages?owner=%2B18005550199&contact=%2B18005550100"
            let texts = try await account.client.get(query).data.array.map { $0["content"].string }
            #expect(Set(texts) == ["before", "during", "after", "Hi"] && texts.count == 5)
            #expect(try await account.client.get("/v1/message-threads?owner=%2B18005550199").data.array.count == 1)
            #expect(webhook["id"] == before[4])
        }
    }

    @Test(arguments: Engine.enabled) func whatTheDeviceDidNotFetchIsPushedToTheApp(engine: Engine) async throws {
        try await Self.withFirebase(on: engine) { server, account, phone, firebase in
            let device = try await DevicePhone.make(server, account)
            let id = try await account.send()["id"].string
            _ = try await server.message(id, of: account, is: "scheduled")
            #expect(firebase.requests.isEmpty)

            try await Self.logIn(phone)

            let push = try await firebase.requests(1)[0]
            #expect(push.json["message"]["data"]["KEY_MESSAGE_ID"].string == id)
            #expect(push.json["message"]["token"] == "again")
            #expect(try await device.pull().isEmpty)
            #expect(try await phone.fetch(id).data["send_attempt_count"] == 1)
        }
    }

    /// There is one push for each attempt: the one that the device took over is made again.
    @Test(arguments: Engine.enabled) func thereAndBackWithinOneAttemptIsToldTwice(engine: Engine) async throws {
        try await Self.withFirebase(on: engine) { server, account, phone, firebase in
            let id = try await account.send()["id"].string
            _ = try await firebase.requests(1)
            _ = try await DevicePhone.make(server, account)

            try await Self.logIn(phone)

            let pushes = try await firebase.requests(2)
            #expect(pushes.map { $0.json["message"]["token"].string } == ["token", "again"])
            #expect(try await phone.fetch(id).status == 200)
        }
    }

    /// Else it would expire, and the other app would send it once more.
    @Test(arguments: Engine.enabled) func aReportOfTheAppThatLostTheNumberCounts(engine: Engine) async throws {
        try await Self.withFirebase(on: engine) { server, account, phone, firebase in
            let device = try await DevicePhone.make(server, account)
            let id = try await account.send()["id"].string
            _ = try await server.message(id, of: account, is: "scheduled")
            #expect(try await device.pull().count == 1)
            let foreign = try await account.send()["id"].string

            try await Self.logIn(phone)
            try await device.report(id, "Sent")
            try await device.report(foreign, "Failed", error: "it was never given this one")

            #expect(try await account.message(id)["status"] == "sent")
            #expect(try await account.message(foreign)["status"] != "failed")
            server.advance(by: .seconds(601))
            let tokens = firebase.requests.map { $0.json["message"]["data"]["KEY_MESSAGE_ID"].string }
            #expect(!tokens.contains(id))
        }
    }
}
