import NIOHTTP1
import PhoneSimulator
import TestSupport
import Testing

extension PhoneAppTests {
    /// What has an end: codes, private tokens that nobody used, and messages whose phone is away.
    @Suite struct DeviceExpiry {
        /// Lets time pass for the server, which is killed for that, and for the phone.
        private static func pass(_ duration: Duration, _ bench: DeviceBench, _ phone: AppPhone) async throws {
            try await bench.installation.stop(.sigkill)
            phone.clock.advance(by: duration)
            bench.installation.setClocks(ahead: duration)
            try await bench.installation.serve()
        }

        /// How often the phone asked for messages and had an answer.
        private static func pulls(_ phone: AppPhone) -> Int {
            phone.notes.count { if case .pulled = $0 { true } else { false } }
        }

        /// A phone whose messages have one attempt of a minute.
        private static func setUp(_ bench: DeviceBench) async throws {
            try await bench.client.call(
                .PUT, "/v1/phones",
                [
                    "phone_number": .text(DeviceBench.number), "messages_per_minute": 0, "max_send_attempts": 1,
                    "message_expiration_seconds": 60,
                ])
        }

        @Test(.timeLimit(.minutes(15)))
        func aCodeThatHasExpiredIsRefusedInWordsAndAnotherOneConnects() async throws {
            try await DeviceBench.run { bench in
                let late = try await bench.pairing()
                try await bench.phone(late) { phone in
                    let page = bench.installation.baseURL + "/connect?token=\(late["private_token"].text ?? "")"
                    #expect(try await Client.send(.GET, page).status == 200)
                    try await Self.pass(.seconds(15 * 60 + 1), bench, phone)

                    phone.shell.happen(.enterCode(late["code"].text ?? ""))
                    try await until("the app shows why; it said \(phone.notes)") {
                        phone.notes.contains { note in
                            guard case .registrationFailed(let words) = note else { return false }
                            return words?.contains("This code is wrong or has expired. Get a new one") == true
                        }
                    }
                    let token = "Bearer \(late["private_token"].text ?? "")"
                    #expect(try await bench.mobile("POST", "/device", token, ["name": "a"]).status == 401)
                    #expect(try await Client.send(.GET, page).status == 404)
                    #expect(try await bench.client.call(.GET, "/v1/devices").elements.isEmpty)

                    phone.shell.happen(.enterCode(try await bench.pairing()["code"].text ?? ""))
                    try await phone.waitUntilReady()
                    try await bench.wait(try await bench.send(), is: "delivered")
                }
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func whatExpiresWhileThePhoneIsAwayIsNotSentWhenItAsks() async throws {
            try await DeviceBench.run { bench in
                try await Self.setUp(bench)
                try await bench.paired { phone in
                    phone.shell.happen(.kill)
                    let late = try await bench.send("late")
                    try await bench.wait(late, is: "scheduled")
                    try await Self.pass(.seconds(600), bench, phone)
                    try await bench.wait(late, is: "expired")

                    let pulls = Self.pulls(phone)
                    phone.shell.happen(.start)
                    try await until("it asked; it said \(phone.notes)") {
                        phone.isStreaming && Self.pulls(phone) > pulls
                    }
                    let next = try await bench.send("next")
                    try await bench.wait(next, is: "delivered")

                    #expect(phone.radio.map(\.id) == [next])
                    #expect(try await bench.status(late) == "expired")
                    try await until("its event came") { !bench.events(of: late).isEmpty }
                    #expect(bench.events(of: late) == ["message.send.expired"])
                }
            }
        }

        /// It has the message, and Android ends the app before it is sent.
        @Test(.timeLimit(.minutes(15)))
        func whatExpiresInThePhonesHandIsNotSentAndHasOneVerdict() async throws {
            try await DeviceBench.run { bench in
                try await Self.setUp(bench)
                try await bench.paired {
                    $0.sendInterval = .seconds(1_800)
                } _: { phone in
                    // With an SMS the server learns the phone's clock, which the end of a message follows.
                    phone.shell.happen(.arrived(.init("Hi", from: DeviceBench.contact, sentAt: phone.clock.now())))
                    try await until("the SMS came") { bench.receiver.count(of: "message.phone.received") == 1 }
                    let first = try await bench.send("first")
                    try await bench.wait(first, is: "delivered")
                    let held = try await bench.send("held")
                    try await until("the phone has it") { phone.app.messages.known[held]?.state == .pending }
                    phone.shell.happen(.kill)
                    try await Self.pass(.seconds(3_000), bench, phone)
                    try await bench.wait(held, is: "expired")

                    phone.shell.happen(.start)
                    try await until("the phone gives it up; it said \(phone.notes)") {
                        phone.notes.contains(.reported(id: held, state: .failed))
                    }

                    #expect(phone.app.messages.known[held]?.error == "TTL expired")
                    #expect(phone.radio.map(\.id) == [first])
                    #expect(try await bench.status(held) == "expired")
                    try await until("its event came") { !bench.events(of: held).isEmpty }
                    #expect(bench.events(of: held) == ["message.send.expired"])
                }
            }
        }
    }
}
