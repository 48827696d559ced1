import Foundation
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Gateway
@testable import PhoneSimulator

/// What a device is given to send, and what its reports do.
@Suite(.timeLimit(.minutes(15))) struct DeviceMessageTests {
    private static func withDevice(
        _ settings: [String: String] = [:], on engine: Engine = .usual,
        _ body: @escaping @Sendable (TestServer, Account, DevicePhone) async throws -> Void
    ) async throws {
        try await withServer(settings, on: engine) { server in
            let account = try await server.makeAccount()
            let device = try await DevicePhone.make(server, account)
            // Sent one after the other at once.
            _ = try await account.client.put(
                "/v1/phones", ["phone_number": .string(DevicePhone.number), "messages_per_minute": 0])
            try await body(server, account, device)
        }
    }

    private static func scheduled(_ server: TestServer, _ account: Account, _ more: JSON = [:]) async throws -> String {
        let id = try await account.send(more)["id"].string
        _ = try await server.message(id, of: account, is: "scheduled")
        return id
    }

    private static func time(_ offset: Duration = .zero, of server: TestServer) -> JSON {
        .string((server.clock.now() + offset).rfc3339)
    }

    @Test(arguments: Engine.enabled) func aMessageIsGivenReportedAndTold(engine: Engine) async throws {
        try await Self.withDevice(on: engine) { server, account, device in
            let text = "It's \u{1F600} <on> its way"
            let id = try await Self.scheduled(server, account, ["content": .string(text)])

            let message = try #require(try await device.pull().first)
            let names = [
                "createdAt", "id", "isEncrypted", "message", "phoneNumbers", "priority", "state", "textMessage",
                "validUntil", "withDeliveryReport",
            ]
            #expect(message.object.keys.sorted() == names)
            #expect(message["id"].string == id && message["message"].string == text)
            #expect(message["textMessage"] == ["text": .string(text)])
            #expect(message["phoneNumbers"] == ["+18005550100"] && message["state"] == "Pending")
            for name in ["validUntil", "createdAt"] {
                #expect(message[name].string.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil)
            }
            #expect(try await account.message(id)["status"] == "sending")
            let (sent, delivered) = (Self.time(of: server), Self.time(.seconds(2), of: server))
            #expect(try await device.report(id, "Processed", ["Processed": sent]).status == 204)
            #expect(try await account.message(id)["status"] == "sending")
            // Reports are put together: that of Sent is never made.
            let times = ["Sent": sent, "Delivered": delivered]
            #expect(try await device.report(id, "Delivered", times).status == 204)
            #expect(try await device.report(id, "Sent", times).status == 204)
            #expect(try await device.report(id, "Delivered", times).status == 204)

            #expect(try await account.message(id)["status"] == "delivered")
            #expect(try await account.message(id)["sent_at"] == sent)
            let types = try await server.emittedTypes()
            #expect(types.filter { $0.hasPrefix("message.") } == ["message.phone.sent", "message.phone.delivered"])
        }
    }

    @Test func whatIsBeingSentIsOfferedUntilItIsReported() async throws {
        try await Self.withDevice { server, account, device in
            let ids = [try await Self.scheduled(server, account), try await Self.scheduled(server, account)]

            // Each answer may be cut off.
            for _ in 0..<3 { #expect(try await device.pull().map { $0["id"].string } == ids) }
            #expect(try await device.pull("?order=lifo").map { $0["id"].string } == ids.reversed())
            try await device.report(ids[0], "Pending")
            #expect(try await device.pull().count == 2)
            try await device.report(ids[0], "Sent", ["Sent": Self.time(of: server)])
            #expect(try await device.pull("").map { $0["id"].string } == [ids[1]])
            // Another attempt is the same message to the app.
            server.advance(by: .seconds(601))
            try await until("the second attempt runs") {
                try await account.message(ids[1])["send_attempt_count"] == 2
            }
            #expect(try await device.pull().map { $0["id"].string } == [ids[1]])
        }
    }

    @Test func noMoreThan100AreGivenAtOnce() async throws {
        try await Self.withDevice { server, account, device in
            let recipients = (0..<130).map { JSON.string("+1800555\(1_000 + $0)") }
            let answer = try await account.client.post(
                "/v1/messages/bulk-send",
                ["from": .string(DevicePhone.number), "to": .array(recipients), "content": "Hi"])
            #expect(answer.status == 200)
            try await until("all are handed out") {
                let count: Int? = try await server.store.read { tx in
                    try tx.value("SELECT COUNT(*) AS value FROM message WHERE status = 'scheduled'")
                }
                return count == 130
            }

            let first = try await device.pull()
            let second = try await device.pull()

            #expect(first.count == 100)
            #expect(Set((first + second).map { $0["id"].string }).count == 130)
        }
    }

    @Test func theEndIsTheLastAttemptsByThePhonesClock() async throws {
        try await Self.withDevice { server, account, device in
            _ = try await Self.scheduled(server, account)
            func validUntil() async throws -> Duration {
                let text = try await device.pull().first?["validUntil"].string
                return try #require(Timestamp(rfc3339: text ?? "")) - server.clock.now()
            }
            // A clock that is not known may be hours ahead.
            #expect(try await validUntil() > .seconds(23 * 3_600))

            let hook = try await device.hookPath()
            let ahead = (server.clock.now() + .seconds(22 * 60)).seconds
            _ = try await device.post("system:ping", [:], id: "1", to: hook, headers: [("X-Timestamp", "\(ahead)")])

            // Two attempts of 600 s and a minute.
            let end = try await validUntil() - .seconds(22 * 60)
            #expect(end > .seconds(1_250) && end <= .seconds(1_262))
            let error = try await account.client.get("/v1/devices").data[0]["clock_error"]
            #expect((-1_322...(-1_318)).map(JSON.int).contains(error))
        }
    }

    @Test func aClockIsLearnedFromAFirstReport() async throws {
        try await Self.withDevice { server, account, device in
            let id = try await Self.scheduled(server, account)
            _ = try await device.pull()

            try await device.report(id, "Processed", ["Processed": Self.time(.seconds(-1_200), of: server)])

            let text = try #require(try await device.pull().first?["validUntil"].string)
            let end = try #require(Timestamp(rfc3339: text)) - server.clock.now()
            #expect(end < .seconds(120))
        }
    }

    @Test func aReportThatComesLateSaysNothingOfTheClock() async throws {
        try await Self.withDevice { server, account, device in
            let id = try await Self.scheduled(server, account)
            _ = try await device.pull()
            let sentAt = Self.time(of: server)
            server.advance(by: .seconds(300))

            try await device.report(id, "Sent", ["Sent": sentAt])

            #expect(try await account.client.get("/v1/devices").data[0]["clock_error"] == .null)
            #expect(try await account.message(id)["status"] == "sent")
        }
    }

    @Test func aDeviceThatWasSilentIsAskedUntilItReports() async throws {
        try await Self.withDevice { server, account, device in
            let id = try await Self.scheduled(server, account)
            _ = try await device.pull()
            for _ in 0..<2 {
                server.advance(by: .seconds(3_700))
                try await until("no attempt runs") { try await account.message(id)["status"] != "sending" }
            }
            try await until("the message is expired") {
                server.advance(by: .seconds(700))
                let message = try await account.message(id)
                return message["status"] == "expired" && message["send_attempt_count"] == 2
            }

            let question = try #require(try await device.pull().first)
            #expect(question["id"].string == id)
            #expect(try #require(Timestamp(rfc3339: question["validUntil"].string)) < server.clock.now())
            // Its answer was cut off; not asked again within a minute.
            #expect(try await device.pull().isEmpty)
            server.advance(by: .seconds(61))
            #expect(try await device.pull().count == 1)
            // It had sent it in the silence.
            try await device.report(id, "Delivered", ["Sent": Self.time(.seconds(-9_000), of: server)])
            server.advance(by: .seconds(61))
            #expect(try await device.pull().isEmpty)
            #expect(try await account.message(id)["status"] == "delivered")
        }
    }

    @Test func aDeviceIsAskedTenTimesAtMost() async throws {
        try await Self.withDevice { server, account, device in
            let id = try await Self.scheduled(server, account)
            _ = try await device.pull()
            try await device.report(id, "Sent", ["Sent": Self.time(of: server)])
            server.advance(by: .seconds(3_700))

            var questions = 0
            for _ in 0..<12 {
                questions += try await device.pull().count
                server.advance(by: .seconds(61))
            }

            #expect(questions == 10)
            // What the phone forgot meanwhile was sent all the same.
            try await device.report(id, "Failed", error: "TTL expired")
            #expect(try await account.message(id)["status"] == "sent")
        }
    }

    @Test func tooLateOnThePhoneIsNoSecondVerdict() async throws {
        try await Self.withDevice { server, account, device in
            let (late, failed) = (try await Self.scheduled(server, account), try await Self.scheduled(server, account))
            _ = try await device.pull()
            try await device.report(failed, "Failed", error: "TTL expired")
            #expect(try await account.message(failed)["failure_reason"] == "The phone did not send it in time")
            for _ in 0..<2 {
                try await until("an attempt is over") {
                    server.advance(by: .seconds(601))
                    return try await account.message(late)["status"] == "expired"
                }
            }
            try await until("the last attempt is over") {
                server.advance(by: .seconds(601))
                let message = try await account.message(late)
                return message["status"] == "expired" && message["send_attempt_count"] == 2
            }

            try await device.report(late, "Failed", error: "TTL expired")

            #expect(try await account.message(late)["status"] == "expired")
        }
    }

    @Test func foreignMessagesAndNonsenseChangeNothing() async throws {
        try await Self.withDevice { server, account, device in
            let stranger = try await server.makeAccount()
            let other = try await DevicePhone.make(server, stranger)
            let id = try await Self.scheduled(server, account)
            let sent = ["Sent": Self.time(of: server)]

            #expect(try await other.report(id, "Sent", sent).status == 204)
            for name in ["x", "", "\(MessageID(at: .first))"] {
                #expect(try await device.report(name, "Sent", sent).status == 204)
            }
            #expect(try await device.report(id, "Lost", sent).status == 204)
            for body in [[], [1, nil, []], ["id": "x"], [["id": 1, "state": 2, "states": 3, "recipients": 4]]] as [JSON]
            {
                #expect(try await device.send("PATCH", "/message", body).status == 204, "\(body)")
            }
            let broken = try await server.client.send(
                "PATCH", "/mobile/v1/messages", headers: [("Authorization", "Bearer \(device.token)")],
                body: Array("[{".utf8))
            #expect(broken.status == 400 && broken.json.object.keys.sorted() == ["message"])
            #expect(try await other.pull().isEmpty)

            #expect(try await account.message(id)["status"] == "scheduled")
        }
    }

    @Test func manyReportsAtOnceAreApplied() async throws {
        try await Self.withDevice { server, account, device in
            let id = try await Self.scheduled(server, account)
            _ = try await device.pull()
            let report: JSON = ["id": .string(id), "state": "Sent"]

            #expect(
                try await device.send("PATCH", "/message", .array(Array(repeating: report, count: 2_000))).status == 204
            )
            let tooMany = JSON.array(Array(repeating: report, count: 10_000))
            #expect(try await device.send("PATCH", "/message", tooMany).status == 400)

            #expect(try await account.message(id)["status"] == "sent")
            #expect(try await server.emittedTypes().count { $0 == "message.phone.sent" } == 1)
        }
    }

    @Test(
        arguments: [
            "2026-11-25T05:00:00.000+-5:00", "+-3:-30", "0000-00-00T00:00:00Z", "9999-12-31T23:59:59.999+00:00", "",
            "1970-01-01T00:00:00.000+0000",
        ])
    func aTimeThatCannotBeRightIsNoReasonToRefuse(time: String) async throws {
        try await Self.withDevice { server, account, device in
            let id = try await Self.scheduled(server, account)
            _ = try await device.pull()

            #expect(try await device.report(id, "Sent", ["Sent": .string(time)]).status == 204)

            #expect(try await account.message(id)["status"] == "sent")
        }
    }

    @Test func aSIMCardIsNamedWhereThereAreTwo() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let device = try await DevicePhone.make(
                server, account, numbers: [["sim": "SIM2", "phone_number": "+18005550199"]])
            _ = try await Self.scheduled(server, account)

            #expect(try await device.pull().first?["simNumber"] == 2)
        }
    }

    @Test func aDeletedMessageIsNotOffered() async throws {
        try await Self.withDevice { server, account, device in
            let id = try await Self.scheduled(server, account)
            _ = try await device.pull()

            #expect(try await account.client.delete("/v1/messages/\(id)").status == 204)

            #expect(try await device.pull().isEmpty)
            #expect(try await device.report(id, "Cancelled").status == 204)
        }
    }

    @Test func whatTheAppCannotSendIsRefusedAtOnce() async throws {
        try await Self.withDevice { server, account, device in
            let draft: JSON = ["from": .string(DevicePhone.number), "to": "+18005550100", "content": "Hi"]
            for more in [["encrypted": true], ["attachments": ["https://example.com/a.png"]]] as [JSON] {
                let answer = try await account.client.post("/v1/messages/send", draft.with(more.object))
                #expect(answer.status == 422 && answer.data.object.count == 1, "\(answer)")
            }
            // Another app had the number when this was accepted.
            let phone = try await account.makePhone("+18005550177")
            let later = try await account.send(
                ["from": "+18005550177", "encrypted": true, "send_at": Self.time(.seconds(3_600), of: server)])
            _ = try await DevicePhone.make(
                server, account, numbers: [["sim": "SIM1", "phone_number": .string(phone.number)]])
            server.advance(by: .seconds(3_601))
            let message = try await server.message(later["id"].string, of: account, is: "failed")
            #expect(message["failure_reason"].string.contains("SMSGate"))
        }
    }

    @Test func aMessageThatNothingCanTellItsPhoneOfFailsAtOnce() async throws {
        try await Self.withDevice { server, account, device in
            _ = try await account.client.delete("/v1/devices/\(device.id)")

            let id = try await account.send()["id"].string

            let message = try await server.message(id, of: account, is: "failed")
            #expect(message["failure_reason"].string.contains("no app is connected"))
            #expect(try await server.emittedTypes() == ["message.send.failed"])
        }
    }

    @Test func aDeletedConversationIsTakenBack() async throws {
        try await Self.withDevice { server, account, device in
            _ = try await Self.scheduled(server, account)
            _ = try await device.pull()
            let threads = try await account.client.get("/v1/message-threads?owner=%2B18005550199").data
            _ = try await account.client.delete("/v1/message-threads/\(threads[0]["id"].string)")

            let count: Int? = try await server.store.read { tx in
                try tx.value("SELECT COUNT(*) AS value FROM device_offer WHERE state = 'cancelled'")
            }
            #expect(count == 1)
        }
    }

    @Test func withFirebaseBesideItADeviceIsStillNoneOfItsPhones() async throws {
        try await WebhookReceiver.run({ _, _ in .status(200, body: Array(#"{"name":"x"}"#.utf8)) }) { firebase in
            try await Self.withDevice(["FCM_ENDPOINT": firebase.url("")]) { server, account, device in
                _ = try await account.makePhone("+18005550177")
                let id = try await Self.scheduled(server, account)
                let pushed = try await account.send(["from": "+18005550177"])["id"].string

                let push = try await firebase.requests(1)[0]
                #expect(push.json["message"]["data"]["KEY_MESSAGE_ID"].string == pushed)
                #expect(try await device.pull().map { $0["id"].string } == [id])
                #expect(firebase.requests.count == 1)
            }
        }
    }
}
