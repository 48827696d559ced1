import Foundation
import NIOHTTP1
import TestSupport
import Testing

extension PhoneAppTests {
    /// `httpsms modem` beside Debian's gammu-smsd, with its dummy modem.
    @Suite struct ModemAgent {
        @Test(.timeLimit(.minutes(15)))
        func aMessageGoesFromSendToDelivered() async throws {
            try await ModemBench.run { modem in
                let bench = modem.bench
                let short = try await bench.send("Grüße 😀")
                let long = try await modem.send(String(repeating: "long ", count: 80), to: "+18005550111")
                try await bench.wait(short, is: "sent")
                try await bench.wait(long, is: "sent")
                #expect(modem.log.contains("with text \"Grüße 😀\""), "\(modem.log)")
                #expect(modem.log.contains("Found 3 sms to \"+18005550111\""))

                // The dummy calls each part 255; the long one has three.
                try modem.arrive(.report("Delivered", of: DeviceBench.contact), at: 10)
                try modem.arrive(.report("Delivered", of: "+18005550111"), at: 11)
                try await bench.wait(short, is: "delivered")
                #expect(try await bench.status(long) == "sent")
                try modem.arrive(.report("Delivered", of: "+18005550111"), at: 12)
                try modem.arrive(.report("Delivered", of: "+18005550111"), at: 13)
                try await bench.wait(long, is: "delivered")
                #expect(modem.transmissions(of: short) == 1 && modem.transmissions(of: long) == 1)
                #expect(bench.events(of: short) == ["message.phone.sent", "message.phone.delivered"])
                let agentLog = modem.agentLog
                #expect(!agentLog.contains("5550100") && !agentLog.contains("Grüße"), "\(agentLog)")
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func aSecondAgentOnTheFolderIsRefused() async throws {
            try await ModemBench.run { modem in
                let id = try await modem.bench.send("one of one")
                try await modem.bench.wait(id, is: "sent")

                let second = try await modem.bench.installation.run("modem", "run", "--folder", modem.folder)

                #expect(second.end == .exited(1))
                #expect(second.errors.contains("is used by another `httpsms modem run`"), "\(second.errors)")
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func aNegativeReportFailsTheMessage() async throws {
            try await ModemBench.run { modem in
                let id = try await modem.bench.send("no such subscriber")
                try await modem.bench.wait(id, is: "sent")
                try modem.arrive(.report("Pending", of: DeviceBench.contact), at: 10)
                try modem.arrive(.report("Failed", of: DeviceBench.contact), at: 11)
                try await modem.bench.wait(id, is: "failed")
                let reason = try await modem.bench.client.call(.GET, "/v1/messages/\(id)")["failure_reason"]
                #expect(reason == "The network did not deliver it.")
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func whatComesToTheModemComesToTheWebhookOnce() async throws {
            try await ModemBench.run { modem in
                let bench = modem.bench
                try await bench.client.webhook(bench.receiver.baseURL + "/calls", events: ["message.call.missed"])
                try modem.arrive(ModemBench.sms("Hallo 😀", from: DeviceBench.contact), at: 1)
                try modem.arrive(.part("second half", 2), at: 3)
                try modem.arrive(.part("first half, ", 1), at: 2)
                try "".write(toFile: modem.dummy + "/incoming-call", atomically: true, encoding: .utf8)

                try await until("all came") {
                    bench.receiver.count(of: "message.phone.received") >= 2
                        && bench.receiver.count(of: "message.call.missed") >= 1
                }
                let received = bench.receiver.arrivals.filter { $0.type == "message.phone.received" }
                #expect(
                    Set(received.map { $0.event["data"]["content"].text ?? "" })
                        == ["Hallo 😀", "first half, second half"])
                let call = bench.receiver.arrivals.first { $0.type == "message.call.missed" }
                #expect(call?.event["data"]["contact"] == "+800123456")
                #expect(call?.event["data"]["owner"] == .text(DeviceBench.number))
                try await until("the folders are empty") {
                    modem.files("inbox").isEmpty && modem.files("calls").isEmpty
                }
                // gammu-smsd was killed before it deleted an SMS that it had stored: it stores it again.
                try modem.arrive(ModemBench.sms("Hallo 😀", from: DeviceBench.contact), at: 4)
                try await until("it was stored and passed on") {
                    modem.log.contains("Received IN") && modem.files("inbox").isEmpty && modem.isRead(4)
                }
                #expect(bench.receiver.count(of: "message.phone.received") == 2)
            }
        }

        /// Each is sent once and none is lost, whoever is killed.
        @Test(.timeLimit(.minutes(15)))
        func killedAtAnyTimeNothingIsLostOrDoubled() async throws {
            try await ModemBench.run { modem in
                let bench = modem.bench
                var generator = SeededGenerator(seed: SeededGenerator.seed(for: "modem kills"))
                var ids: [String] = []
                for round in 0..<6 {
                    for number in 0..<3 { ids.append(try await bench.send("SMS \(round).\(number)")) }
                    try modem.arrive(
                        ModemBench.sms("in \(round)", from: "+1800555020\(round)"), at: 20 + round)
                    // Somewhere within the second in which gammu-smsd takes the next one.
                    let started = modem.log.utf8.count
                    try await until("something happened") { modem.log.utf8.count > started }
                    switch Int.random(in: 0..<3, using: &generator) {
                    case 0:
                        modem.killDaemon()
                        try await modem.startDaemon()
                    case 1:
                        modem.killAgent()
                        try modem.startAgent()
                    default:
                        try await bench.installation.stop(.sigkill)
                        try await bench.installation.serve()
                    }
                }
                for id in ids {
                    try await until("message \(id) is over") {
                        ["sent", "failed"].contains(try await bench.status(id))
                    }
                    let sent = modem.transmissions(of: id)
                    let status = try await bench.status(id)
                    #expect(sent == 1 || status == "failed", "\(id) is \(status) and was sent \(sent) times")
                    #expect(sent <= 1)
                }
                let radio = modem.log.split(separator: "\n").count { $0.contains("SMS sent on device") }
                #expect(radio <= ids.count)
                try await until("all SMS came in") {
                    Set(
                        bench.receiver.arrivals.filter { $0.type == "message.phone.received" }
                            .map { $0.event["data"]["content"].text ?? "" }
                    ).count == 6
                }
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func whatGammuWasSendingWhenItWasKilledIsNotSentAgain() async throws {
            try await ModemBench.run { modem in
                modem.killDaemon()
                let id = try await modem.bench.send("in flight")
                try await until("it is in the outbox") { modem.files("outbox").contains { $0.contains(id) } }
                // As far as gammu-smsd's log tells, it began and did not end.
                let name = try #require(modem.files("outbox").first)
                let line = "Sat 2026/11/28 16:45:09 gammu-smsd[1]: New message to send: \(name)\n"
                try (modem.log + line).write(toFile: modem.folder + "/smsd.log", atomically: true, encoding: .utf8)

                try await modem.startDaemon()

                try await modem.bench.wait(id, is: "failed")
                let message = try await modem.bench.client.call(.GET, "/v1/messages/\(id)")
                #expect(message["failure_reason"].text?.contains("may have been sent") == true, "\(message)")
                #expect(modem.transmissions(of: id) == 0)
                let next = try await modem.bench.send("the next one")
                try await modem.bench.wait(next, is: "sent")
            }
        }

        /// gammu-smsd alone would try it forever, and nothing else.
        @Test(.timeLimit(.minutes(15)))
        func whatTheNetworkRefusesFailsOnceAndHoldsNothingUp() async throws {
            try await ModemBench.run(isDummy: false) { modem in
                let refused = try await modem.send("no", to: "+18005550113")
                let next = try await modem.send("yes", to: "+18005550102")
                try await modem.bench.wait(refused, is: "failed")
                try await modem.bench.wait(next, is: "sent")
                let message = try await modem.bench.client.call(.GET, "/v1/messages/\(refused)")
                #expect(message["failure_reason"].text?.hasPrefix("CMS ERROR 21: ") == true, "\(message)")
                #expect(modem.given == ["18005550113 refused", "18005550102 1"])
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func whatTheModemHasWhenGammuIsKilledIsNotGivenAgain() async throws {
            try await ModemBench.run(isDummy: false) { modem in
                let id = try await modem.send("in the air", to: "+18005550114")
                try await until("the modem has it") { modem.given == ["18005550114 1"] }

                modem.killDaemon()
                try await modem.startDaemon()

                try await modem.bench.wait(id, is: "failed")
                let next = try await modem.send("the next one", to: "+18005550102")
                try await modem.bench.wait(next, is: "sent")
                #expect(modem.given == ["18005550114 1", "18005550102 2"])
            }
        }

        @Test(.timeLimit(.minutes(15)))
        func aCodeThatIsWrongIsSaid() async throws {
            try await DeviceBench.run { bench in
                let folder = bench.installation.folder + "/modem"
                let wrong = try await bench.installation.run(
                    "modem", "pair", "--folder", folder, "--url", bench.installation.baseURL + "/api/mobile/v1",
                    "--code", "12345678")
                #expect(wrong.end == .exited(1))
                #expect(wrong.errors.contains("code"), "\(wrong.errors)")
                let unpaired = try await bench.installation.run("modem", "run", "--folder", folder)
                #expect(unpaired.end == .exited(1))
                #expect(unpaired.errors.contains("not paired"), "\(unpaired.errors)")
                let odd = try await bench.installation.run("modem", "config", "--folder", "/a b", "--device", "/dev/x")
                #expect(odd.end == .exited(2))
            }
        }
    }
}

extension ModemBench {
    func send(_ content: String, to contact: String) async throws -> String {
        let draft: JSONValue = ["from": .text(DeviceBench.number), "to": .text(contact), "content": .text(content)]
        return try #require(try await bench.client.call(.POST, "/v1/messages/send", draft)["id"].text)
    }

    func files(_ part: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(part)")) ?? []).filter { $0.first != "." }
    }

    /// Whether gammu-smsd has taken an SMS out of the modem.
    func isRead(_ location: Int) -> Bool { !FileManager.default.fileExists(atPath: "\(dummy)/sms/1/\(location)") }
}

extension String {
    fileprivate static func report(_ verdict: String, of number: String) -> String {
        ModemBench.sms(verdict, from: number, kind: "Status_Report", reference: 255)
    }

    fileprivate static func part(_ text: String, _ number: Int) -> String {
        ModemBench.sms(text, from: DeviceBench.contact, header: "0500039E020\(number)")
    }
}
