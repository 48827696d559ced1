import Foundation
import PhoneSimulator
import NIOHTTP1
import TestSupport
import Testing
import Timestamps

extension PhoneAppTests {
    /// Each message is sent once and none is lost, whatever breaks on the way.
    @Suite struct DeviceSending {
        @Test(.timeLimit(.minutes(15)))
        func pullsThatAreCutOffLoseAndDoubleNothing() async throws {
            try await DeviceBench.run { bench in
                try await bench.paired { phone in
                    var ids: [String] = []
                    for number in 0..<40 {
                        ids.append(try await bench.send("SMS \(number)"))
                        // The app replaces its running pull at each nudge.
                        let stream = phone.app.streamNumbers.last ?? 0
                        for _ in 0..<3 {
                            phone.shell.happen(.streamSaid(stream, name: "MessageEnqueued", data: "null"))
                        }
                    }
                    for id in ids { try await bench.wait(id, is: "delivered") }

                    #expect(phone.radio.map(\.id).sorted() == ids.sorted())
                    #expect(phone.cutOff >= 40)
                }
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func aServerThatIsKilledLosesAndDoublesNothing() async throws {
            try await DeviceBench.run { bench in
                try await bench.paired { phone in
                    var ids: [String] = []
                    for round in 0..<3 {
                        for number in 0..<5 { ids.append(try await bench.send("SMS \(round).\(number)")) }
                        try await bench.installation.stop(.sigkill)
                        try await bench.installation.serve()
                        // The app waits five seconds for its stream, and ten for each report.
                        phone.clock.advance(by: .seconds(20))
                    }
                    for id in ids {
                        try await until("message \(id) is delivered") {
                            phone.clock.advance(by: .seconds(1))
                            return try await bench.status(id) == "delivered"
                        }
                    }

                    #expect(phone.radio.map(\.id).sorted() == ids.sorted())
                    for id in ids {
                        #expect(bench.events(of: id).count { $0 == "message.phone.sent" } <= 2, "at least once")
                    }
                }
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func aPhoneThatIsKilledWithMessagesInHandSendsEachOnce() async throws {
            try await DeviceBench.run { bench in
                try await bench.paired { phone in
                    var ids: [String] = []
                    for number in 0..<5 { ids.append(try await bench.send("SMS \(number)")) }
                    phone.shell.happen(.kill)
                    for number in 5..<8 { ids.append(try await bench.send("SMS \(number)")) }
                    phone.shell.happen(.start)
                    for id in ids { try await bench.wait(id, is: "delivered") }

                    #expect(phone.radio.map(\.id).sorted() == ids.sorted())
                }
            }
        }

        /// Its reports are dropped after 2.8 hours; the server then has to ask.
        @Test(.timeLimit(.minutes(15)))
        func afterHoursWithoutAServerTheStateIsAskedFor() async throws {
            try await DeviceBench.run { bench in
                var slow = DeviceBench.quick
                slow.latency = .seconds(1)
                try await bench.paired(behaviour: slow) { phone in
                    let id = try await bench.send()
                    try await until("it is with the radio") {
                        phone.notes.contains(.reported(id: id, state: .processed))
                    }
                    try await bench.installation.stop(.sigkill)
                    try await until("it is sent") { phone.app.messages.known[id]?.state == .delivered }
                    try await until("both reports are dropped") {
                        phone.clock.advance(by: .seconds(60))
                        return phone.notes.count { $0 == .reportDropped(id: id) } == 2
                    }

                    bench.installation.setClocks(ahead: .seconds(3 * 3_600))
                    try await bench.installation.serve()
                    var last = JSONValue.null
                    try await until("its state is known, but \(last)") {
                        phone.clock.advance(by: .seconds(5))
                        last = try await bench.client.call(.GET, "/v1/messages/\(id)")
                        return last["status"] == "delivered"
                    }
                    #expect(phone.radio.count == 1)
                }
            }
        }

        @Test(.timeLimit(.minutes(15)), arguments: [-1_200, 1_200])
        func aClockThatIsTwentyMinutesOffSendsAllTheSame(error: Int) async throws {
            try await DeviceBench.run { bench in
                try await bench.paired {
                    $0.clockError = .seconds(error)
                } _: { phone in
                    try await bench.wait(try await bench.send("before the clock is known"), is: "delivered")
                    phone.shell.happen(.arrived(.init("Hi", from: DeviceBench.contact, sentAt: phone.clock.now())))
                    try await until("the SMS came") { bench.receiver.count(of: "message.phone.received") == 1 }
                    let id = try await bench.send("after")
                    try await bench.wait(id, is: "delivered")

                    let device = try await bench.client.call(.GET, "/v1/devices").elements.first
                    let clockError = device?["clock_error"]
                    #expect(
                        (error - 5...error + 5).contains(Self.seconds(clockError))
                            || (-error - 5 ... -error + 5).contains(
                                Self.seconds(clockError)),
                        "\(String(describing: clockError))")
                    let limit = try #require(phone.app.messages.known[id]?.validUntil)
                    #expect(limit > phone.clock.now() + .seconds(error), "by the phone's clock")
                    #expect(limit.microseconds % 1_000 == 0 && limit < phone.clock.now() + .seconds(86_400))
                }
            }
        }

        private static func seconds(_ value: JSONValue?) -> Int {
            if case .number(let number) = value { Int(number) } else { .min }
        }

        /// The app would read six digits as up to 999 seconds.
        @Test(.timeLimit(.minutes(15)))
        func timesOnTheWireHaveThreeFractionDigits() async throws {
            try await DeviceBench.run { bench in
                let token = try await bench.registered().token
                for _ in 0..<20 { _ = try await bench.send() }
                let offers = try await bench.mobile("GET", "/message?order=fifo", token).body.elements
                let again = try await bench.mobile("GET", "/message?order=fifo", token).body.elements

                #expect(offers.count >= 1 && again.map { $0["id"] } == offers.map { $0["id"] })
                for offer in offers {
                    for name in ["validUntil", "createdAt"] {
                        let time = offer[name].text ?? ""
                        #expect(time.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z/) != nil, "\(offer)")
                    }
                    #expect(offer["phoneNumbers"] == [.text(DeviceBench.contact)] && offer["state"] == "Pending")
                    #expect(offer["simNumber"] == .null, "one SIM")
                }
            }
        }
    }
}
