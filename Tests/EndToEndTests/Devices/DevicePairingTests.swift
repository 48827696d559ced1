import Foundation
import PhoneSimulator
import NIOHTTP1
import TestSupport
import Testing

extension PhoneAppTests {
    /// How phones with the SMSGate app come and go.
    @Suite struct DevicePairing {
        @Test(.timeLimit(.minutes(15)))
        func byCodeAPhoneSendsAndReceives() async throws {
            try await DeviceBench.run { bench in
                try await bench.paired { phone in
                    let id = try await bench.send("It is on its way")
                    try await bench.wait(id, is: "delivered")
                    #expect(phone.radio.map(\.text) == ["It is on its way"])
                    phone.shell.happen(
                        .arrived(.init("Thanks <3", from: DeviceBench.contact, sentAt: phone.clock.now())))

                    try await until("the SMS came") { bench.receiver.count(of: "message.phone.received") == 1 }
                    try await until("both events came") {
                        Set(bench.events(of: id)) == ["message.phone.sent", "message.phone.delivered"]
                    }
                    let event = bench.receiver.arrivals.first { $0.type == "message.phone.received" }?.event
                    #expect(
                        event?["data"]["content"] == "Thanks <3" && event?["data"]["owner"] == .text(DeviceBench.number)
                    )
                    let device = try await bench.client.call(.GET, "/v1/devices").elements.first
                    #expect(device?["app_version"] == "1.68.0" && device?["signature_ok"] == true)
                }
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func aUsedOrWrongCodeIsAnsweredWithASentence() async throws {
            try await DeviceBench.run { bench in
                let pairing = try await bench.pairing()
                let code = pairing["code"].text ?? ""
                #expect(!code.isEmpty && code.allSatisfy(\.isNumber))
                #expect(try await bench.mobile("POST", "/device", "Code \(code)", ["name": "a"]).status == 201)
                for wrong in ["Code \(code)", "Code 00000000", "Code", "Basic YTpi", nil] {
                    let answer = try await bench.mobile("POST", "/device", wrong, ["name": "a"])
                    #expect(answer.status == 401, "\(wrong ?? "none")")
                    #expect((answer.body["message"].text ?? "").hasSuffix("."), "\(answer.body)")
                }
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func guessesAreLimitedAndThenEvenARightCodeIsNotTaken() async throws {
            try await DeviceBench.run { bench in
                for number in 0..<10 {
                    _ = try await bench.mobile("POST", "/device", "Code 0000000\(number)", ["name": "a"])
                }
                let pairing = try await bench.pairing()

                #expect(
                    try await bench.mobile("POST", "/device", "Code \(pairing["code"].text ?? "")", ["name": "a"])
                        .status == 429)
                let token = "Bearer \(pairing["private_token"].text ?? "")"
                #expect(try await bench.mobile("POST", "/device", token, ["name": "a"]).status == 201)
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func thePrivateTokenGivesTheSameDeviceAgainAfterItsTokenIsLost() async throws {
            try await DeviceBench.run { bench in
                let pairing = try await bench.pairing()
                try await bench.phone(pairing) { phone in
                    phone.privateToken = pairing["private_token"].text
                } _: { phone in
                    phone.shell.happen(.start)
                    try await phone.waitUntilReady()
                    let first = phone.app.registration
                    try await bench.wait(try await bench.send(), is: "delivered")

                    // Another phone, or this one after its data was cleared, registers with the same token.
                    let token = "Bearer \(pairing["private_token"].text ?? "")"
                    let again = try await bench.mobile("POST", "/device", token, ["name": "b"])
                    #expect(again.status == 201 && again.body["id"].text == first?.id)
                    phone.shell.happen(.registerAgain)
                    try await until("it has a new token") { phone.app.registration != first }
                    #expect(phone.app.registration?.id == first?.id)
                    try await bench.wait(try await bench.send(), is: "delivered")
                    #expect(phone.app.liveStreams == 2, "the stream keeps the old token, and one more was opened")
                }
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func twoStreamsOfOneDeviceLiveSideBySide() async throws {
            try await DeviceBench.run { bench in
                try await bench.paired { phone in
                    phone.shell.happen(.registerAgain)
                    try await until("both are open") {
                        phone.notes.count { if case .streamOpened = $0 { true } else { false } } == 2
                    }
                    for _ in 0..<5 { try await bench.wait(try await bench.send(), is: "delivered") }

                    #expect(phone.app.liveStreams == 2)
                    #expect(phone.radio.count == 5)
                    #expect(phone.app.streamNumbers == [1, 2], "none was ended")
                }
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func aDeletedDeviceIsShutOutAndWhatItHeldFailsWithAReason() async throws {
            try await DeviceBench.run { bench in
                try await bench.paired { phone in
                    let device = phone.app.registration?.id ?? ""
                    phone.shell.happen(.kill)
                    let open = try await bench.send()
                    #expect(try await bench.client.send(.DELETE, "/v1/devices/\(device)").status == 204)

                    try await bench.wait(open, is: "failed")
                    let reason = try await bench.client.call(.GET, "/v1/messages/\(open)")["failure_reason"].text
                    #expect(reason?.isEmpty == false)
                    #expect(try await bench.client.send(.DELETE, "/v1/devices/\(device)").status == 404)
                    phone.shell.happen(.start)
                    try await until("it is refused") {
                        phone.notes.contains { if case .registrationFailed = $0 { true } else { false } }
                    }
                    #expect(phone.radio.isEmpty)
                }
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func aPhoneWithFirebaseAndOneWithTheStreamServeOneAccount() async throws {
            let port = try freePort()
            try await DeviceBench.run(["FCM_ENDPOINT": "http://127.0.0.1:\(port)"]) { bench in
                let key = try await bench.client.call(.POST, "/v1/phone-api-keys", ["name": "phone"])["api_key"].text
                let firebase = try bench.installation.start([
                    "phone", "simulate", "--url", bench.installation.baseURL, "--api-key", key ?? "", "--number",
                    DeviceBench.second, "--latency", "10ms", "--listen", "127.0.0.1:\(port)",
                ])
                try await until("the phone is registered") {
                    if let end = firebase.end { throw TestFailure("it ended with \(end): \(firebase.errors)") }
                    return firebase.output.contains("registered")
                }
                try await bench.paired { phone in
                    let ids = [try await bench.send(), try await bench.send(from: DeviceBench.second)]
                    for id in ids { try await bench.wait(id, is: "delivered") }

                    #expect(phone.radio.map(\.id) == [ids[0]])
                    #expect(firebase.output.contains("message \(ids[1])"))
                }
            }
        }
    }
}
