import Foundation
import HTTPSMSWebhooks
import NIOHTTP1
import PhoneSimulator
import Secrets
import Synchronization
import TestSupport
import Testing
import Timestamps

extension PatientTests {
    /// Many phones of both kinds on one account, whose server is killed again and again and whose networks come and go: every SMS
    /// in either direction is there, and only once unless the app itself forgot that it was sent.
    @Suite struct PhonesSoak {
        private static let perKind = isSoak ? 100 : 3
        private static let rounds = isSoak ? 24 : 2
        /// What passes on the phones' clocks in each round, half of it at once: in all less than the twenty minutes by which a
        /// phone's clock may be off.
        private static let round: Duration = .seconds(40)

        @Test(.timeLimit(.minutes(isSoak ? 60 : 15)))
        func phonesOfBothKindsLoseAndDoubleNothing() async throws {
            let endpoint = PushEndpoint()
            let (urls, found) = AsyncStream.makeStream(of: String.self)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await endpoint.run { found.yield($0) } }
                var iterator = urls.makeAsyncIterator()
                let url = try #require(await iterator.next())
                try await DeviceBench.run(["FCM_ENDPOINT": url, "MESSAGE_EXPIRATION_MIN": "1s"]) { bench in
                    try await play(bench, endpoint)
                }
                group.cancelAll()
            }
        }

        private func play(_ bench: DeviceBench, _ endpoint: PushEndpoint) async throws {
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
                    PhoneAPI(
                        baseURL: bench.installation.baseURL, apiKey: Secret(Client.apiKey), number: number,
                        sim: SIM.sim1),
                    behaviour: .init(latency: .milliseconds(20), backOff: .milliseconds(200)) { message in
                        sent.note(message.content)
                        return .delivered
                    }, journal: PhoneJournal { sent.read($0) })
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
                        behaviour: DeviceBench.quick)
                    group.addTask { await phone.shell.run() }
                    phone.shell.happen(.enterCode(pairing["code"].text ?? ""))
                    try await phone.waitUntilReady()
                    apps.append(phone)
                }
                try await rounds(bench, numbers, pushed, streaming, apps, sent)
                group.cancelAll()
            }
        }

        private func rounds(
            _ bench: DeviceBench, _ numbers: [String], _ pushed: [SimulatedPhone], _ streaming: [String],
            _ apps: [AppPhone], _ sent: Radio
        ) async throws {
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
                try await bench.installation.stop(.sigkill)
                // What comes meanwhile waits in the phones.
                let inbound = zip(pushed, apps).enumerated().map { index, phones in
                    let text = "in \(round).\(index)"
                    texts += [text + " pushed", text + " streaming"]
                    let app = phones.1
                    app.shell.happen(
                        .arrived(
                            .init(text + " streaming", from: "+18005550100", sentAt: app.clock.now(), sim: 1)))
                    return Task { await phones.0.receive(text + " pushed", from: "+18005550100") }
                }
                try await bench.installation.serve()
                for task in inbound { await task.value }
                for app in apps { app.clock.advance(by: Self.round / 2) }
                for (index, app) in apps.enumerated() where index % 2 == round % 2 {
                    app.shell.happen(.network(false))
                    app.shell.happen(.kill)
                    app.shell.happen(.start)
                    app.shell.happen(.network(true))
                }
                try await settle(bench, ids, apps)
                for app in apps { app.clock.advance(by: Self.round / 2) }
            }
            #expect(apps.flatMap { $0.radio.map(\.text) }.sorted() == outgoing.filter(isStreamed).sorted())
            // The httpSMS app forgets a report that nobody answers. Such a message expires and is sent again.
            #expect(Set(sent.all).sorted() == outgoing.filter { !isStreamed($0) }.sorted())
            #expect(sent.all.count <= numbers.count * Self.rounds + sent.lostReports)
            try await until("all SMS have come") { Set(received(bench)).isSuperset(of: texts) }
            let stored = try await stored(bench)
            #expect(stored.sorted() == texts.sorted())
        }

        /// Waits until all messages are sent; whether they are delivered, nobody hears of reports that were lost.
        private func settle(_ bench: DeviceBench, _ ids: [String], _ apps: [AppPhone]) async throws {
            for id in ids {
                var last = ""
                try await until("message \(id) is sent; it is \(last)") {
                    last = try await bench.status(id)
                    if ["sent", "delivered"].contains(last) { return true }
                    for app in apps { app.clock.advance(by: .milliseconds(50)) }
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
        private let state = Mutex((texts: [String](), lostReports: 0))

        var all: [String] { state.withLock { $0.texts } }

        var lostReports: Int { state.withLock { $0.lostReports } }

        func note(_ text: String) { state.withLock { $0.texts.append(text) } }

        /// Takes a line of a phone's journal.
        func read(_ line: String) {
            if line.contains(#/ lost +(SENT|DELIVERED) /#) { state.withLock { $0.lostReports += 1 } }
        }
    }
}
