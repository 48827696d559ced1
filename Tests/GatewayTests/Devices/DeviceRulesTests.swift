import Foundation
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Gateway

/// What holds for every phone holds for one with the SMSGate app: its pace, its hours, planned times, attempts, and what webhooks
/// are told.
@Suite(.timeLimit(.minutes(15))) struct DeviceRulesTests {
    private static func withDevice(
        _ settings: JSON, _ body: @escaping @Sendable (TestServer, Account, DevicePhone) async throws -> Void
    ) async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let device = try await DevicePhone.make(server, account)
            let phone = JSON.object(["phone_number": .string(DevicePhone.number)]).with(settings.object)
            #expect(try await account.client.put("/v1/phones", phone).status == 200)
            try await body(server, account, device)
        }
    }

    @Test func whatWaitsForItsTurnIsNotOffered() async throws {
        try await Self.withDevice(["messages_per_minute": 1]) { server, account, device in
            let first = try await account.send()["id"].string
            let second = try await account.send()["id"].string
            _ = try await server.message(first, of: account, is: "scheduled")

            #expect(try await device.pull().map { $0["id"].string } == [first])
            #expect(try await device.pull().map { $0["id"].string } == [first])
            #expect(try await account.message(second)["status"] == "pending")
            server.advance(by: .seconds(61))
            _ = try await server.message(second, of: account, is: "scheduled")
            #expect(try await device.pull().map { $0["id"].string } == [first, second])
        }
    }

    @Test func whatIsPlannedIsOfferedAtItsTimeAndWhatIsCancelledBeforeNever() async throws {
        try await Self.withDevice(["messages_per_minute": 0]) { server, account, device in
            let later = JSON.string((server.clock.now() + .seconds(3_600)).rfc3339)
            let planned = try await account.send(["send_at": later])["id"].string
            let cancelled = try await account.send(["send_at": later])["id"].string
            #expect(try await device.pull().isEmpty)
            #expect(try await account.client.delete("/v1/messages/\(cancelled)").status == 204)

            server.advance(by: .seconds(3_601))
            _ = try await server.message(planned, of: account, is: "scheduled")

            #expect(try await device.pull().map { $0["id"].string } == [planned])
        }
    }

    @Test func outsideOfItsHoursNothingIsOffered() async throws {
        try await withServer { server in
            let account = try await server.makeAccount()
            let device = try await DevicePhone.make(server, account)
            // The day after tomorrow, in UTC; 1970 began on a Thursday, and weeks begin on Sunday.
            let day = (server.clock.now().seconds / 86_400 + 4 + 2) % 7
            let schedule = try await account.client.post(
                "/v1/send-schedules",
                [
                    "name": "Hours", "timezone": "UTC",
                    "windows": [["day_of_week": .int(Int(day)), "start_minute": 0, "end_minute": 1_440]],
                ])
            #expect(schedule.status == 201, "\(schedule)")
            _ = try await account.client.put(
                "/v1/phones",
                [
                    "phone_number": .string(DevicePhone.number), "messages_per_minute": 0,
                    "message_send_schedule_id": schedule.data["id"],
                ])

            let id = try await account.send()["id"].string
            #expect(try await device.pull().isEmpty)
            server.advance(by: .seconds(2 * 86_400))
            _ = try await server.message(id, of: account, is: "scheduled")

            #expect(try await device.pull().map { $0["id"].string } == [id])
        }
    }

    @Test func whatIsNeverFetchedExpiresAfterItsAttemptsAndIsOfferedNoMore() async throws {
        try await Self.withDevice(["messages_per_minute": 0, "max_send_attempts": 2]) { server, account, device in
            let id = try await account.send()["id"].string
            _ = try await server.message(id, of: account, is: "scheduled")
            try await until("both attempts are over") {
                server.advance(by: .seconds(601))
                let message = try await account.message(id)
                return message["status"] == "expired" && message["send_attempt_count"] == 2
            }

            #expect(try await device.pull().isEmpty)
            #expect(
                try await server.emittedTypes().filter { $0.hasPrefix("message.") }
                    == ["message.send.expired", "message.send.expired"])
        }
    }

    /// The same happens to two phones, with either app.
    @Test func webhooksAreToldTheSameOfBothApps() async throws {
        try await Self.withDevice(["messages_per_minute": 0]) { server, account, device in
            let phone = try await account.makePhone("+18005550177")
            _ = try await account.client.put("/v1/phones", ["phone_number": "+18005550177", "messages_per_minute": 0])
            let time = JSON.string(server.clock.now().rfc3339)

            let hook = try await device.hookPath()
            let sms: JSON = ["message": "Hello", "sender": "+18005550100", "simNumber": 1, "receivedAt": time]
            #expect(try await device.post("sms:received", sms, id: "1", to: hook).status == 200)
            let received = try await phone.receive(
                ["from": "+18005550100", "content": "Hello", "sim": "SIM1", "timestamp": time])
            #expect(received.status == 200)
            for isDelivered in [true, false] {
                let own = try await account.send()["id"].string
                _ = try await server.message(own, of: account, is: "scheduled")
                _ = try await device.pull()
                if isDelivered {
                    try await device.report(own, "Delivered", ["Sent": time, "Delivered": time])
                } else {
                    try await device.report(own, "Failed", ["Failed": time], error: "RESULT_ERROR_NO_SERVICE")
                }
                let other = try await account.send(["from": "+18005550177"])["id"].string
                _ = try await server.message(other, of: account, is: "scheduled")
                #expect(try await phone.fetch(other).status == 200)
                let reports = isDelivered ? ["SENT", "DELIVERED"] : ["FAILED"]
                for report in reports {
                    let more: JSON = ["timestamp": time, "reason": isDelivered ? .null : "RESULT_ERROR_NO_SERVICE"]
                    #expect(try await phone.report(report, other, more).status == 200)
                }
            }

            let bodies = try await server.store.read { tx in
                try tx.rows("SELECT body FROM event_body JOIN event ON id = event_id ORDER BY type, id").map { row in
                    String(decoding: try row.get("body", as: [UInt8].self), as: UTF8.self)
                }
            }
            let ofDevice = bodies.filter { $0.contains(DevicePhone.number) }.map(Self.plain)
            let ofApp = bodies.filter { $0.contains("+18005550177") }.map(Self.plain)
            #expect(ofDevice.count == 4 && ofDevice == ofApp)
        }
    }

    /// An event without what is another's each time: ids, times, the number, and which route it came by.
    private static func plain(_ body: String) -> String {
        body.replacing(#/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}/#, with: "ID")
            .replacing(#/\d{4}-\d\d-\d\dT[\d:.]+Z/#, with: "TIME")
            .replacing(#/\+18005550(199|177)/#, with: "OWNER")
            .replacing(#/"source":"[^"]*"/#, with: "SOURCE")
    }
}
