import Delivery
import Foundation
import TestSupport
import Testing
import Wire

@testable import Gateway
@testable import PhoneSimulator

/// The simulated phone with the real server: what it does about pushes, and what it sends by itself.
@Suite(.onOneEngine, .timeLimit(.minutes(15))) struct SimulatedPhoneTests {
    @Test func aPushedMessageIsFetchedSentAndDelivered() async throws {
        try await PhoneFixture.run { fixture in
            let message = try await fixture.send(["content": "Grüße"], until: "delivered")

            let id = message["id"].string
            #expect(message["sim"] == "SIM2")
            try await until("the last line") { fixture.lines.has("DELIVERED", "message \(id)") }
            #expect(fixture.lines.has("push", "message \(id)"))
            #expect(fixture.lines.has("fetched", "message \(id) to +18*******00, 5 characters"))
            #expect(fixture.lines.has("SENT", "message \(id)"))
            #expect(!fixture.lines.has("+18005550"), "numbers are masked")
        }
    }

    @Test func aMessageFailsWithTheReasonThatFateNames() async throws {
        try await PhoneFixture.run(fate: { _ in .failed(reason: "NO_SERVICE") }) { fixture in
            let message = try await fixture.send(until: "failed")

            #expect(message["failure_reason"] == "NO_SERVICE")
        }
    }

    @Test func anEncryptedMessageFailsAsInAnAppWithoutAKey() async throws {
        try await PhoneFixture.run { fixture in
            let message = try await fixture.send(["encrypted": true], until: "failed")

            #expect(
                message["failure_reason"] == "Outgoing message is encrypted but mobile app has no encryption key")
        }
    }

    @Test func anAttachmentIsDownloadedAndAnMMSHasNoDeliveryReport() async throws {
        try await WebhookReceiver.run({ request, _ in
            request.path == "/large" ? .status(200, body: .init(repeating: 1, count: 1_572_865)) : .status(200)
        }) { files in
            let (small, large) = (files.url("/small"), files.url("/large"))
            try await PhoneFixture.run { fixture in
                let sent = try await fixture.send(["attachments": [.string(small)]], until: "sent")
                let failed = try await fixture.send(["attachments": [.string(large)]], until: "failed")

                #expect(
                    failed["failure_reason"] == "Failed to download attachment or file size exceeded 1.5MB.")
                #expect(try await fixture.account.message(sent["id"].string)["status"] == "sent")
                #expect(!fixture.lines.has("DELIVERED"))
            }
            #expect(files.requests(to: "/small").count == 1)
        }
    }

    @Test func whatComesInIsPassedOn() async throws {
        try await PhoneFixture.run { fixture in
            await fixture.phone.receive("Hi \"there\"\n", from: "+18005550100")
            await fixture.phone.missCall(from: "+18005550100")

            let path = "/v1/messages?owner=%2B18005550199&contact=%2B18005550100"
            let messages = try await fixture.account.client.get(path).data.array
            #expect(Set(messages.map { $0["type"].string }) == ["mobile-originated", "call/missed"])
            #expect(messages.contains { $0["content"] == "Hi \"there\"\n" && $0["sim"] == "SIM2" })
            #expect(fixture.lines.has("received SMS", "from +18*******00"))
            #expect(fixture.lines.has("missed call", "from +18*******00"))
        }
    }

    @Test func aPushForAHeartbeatIsAnsweredWithOne() async throws {
        try await PhoneFixture.run { fixture in
            await fixture.phone.beat()
            fixture.server.advance(by: .seconds(17 * 60))

            try await until("the push") { fixture.lines.has("push", "asks for a heartbeat") }
            let beats = try await eventually("the second heartbeat") {
                let path = "/v1/heartbeats?owner=%2B18005550199&limit=10"
                let beats = try await fixture.account.client.get(path).data.array
                return beats.count == 2 ? beats : nil
            }
            #expect(beats[0]["version"].string == "simulator-\(ServerVersion.current)")
            #expect(beats[0]["charging"] == true)
        }
    }

    @Test func offlineItTakesPushesAndLeavesThem() async throws {
        try await PhoneFixture.run { fixture in
            fixture.phone.goOffline()
            let id = try await fixture.account.send()["id"].string
            try await until("the push") { fixture.lines.has("push", "message \(id)") }
            await fixture.phone.beat()
            await fixture.phone.receive("Hi", from: "+18005550100")

            #expect(try await fixture.account.message(id)["status"] == "scheduled")
            #expect(fixture.lines.all.last.map { $0.contains("push") } == true, "\(fixture.lines.all)")
        }
    }

    @Test func aPushForAnotherTokenIsRefusedAsFirebaseDoes() async throws {
        try await PhoneFixture.run { fixture in
            let update: JSON = ["phone_number": .string(PhoneFixture.number), "fcm_token": "of another installation"]
            #expect(try await fixture.account.client.put("/v1/phones", update).status == 200)

            let message = try await fixture.send(until: "failed")

            #expect(message["failure_reason"].string.contains("cannot send notification to your phone"))
            let phone = try await fixture.account.client.get("/v1/phones").data[0]
            #expect(phone["fcm_token"] == .null)
            #expect(!fixture.lines.has("push"))
        }
    }
}
