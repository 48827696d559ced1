import Storage
import TestSupport
import Testing
import Timestamps

@testable import Gateway
@testable import Server

/// Whether a phone can be told of a message at all, on a server without Firebase and beside it.
@Suite(.timeLimit(.minutes(15))) struct PhoneReachTests {
    /// As Firebase makes them.
    private static let token = "dGVzdC1pbnN0YW5jZS1pZA:APA91b" + String(repeating: "Zz9_-", count: 27)

    @Test(arguments: Engine.enabled) func whatNoAppWasConnectedForFailsAtOnce(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let account = try await server.makeAccount()
            _ = try await account.client.put("/v1/phones", ["phone_number": "+18005550199"])
            // At ten a minute, the last would go after half a minute.
            let bulk: JSON = [
                "from": "+18005550199", "to": ["+18005550101", "+18005550102", "+18005550103", "+18005550104"],
                "content": "Hi",
            ]
            let sent = try await account.client.post("/v1/messages/bulk-send", bulk).data.array.map { $0["id"].string }

            for id in sent {
                let message = try await server.message(id, of: account, is: "failed")
                #expect(
                    message["failure_reason"].string
                        == "No app has logged in for this number, so nothing can tell it of the message. Connect a phone."
                )
            }
            #expect(sent.count == 4)
            #expect(try await server.emittedTypes() == Array(repeating: "message.send.failed", count: 4))
        }
    }

    @Test(arguments: Engine.enabled) func theAppThatListensToFirebaseFailsWithoutIt(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            _ = try await phone.client.put(
                "/v1/phones/fcm-token", ["phone_number": "+18005550199", "fcm_token": .string(Self.token)])
            _ = try await phone.beat()

            let message = try await server.message(account.send()["id"].string, of: account, is: "failed")

            #expect(message["failure_reason"].string.contains("this server has no Firebase credentials"))
        }
    }

    /// Quick start: what has a key of its own, or beats, is a program that may know the message's id.
    @Test(arguments: ["token", "", nil]) func aProgramOfOnesOwnMayAskForItsMessages(token: String?) async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let key = token == nil ? nil : try await account.makePhone()
            if let token, let key {
                _ = try await key.client.put(
                    "/v1/phones/fcm-token", ["phone_number": "+18005550199", "fcm_token": .string(token)])
            } else {
                _ = try await account.client.put("/v1/phones", ["phone_number": "+18005550199"])
                _ = try await account.client.post("/v1/heartbeats", ["phone_numbers": ["+18005550199"]])
            }

            let id = try await account.send()["id"].string
            _ = try await server.message(id, of: account, is: "scheduled")

            let asked = try await (key?.client ?? account.client).get("/v1/messages/outstanding?message_id=\(id)")
            #expect(asked.data["status"] == "sending")
        }
    }

    /// The account's own key may log in, too.
    @Test func whoLogsInWithoutATokenAsksByItself() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            _ = try await account.client.put(
                "/v1/phones/fcm-token", ["phone_number": "+18005550199", "fcm_token": "", "sim": "SIM1"])

            _ = try await server.message(account.send()["id"].string, of: account, is: "scheduled")
        }
    }

    @Test(arguments: Engine.enabled) func whoAskedLatelyIsNeverGivenUp(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let account = try await server.makeAccount()
            let other = try await account.makePhone("+18005550177")
            _ = try await account.client.put("/v1/phones", ["phone_number": "+18005550199"])
            let first = try await account.send()["id"].string
            _ = try await server.message(first, of: account, is: "failed")

            // Another phone's key asks for nobody else.
            #expect(try await other.fetch(first).status == 404)
            let second = try await account.send()["id"].string
            _ = try await server.message(second, of: account, is: "failed")
            #expect(try await account.client.get("/v1/messages/outstanding?message_id=\(second)").status == 404)
            let third = try await account.send()["id"].string
            _ = try await server.message(third, of: account, is: "scheduled")

            server.advance(by: PhoneReach.memory)
            let last = try await account.send()["id"].string
            _ = try await server.message(last, of: account, is: "failed")
        }
    }

    /// The push would find no token any more, and fail what the other app fetches.
    @Test(arguments: Engine.enabled) func aPushThatWaitsWhileTheNumberMovesFailsNothing(engine: Engine) async throws {
        try await WebhookReceiver.run { _, _ in
            .status(503)
        } body: { firebase in
            try await withServer(["FCM_ENDPOINT": firebase.url("")], on: engine) { server in
                let account = try await server.makeAccount()
                _ = try await account.makePhone()
                let id = try await account.send()["id"].string
                _ = try await firebase.requests(1)

                let device = try await DevicePhone.make(server, account)
                server.advance(by: .seconds(61))
                server.store.wakeups.signal(.pushes)
                _ = try await eventually("the push is over") {
                    try await server.store.read { tx in
                        try tx.rows("SELECT id FROM push WHERE due_at IS NOT NULL").isEmpty
                    } ? true : nil
                }

                #expect(try await account.message(id)["status"] == "scheduled")
                #expect(try await device.pull().map { $0["id"].string } == [id])
            }
        }
    }

    @Test(arguments: Engine.enabled) func thePagesSayHowEachPhoneIsTold(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let (page, account, phone) = try await server.signedInWithPhone()
            _ = try await phone.client.put(
                "/v1/phones/fcm-token", ["phone_number": "+18005550199", "fcm_token": .string(Self.token)])
            _ = try await account.client.put("/v1/phones", ["phone_number": "+18005550177"])
            _ = try await DevicePhone.make(server, account, numbers: [["sim": "SIM1", "phone_number": "+18005550188"]])
            let id = try await account.send()["id"].string
            _ = try await server.message(id, of: account, is: "failed")

            let firebase = "its app listens to Firebase only"
            let thread = try await account.client.get("/v1/message-threads?owner=%2B18005550199").data[0]["id"].string
            for path in [
                "/messages/\(thread)", "/", "/phones", "/phones/\(phone.id)", "/messages/new",
                "/messages/message/\(id)",
            ] {
                let text = try await page.get(path).text
                #expect(text.contains(firebase) && text.contains("Connect it with the SMSGate app"), "\(path)")
            }
            let overview = try await page.get("/").text
            #expect(overview.matches(of: /cannot send/).count == 2)
            #expect(try await page.get("/phones/new").text.contains("receives and reports, and never sends"))
            let system = try await page.get("/system").text
            #expect(system.contains("1 with the SMSGate app, 1 with the httpSMS app, 1 whose app is not known"))
            #expect(system.contains("the httpSMS app sends nothing"))
            let phones = try await server.store.read { tx in try PhoneTransports(in: tx) }
            #expect("\(Commands.phones(phones, pushes: []))".hasPrefix("WARNING"))
            #expect("\(Commands.phones(phones, pushes: [.firebase]))".hasPrefix("ok"))
        }
    }

    @Test func tokensOfFirebaseAreKnown() {
        #expect(PushAddress(text: Self.token).isOfService)
        for other in [
            "", "token", String(repeating: "a", count: 99), String(repeating: "a b", count: 60), "é" + Self.token,
        ] {
            #expect(!PushAddress(text: other).isOfService, "\(other)")
        }
    }
}
