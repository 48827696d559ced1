import Foundation
import Server
import Storage
import TestSupport
import Testing
import Timestamps
import Wire

@testable import Gateway

/// Pushes, from the hand-out of a message to what Firebase says of it; the other side is an independent HTTP sink.
@Suite(.timeLimit(.minutes(15))) struct PushTests {
    private static let path = "/v1/projects/httpsms-test/messages:send"
    private static let number = "+18005550199"

    private static func withPush(
        _ script: @escaping WebhookReceiver.Script = { _, _ in .status(200, body: Array(#"{"name":"x"}"#.utf8)) },
        deadline: Duration = .seconds(10),
        body: @escaping @Sendable (TestServer, Account, Account.Phone, WebhookReceiver) async throws -> Void
    ) async throws {
        try await WebhookReceiver.run(script) { firebase in
            try await withServer(["FCM_ENDPOINT": firebase.url("")], configure: { $0.settings.pushDeadline = deadline })
            {
                server in
                let account = try await server.makeAccount()
                try await body(server, account, try await account.makePhone(number), firebase)
            }
        }
    }

    private static func message(_ id: String, of account: Account, is status: String) async throws -> JSON {
        try await eventually("the message is \(status)") {
            [try await account.message(id)].first { $0["status"].string == status }
        }
    }

    @Test func aMessageIsPushedFetchedSentAndDelivered() async throws {
        try await Self.withPush { _, account, phone, firebase in
            let encrypted = "U2FsdGVkX1+/=="
            let id = try await account.send(["content": .string(encrypted), "encrypted": true])["id"].string

            let push = try await firebase.requests(1)[0]
            let expected: JSON = [
                "message": [
                    "token": "token", "data": ["KEY_MESSAGE_ID": .string(id)],
                    "android": ["priority": "high", "ttl": "600s"],
                ]
            ]
            #expect(push.method == "POST" && push.path == Self.path)
            #expect(push.json == expected)
            #expect(push.header("Authorization") == nil)
            let fetched = try await phone.fetch(id).data
            #expect(fetched["content"].string == encrypted && fetched["encrypted"] == true)
            #expect(try await phone.report("SENT", id).status == 200)
            #expect(try await phone.report("DELIVERED", id).status == 200)
            #expect(try await account.message(id)["status"] == "delivered")
            #expect(firebase.requests.count == 1)
        }
    }

    @Test func everyAttemptIsPushedOnce() async throws {
        try await Self.withPush { server, account, _, firebase in
            let id = try await account.send()["id"].string
            _ = try await firebase.requests(1)
            server.advance(by: .seconds(601))
            _ = try await firebase.requests(2)
            server.advance(by: .seconds(601))
            let message = try await Self.message(id, of: account, is: "expired")

            #expect(message["send_attempt_count"] == 2)
            #expect(firebase.requests.count == 2)
        }
    }

    @Test func tenAMinuteAreSixSecondsApart() async throws {
        try await Self.withPush { server, account, _, firebase in
            var ids: [String] = []
            for _ in 0..<3 { ids.append(try await account.send()["id"].string) }
            _ = try await firebase.requests(1)
            server.advance(by: .milliseconds(6_100))
            _ = try await firebase.requests(2)
            server.advance(by: .milliseconds(6_100))
            let pushes = try await firebase.requests(3)

            #expect(pushes.map { $0.json["message"]["data"]["KEY_MESSAGE_ID"].string } == ids)
            let times = try await server.store.read { tx in
                try tx.rows("SELECT scheduled_at FROM message ORDER BY scheduled_at").map {
                    try $0.get("scheduled_at", as: Timestamp.self)
                }
            }
            #expect(times[1] - times[0] >= .seconds(6) && times[2] - times[1] >= .seconds(6))
        }
    }

    @Test(arguments: [429, 500, 503, 401])
    func whatMayPassIsTriedAgain(status: Int) async throws {
        try await Self.withPush { _, count in
            count < 2 ? .status(status) : .status(200)
        } body: { _, account, phone, firebase in
            let id = try await account.send()["id"].string

            let pushes = try await firebase.requests(3)

            #expect(Set(pushes.map(\.body)).count == 1)
            #expect(pushes[0].arrivedAt.duration(to: pushes[1].arrivedAt) >= .milliseconds(900))
            #expect(try await phone.fetch(id).status == 200)
        }
    }

    /// As Google words it.
    private static let mismatch = """
        {"error":{"code":403,"message":"SenderId mismatch","status":"PERMISSION_DENIED","details":[
        {"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":"SENDER_ID_MISMATCH"}]}}
        """
    private static let foreign = """
         The app on it was built with another Firebase project than the one of this server's credentials. \
        Firebase answered 403: SenderId mismatch
        """
    private static let reinstall = " Reinstall the httpSMS app on your Android phone."

    @Test(arguments: [
        (404, "{}", true, reinstall),
        (400, #"{"error":{"message":"gone","details":[{"errorCode":"UNREGISTERED"}]}}"#, true, reinstall),
        (
            400, #"{"error":{"message":"bad","status":"INVALID_ARGUMENT"}}"#, false,
            reinstall + " Firebase answered 400: bad"
        ),
        (403, mismatch, false, foreign),
        (403, #"{"error":{"message":"SenderId mismatch"}}"#, false, foreign),
    ])
    func whatWillNeverPassFailsTheMessage(status: Int, answer: String, isDead: Bool, reason: String) async throws {
        try await Self.withPush { _, _ in
            .status(status, body: Array(answer.utf8))
        } body: { server, account, _, firebase in
            let id = try await account.send()["id"].string

            let message = try await Self.message(id, of: account, is: "failed")

            #expect(
                message["failure_reason"].string == "cannot send notification to your phone [+18005550199].\(reason)")
            #expect(try await server.emittedTypes() == ["message.send.failed"])
            let phone = try await account.client.get("/v1/phones").data.array[0]
            #expect(phone["fcm_token"] == (isDead ? .null : "token"))
            #expect(phone["push_error"] != .null)
            #expect(firebase.requests.count == 1)
            let lines = server.log.lines.filter { $0.message == "a phone cannot be pushed to" }
            #expect(lines.count == 1)
        }
    }

    @Test func aPhoneOfAnotherProjectIsLoggedOnceAndItsRecovery() async throws {
        try await Self.withPush { _, count in
            count < 3 ? .status(403, body: Array(Self.mismatch.utf8)) : .status(200)
        } body: { server, account, _, _ in
            _ = try await account.client.put(
                "/v1/phones", ["phone_number": .string(Self.number), "messages_per_minute": 0])
            for _ in 0..<3 {
                let id = try await account.send()["id"].string
                _ = try await Self.message(id, of: account, is: "failed")
            }
            let broken = try await account.client.get("/v1/phones").data.array[0]
            #expect(broken["push_error"].string == Self.foreign.trimmed)

            _ = try await account.send()
            _ = try await eventually("the phone is well") {
                try await account.client.get("/v1/phones").data.array[0]["push_error"] == .null ? true : nil
            }

            let lines = server.log.lines.map(\.message).filter { $0.contains("pushed to") }
            #expect(lines.filter { $0 == "a phone cannot be pushed to" }.count == 1)
            _ = try await eventually("the recovery is logged") {
                server.log.lines.contains { $0.message == "a phone can be pushed to again" } ? true : nil
            }
        }
    }

    @Test(arguments: [401, 403]) func wrongCredentialsFailTheMessageAfterAMinute(status: Int) async throws {
        try await Self.withPush { _, _ in
            .status(status, body: Array(#"{"error":{"message":"no","status":"PERMISSION_DENIED"}}"#.utf8))
        } body: { server, account, _, firebase in
            let id = try await account.send()["id"].string
            _ = try await firebase.requests(2)
            let waiting = try await eventually("the phone says so") {
                [try await account.client.get("/v1/phones").data.array[0]].first { $0["push_error"] != .null }
            }
            let reason = "Firebase refuses the credentials of this server. Firebase answered \(status): no"
            #expect(waiting["push_error"].string == reason)
            #expect(waiting["fcm_token"] == "token")
            #expect(try await account.message(id)["status"] == "scheduled")

            server.advance(by: .seconds(60))
            let message = try await Self.message(id, of: account, is: "failed")

            #expect(
                message["failure_reason"].string
                    == "cannot send notification to your phone [+18005550199]. \(reason)")
            #expect(try await server.emittedTypes() == ["message.send.failed"])
            let lines = server.log.lines.filter { $0.message == "pushes fail" }
            #expect(lines.map { $0.metadata["kind"] } == ["credentials"])
        }
    }

    @Test func credentialsThatAreSetRightAreLogged() async throws {
        try await Self.withPush { _, count in
            .status(count < 2 ? 403 : 200)
        } body: { server, account, phone, _ in
            let id = try await account.send()["id"].string

            _ = try await eventually("the recovery is logged") {
                server.log.lines.contains { $0.message == "pushes go through again" } ? true : nil
            }

            #expect(server.log.lines.filter { $0.message == "pushes fail" }.count == 1)
            #expect(try await account.client.get("/v1/phones").data.array[0]["push_error"] == .null)
            #expect(try await phone.fetch(id).status == 200)
        }
    }

    @Test func theMessagesPageShowsWhyItsPushIsTriedAgain() async throws {
        try await WebhookReceiver.run({ _, _ in .status(503) }) { firebase in
            try await withServer(["FCM_ENDPOINT": firebase.url("")]) { server in
                let (page, account, _) = try await server.signedInWithPhone()
                let id = try await account.send()["id"].string

                _ = try await eventually("the page says why") {
                    let text = try await page.get("/messages/message/\(id)").text
                    return text.contains("Push tried again") && text.contains("Firebase answered 503") ? true : nil
                }
            }
        }
    }

    @Test func withoutFirebaseThePagesSaySo() async throws {
        try await withServer { server in
            let (page, account, phone) = try await server.signedInWithPhone()
            let id = try await account.send()["id"].string
            _ = try await Self.message(id, of: account, is: "scheduled")

            for path in ["/messages/new", "/messages/message/\(id)", "/phones", "/phones/\(phone.id)"] {
                let text = try await page.get(path).text
                #expect(
                    text.contains("this server has no Firebase credentials")
                        || text.contains("This server has no Firebase"), "\(path)")
            }
        }
    }

    @Test func aPhoneWithoutATokenFailsItsMessages() async throws {
        try await Self.withPush { _, account, phone, firebase in
            _ = try await phone.client.put(
                "/v1/phones/fcm-token", ["phone_number": .string(Self.number), "fcm_token": "", "sim": "SIM1"])
            let id = try await account.send()["id"].string

            let message = try await Self.message(id, of: account, is: "failed")

            #expect(message["failure_reason"].string == "phone with id [\(phone.id)] has no FCM token")
            #expect(firebase.requests.isEmpty)
        }
    }

    /// Waits until so many pushes are stored as sent: a clock that is set ahead before would end their leases.
    private static func untilSent(_ count: Int, _ server: TestServer) async throws {
        try await until("\(count) pushes are stored as sent") {
            try await server.store.read { tx in
                try tx.rows("SELECT id FROM push WHERE state = 'sent'").count
            } == count
        }
    }

    @Test func aHeartbeatRepeatsThePushOfWhatWasNotFetched() async throws {
        try await Self.withPush { server, account, phone, firebase in
            let id = try await account.send()["id"].string
            _ = try await firebase.requests(1)
            try await Self.untilSent(1, server)
            #expect(try await phone.beat().status == 201)
            server.advance(by: .seconds(61))
            #expect(try await phone.beat().status == 201)

            let pushes = try await firebase.requests(2)

            #expect(pushes[1].json["message"]["data"]["KEY_MESSAGE_ID"].string == id)
            #expect(try await account.message(id)["send_attempt_count"] == 1)
        }
    }

    @Test func aSilentPhoneIsWokenOnce() async throws {
        try await Self.withPush { server, _, phone, firebase in
            #expect(try await phone.beat().status == 201)
            server.advance(by: .seconds(961))
            let push = try await firebase.requests(1)[0].json["message"]
            try await Self.untilSent(1, server)

            let key = push["data"]["KEY_HEARTBEAT_ID"].string
            #expect(Timestamp(rfc3339: key) != nil)
            #expect(push["android"]["priority"] == "high")
            server.advance(by: .seconds(961))
            #expect(try await phone.beat().status == 201)
            server.advance(by: .seconds(961))
            _ = try await firebase.requests(2)
            #expect(firebase.requests.count == 2)
        }
    }

    @Test func aPhoneThatLoggedInAfterItsHeartbeatIsWokenToo() async throws {
        try await Self.withPush { server, account, phone, firebase in
            func logIn(_ token: String) async throws {
                _ = try await account.client.put(
                    "/v1/phones", ["phone_number": .string(Self.number), "fcm_token": .string(token)])
            }
            try await logIn("")
            #expect(try await phone.beat().status == 201)
            try await logIn("token")
            server.advance(by: .seconds(961))

            let push = try await firebase.requests(1)[0].json["message"]
            #expect(push["token"] == "token")
            #expect(Timestamp(rfc3339: push["data"]["KEY_HEARTBEAT_ID"].string) != nil)
        }
    }

    @Test func aMessageFetchedAfterItsEndDoesNotStaySendingForEver() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let phone = try await account.makePhone()
            _ = try await account.client.put(
                "/v1/phones", ["phone_number": .string(Self.number), "max_send_attempts": 1])
            let id = try await account.send()["id"].string
            _ = try await Self.message(id, of: account, is: "scheduled")
            server.advance(by: .seconds(601))
            _ = try await Self.message(id, of: account, is: "expired")

            #expect(try await phone.fetch(id).data["status"] == "sending")
            server.advance(by: .seconds(601))

            _ = try await Self.message(id, of: account, is: "expired")
        }
    }

    /// Pushes that are silent until their deadline of 10 s hold an account's share of the places, and no other's.
    @Test func slowPushesOfOneAccountKeepNobodyElseWaiting() async throws {
        try await Self.withPush { request, _ in
            request.json["message"]["token"] == "slow" ? .silence : .status(200)
        } body: { server, account, phone, firebase in
            let slow = "slow"
            _ = try await phone.client.put(
                "/v1/phones/fcm-token",
                ["phone_number": .string(Self.number), "fcm_token": .string(slow), "sim": "SIM1"])
            _ = try await account.client.put(
                "/v1/phones", ["phone_number": .string(Self.number), "messages_per_minute": 0])
            for _ in 0..<40 { _ = try await account.send() }
            _ = try await firebase.requests(PushSender.placesOfAccount)

            let other = try await server.makeAccount()
            _ = try await other.makePhone("+18005550111")
            _ = try await other.send(["from": "+18005550111"])
            _ = try await eventually("the other account's push arrives") {
                firebase.requests.contains { $0.json["message"]["token"] != "slow" } ? true : nil
            }

            #expect(firebase.requests.count { $0.json["message"]["token"] == "slow" } == PushSender.placesOfAccount)
        }
    }

    /// Also within an account a place is given away as soon as it is free.
    @Test func onePushThatIsSlowDelaysNoOther() async throws {
        try await Self.withPush(
            { _, count in count < PushSender.placesOfAccount - 1 ? .silence : .status(200) }, deadline: .seconds(29)
        ) { _, account, _, firebase in
            _ = try await account.client.put(
                "/v1/phones", ["phone_number": .string(Self.number), "messages_per_minute": 0])
            for _ in 0..<50 { _ = try await account.send() }

            let pushes = try await firebase.requests(50)

            #expect(pushes[0].arrivedAt.duration(to: pushes[49].arrivedAt) < .seconds(28))
        }
    }
}
