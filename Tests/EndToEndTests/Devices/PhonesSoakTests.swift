import Foundation
import HTTPSMSWebhooks
import NIOHTTP1
import PhoneSimulator
import Secrets
import Synchronization
import TestSupport
import Testing
import Timestamps

extension PhoneAppTests {
    /// Many phones of both kinds on one account, whose server is killed again and again and whose networks come and go: every SMS
    /// in either direction is there, and only once unless the app itself forgot that it was sent.
    @Suite struct PhonesSoak {
        private static let perKind = isSoak ? 100 : 3
        private static let rounds = isSoak ? 24 : 2
        /// What passes in each round, on the clocks of the server and of the phones: two hours in all, or ten minutes.
        private static let round: Duration = .seconds(300)

        @Test(.timeLimit(.minutes(isSoak ? 60 : 15)))
        func phonesOfBothKindsLoseAndDoubleNothing() async throws {
            let endpoint = PushEndpoint()
            let (urls, found) = AsyncStream.makeStream(of: String.self)
            let network = try PhoneNetwork()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await endpoint.run { found.yield($0) } }
                var iterator = urls.makeAsyncIterator()
                let url = try #require(await iterator.next())
                let settings = [
                    "FCM_ENDPOINT": url, "MESSAGE_EXPIRATION_MIN": "1s", "HTTP_PORT": "\(network.serverPort)",
                    "APP_URL": network.url,
                ]
                try await DeviceBench.run(settings) { bench in
                    defer { network.go() }
                    try await network.come(in: bench.installation.folder)
                    try await play(bench, endpoint, network)
                }
                group.cancelAll()
            }
        }

        private func play(_ bench: DeviceBench, _ endpoint: PushEndpoint, _ network: PhoneNetwork) async throws {
            let clock = AdjustableClock()
            let sent = Radio()
            let numbers = (0..<Self.perKind).map { "+1800555\(1_000 + $0)" }
            // Apps of this kind learn of their messages from one Firebase, and answer each push on a task of its own.
            for number in numbers {
                try await bench.client.call(
                    .PUT, "/v1/phones/fcm-token",
                    ["phone_number": .text(number), "fcm_token": .text(endpoint.token), "sim": "SIM1"])
                try await bench.client.call(
                    .PUT, "/v1/phones",
                    [
                        "phone_number": .text(number), "messages_per_minute": 0, "max_send_attempts": 5,
                        "message_expiration_seconds": 20,
                    ])
            }
            let pushed = numbers.map { number in
                SimulatedPhone(
                    PhoneAPI(baseURL: network.url, apiKey: Secret(Client.apiKey), number: number, sim: SIM.sim1),
                    behaviour: .init(latency: .milliseconds(20), backOff: .milliseconds(200)) { message in
                        sent.note(message.content)
                        return .delivered
                    }, journal: PhoneJournal { sent.read($0) }, clock: clock)
            }
            let streaming = (0..<Self.perKind).map { "+1800555\(3_000 + $0)" }
            var apps: [AppPhone] = []
            try await withThrowingTaskGroup(of: Void.self) { group in
                let answering = try #require(pushed.first)
                group.addTask { await answering.answer(endpoint.arrivals) }
                for number in streaming {
                    let pairing = try await bench.pairing([["sim": "SIM1", "phone_number": .text(number)]])
                    try await bench.client.call(
                        .PUT, "/v1/phones", ["phone_number": .text(number), "messages_per_minute": 0])
                    let phone = AppPhone(
                        SMSGatePhone(url: pairing["url"].text ?? ""), over: bench.transport,
                        behaviour: DeviceBench.quick, clock: clock)
                    group.addTask { await phone.shell.run() }
                    phone.shell.happen(.enterCode(pairing["code"].text ?? ""))
                    try await phone.waitUntilReady()
                    apps.append(phone)
                }
                let all = Phones(clock: clock, numbers: numbers, pushed: pushed, streaming: streaming, apps: apps)
                try await rounds(bench, network, all, sent)
                group.cancelAll()
            }
        }

        /// The phones of both kinds, with the time that all of them have.
        private struct Phones {
            let clock: AdjustableClock
            let numbers: [String]
            let pushed: [SimulatedPhone]
            let streaming: [String]
            let apps: [AppPhone]

            /// An SMS comes to every second phone of each kind, the even ones or the odd ones; gives what passes them on, and
            /// the texts.
            func receive(_ text: String, isOdd: Bool) -> (passing: [Task<Void, Never>], texts: [String]) {
                let contact = DeviceBench.contact
                let chosen = apps.indices.filter { ($0 % 2 == 1) == isOdd }
                for index in chosen {
                    let text = "\(text).\(index) streaming"
                    apps[index].shell.happen(.arrived(.init(text, from: contact, sentAt: clock.now(), sim: 1)))
                }
                let passing = chosen.map { index in
                    Task { await pushed[index].receive("\(text).\(index) pushed", from: contact) }
                }
                return (passing, chosen.flatMap { ["\(text).\($0) pushed", "\(text).\($0) streaming"] })
            }
        }

        private func rounds(
            _ bench: DeviceBench, _ network: PhoneNetwork, _ phones: Phones, _ sent: Radio
        ) async throws {
            let (numbers, streaming, apps) = (phones.numbers, phones.streaming, phones.apps)
            try await bench.client.call(
                .POST, "/v1/webhooks",
                [
                    "url": .text(bench.receiver.baseURL + "/all"), "signing_key": .text(Client.signingKey),
                    "events": ["message.phone.received"],
                    "phone_numbers": .array((numbers + streaming).map { .text($0) }),
                ])
            let isStreamed = { (text: String) in streaming.contains { text.hasSuffix($0) } }
            var ids: [String] = []
            var texts: [String] = []
            var outgoing: [String] = []
            for round in 0..<Self.rounds {
                for number in numbers + streaming {
                    outgoing.append("out \(round) \(number)")
                    ids.append(try await bench.send(outgoing.last ?? "", from: number))
                }
                // What is on its way ends here, first between phones and server and then in the server.
                network.go()
                let early = phones.receive("in \(round)", isOdd: false)
                try await network.come(in: bench.installation.folder)
                try await bench.installation.stop(.sigkill)
                let late = phones.receive("in \(round)", isOdd: true)
                texts += early.texts + late.texts
                phones.clock.advance(by: Self.round)
                bench.installation.setClocks(ahead: phones.clock.now() - SystemClock().now())
                try await bench.installation.serve()
                for task in early.passing + late.passing { await task.value }
                for (index, app) in apps.enumerated() where index % 2 == round % 2 {
                    app.shell.happen(.network(false))
                    app.shell.happen(.kill)
                    app.shell.happen(.start)
                    app.shell.happen(.network(true))
                }
                try await settle(bench, ids.suffix(numbers.count + streaming.count), phones.clock)
            }
            #expect(apps.flatMap { $0.radio.map(\.text) }.sorted() == outgoing.filter(isStreamed).sorted())
            // The httpSMS app forgets a report that nobody answers, and one that is late may find its message expired: such a message is
            // sent again.
            #expect(Set(sent.all).sorted() == outgoing.filter { !isStreamed($0) }.sorted())
            #expect(sent.all.count <= numbers.count * Self.rounds + sent.missingReports)
            try await until("all SMS have come") {
                phones.clock.advance(by: .milliseconds(200))
                return Set(received(bench)).isSuperset(of: texts)
            }
            let stored = try await stored(bench)
            #expect(stored.sorted() == texts.sorted())
        }

        /// Waits until all messages are sent; whether they are delivered, nobody hears of reports that were lost.
        private func settle(
            _ bench: DeviceBench, _ ids: ArraySlice<String>, _ clock: AdjustableClock
        ) async throws {
            for id in ids {
                var last = ""
                try await until("message \(id) is sent; it is \(last)") {
                    last = try await bench.status(id)
                    if ["sent", "delivered"].contains(last) { return true }
                    // The apps wait for seconds before they try again.
                    clock.advance(by: .milliseconds(200))
                    return false
                }
            }
        }

        private func received(_ bench: DeviceBench) -> [String] {
            bench.receiver.arrivals.filter { $0.type == "message.phone.received" }.map {
                $0.event["data"]["content"].text ?? ""
            }
        }

        /// The texts of all messages that came in, as the store has them.
        private func stored(_ bench: DeviceBench) async throws -> [String] {
            var texts: [String] = []
            while true {
                let path = "/v1/messages/search?types=mobile-originated&limit=200&skip=\(texts.count)"
                let page = try await bench.client.call(.GET, path).elements
                texts += page.map { $0["content"].text ?? "" }
                if page.count < 200 { return texts }
            }
        }
    }

    /// What went to the radio of phones with the httpSMS app.
    private final class Radio: Sendable {
        private let state = Mutex((texts: [String](), missingReports: 0))

        var all: [String] { state.withLock { $0.texts } }

        /// How often the server did not take a report at once.
        var missingReports: Int { state.withLock { $0.missingReports } }

        func note(_ text: String) { state.withLock { $0.texts.append(text) } }

        /// Takes a line of a phone's journal.
        func read(_ line: String) {
            if line.contains(#/ (lost|not taken) +(SENT|DELIVERED) /#) {
                state.withLock { $0.missingReports += 1 }
            }
        }
    }
}

/// What is between phones and their server: HAProxy, which passes bytes on until it is killed, with all that is on its way.
final class PhoneNetwork: Sendable {
    /// Where phones call their server.
    let url: String
    let serverPort: Int
    private let port: Int
    private let proxy = Mutex<ChildProcess?>(nil)

    init() throws {
        (port, serverPort) = (try freePort(), try freePort())
        url = "http://127.0.0.1:\(port)"
    }

    /// Passes everything on, to a server that runs.
    func come(in folder: String) async throws {
        let configuration = """
            defaults
                mode tcp
                retries 0
                timeout connect 1s
                timeout client 60s
                timeout server 60s
            frontend phones
                bind 127.0.0.1:\(port)
                default_backend server
            backend server
                server one 127.0.0.1:\(serverPort)

            """
        let path = folder + "/network.cfg"
        try configuration.write(toFile: path, atomically: true, encoding: .utf8)
        let process = try ChildProcess("/usr/sbin/haproxy", ["-f", path], environment: [:], logs: folder + "/network")
        proxy.withLock { $0 = process }
        try await until("the network passes on") {
            if let end = process.end { throw TestFailure("HAProxy ended with \(end): \(process.errors)") }
            return (try? await Client.send(.GET, url + "/health"))?.status == 200  // Not yet: asked again.
        }
    }

    /// Is gone.
    func go() {
        proxy.withLock { proxy in
            proxy?.killNow()
            proxy = nil
        }
    }
}
