import Foundation
import PhoneSimulator
import NIOHTTP1
import TestSupport
import Testing
import Timestamps

extension PhoneAppTests {
    /// What comes to the phone comes to the webhook, once, and nothing is refused that would be lost by that.
    @Suite struct DeviceInbound {
        @Test(.timeLimit(.minutes(15)))
        func withTwoSIMsAnSMSBelongsToItsCard() async throws {
            try await DeviceBench.run { bench in
                try await bench.paired(DeviceBench.two) {
                    $0.sims = [.init(1), .init(2)]
                } _: { phone in
                    let time = phone.clock.now()
                    let contact = DeviceBench.contact
                    phone.shell.happen(.arrived(.init("one", from: contact, sentAt: time, sim: 1)))
                    phone.shell.happen(.arrived(.init("two", from: contact, sentAt: time, sim: 2)))
                    phone.shell.happen(.arrived(.init("none", from: contact, sentAt: time, sim: nil)))
                    let hinted = SMSGateInbox.SMS(
                        "hint", from: contact, sentAt: time, sim: nil, recipient: DeviceBench.second)
                    phone.shell.happen(.arrived(hinted))

                    try await until("all came") { bench.receiver.count(of: "message.phone.received") == 4 }
                    let owners = Dictionary(
                        bench.receiver.arrivals.map {
                            ($0.event["data"]["content"].text ?? "", $0.event["data"]["owner"].text ?? "")
                        }
                    ) { first, _ in first }
                    #expect(owners["one"] == DeviceBench.number && owners["two"] == DeviceBench.second)
                    #expect(owners["none"] == DeviceBench.number && owners["hint"] == DeviceBench.second)
                    let id = try await bench.send(from: DeviceBench.second)
                    try await bench.wait(id, is: "delivered")
                    #expect(phone.radio.map(\.sim) == [2])
                }
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func anOldPhoneWithItsOwnKeyAndNoSIMNumberIsHeard() async throws {
            try await DeviceBench.run { bench in
                try await bench.paired {
                    $0.time = GsonTime(offset: -300, isOldAndroid: true)
                    $0.version = SMSGateVersion(1, 53, 1)
                } _: { phone in
                    let time = Timestamp(seconds: phone.clock.now().seconds - 60)
                    phone.shell.happen(.arrived(.init("old", from: "Bank", sentAt: time, sim: nil)))
                    phone.shell.happen(.arrived(.init("older", from: "Bank", sentAt: Timestamp(seconds: 0), sim: nil)))

                    try await until("both came") { bench.receiver.count(of: "message.phone.received") == 2 }
                    let first = bench.receiver.arrivals.first { $0.event["data"]["content"] == "old" }?.event["data"]
                    #expect(first?["timestamp"].text.flatMap { Timestamp(rfc3339: $0) } == time)
                    #expect(first?["contact"] == "Bank")
                }
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func theSameEventTwiceIsOneSMSAndAWrongSignatureIsNoReasonToRefuseIt() async throws {
            try await DeviceBench.run { bench in
                let (device, token) = try await bench.registered()
                let url = try await bench.mobile("GET", "/webhooks", token).body.elements.first?["url"].text ?? ""
                func post(_ id: String, device: JSONValue = device, event: String = "sms:received") async throws -> Int
                {
                    let payload: JSONValue = [
                        "message": "Hi", "receivedAt": "2026-11-25T11:04:05.000+01:00", "messageId": "9f3c21ab",
                        "phoneNumber": .text(DeviceBench.contact), "simNumber": 1,
                    ]
                    let body: JSONValue = [
                        "id": .text(id), "webhookId": "x", "event": .text(event), "deviceId": device,
                        "payload": payload,
                    ]
                    let headers = [
                        ("X-Timestamp", "1"), ("X-Signature", "00"), ("User-Agent", "me.capcom.smsgateway/1.68.0"),
                    ]
                    return try await Client.send(.POST, url, body, headers: headers).status
                }
                for _ in 0..<3 { #expect(try await post("Vb3kq0Lr7yT2mXn9sWd4e") == 200) }
                #expect(try await post("another", event: "sms:invented") == 200)
                #expect(try await post("third", device: "0199f0a2-6c1e-7b5a-9d3e-2f6a1c0b4d77") == 404)
                #expect(try await Client.send(.POST, url + "x", ["id": "a"]).status == 404)

                try await until("it came") { bench.receiver.count(of: "message.phone.received") == 1 }
                let all = try await bench.client.messages(with: DeviceBench.contact)
                #expect(all.count == 1)
                let row = try await bench.client.call(.GET, "/v1/devices").elements.first
                #expect(row?["signature_ok"] == false)
                #expect(bench.installation.server?.errors.contains(url.split(separator: "/").last ?? "-") == false)
            }
        }

        @Test(
            .timeLimit(.minutes(15)),
            arguments: [
                ("1.15.0", ["sms:received"]), ("1.46.0", ["sms:received", "system:ping"]),
                ("1.53.1", ["mms:received", "sms:received", "system:ping"]),
                ("1.65.1", ["mms:downloaded", "sms:received", "system:ping"]),
                ("1.68.0", ["app:started", "mms:downloaded", "sms:received", "system:ping"]),
                ("2.0.0", ["app:started", "mms:downloaded", "sms:received", "system:ping"]),
                ("odd", ["sms:received", "system:ping"]),
            ])
        func theListHasWhatTheVersionKnows(version: String, events: [String]) async throws {
            try await DeviceBench.run { bench in
                let token = try await bench.registered().token
                let list = try await bench.mobile("GET", "/webhooks", token, version: version).body.elements
                let again = try await bench.mobile("GET", "/webhooks", token, version: version).body.elements

                #expect(list.compactMap { $0["event"].text }.sorted() == events)
                #expect(list == again, "ids stay")
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func whatComesWhileTheServerIsAwayComesLater() async throws {
            try await DeviceBench.run { bench in
                try await bench.paired { phone in
                    try await bench.installation.stop()
                    for number in 0..<3 {
                        let sms = SMSGateInbox.SMS(
                            "SMS \(number)", from: DeviceBench.contact, sentAt: phone.clock.now())
                        phone.shell.happen(.arrived(sms))
                    }
                    try await until("it was tried") { phone.app.inbox.queue.contains { $0.failures > 0 } }
                    try await bench.installation.serve()

                    try await until("all came") {
                        phone.clock.advance(by: .seconds(1))
                        return bench.receiver.count(of: "message.phone.received") == 3
                    }
                    #expect(try await bench.client.messages(with: DeviceBench.contact).count == 3)
                }
            }
        }
    }
}
