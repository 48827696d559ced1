import Foundation
import NIOHTTP1
import Storage
import TestSupport
import Testing

extension EndToEndTests {
    /// kill -9 of the server under load: what was answered is kept, what is kept is delivered.
    @Suite struct Crash {
        private static let received = "message.phone.received"

        /// What one client got for its SMS.
        private struct Sent: Sendable {
            /// The message's id by content, for each SMS that was answered 200.
            var answered: [String: String] = [:]
            /// SMS that were given up without an answer.
            var abandoned: [String] = []
        }

        @Test(.timeLimit(.minutes(isSoak ? 20 : 15)))
        func killedServersLoseNoSMSThatTheyAnswered() async throws {
            let kills = isSoak ? 40 : 5
            let perClient = isSoak ? 5_000 : 500
            let clients = 4
            let seed = SeededGenerator.seed(for: "kill -9")
            try await withReceiver { receiver in
                try await withInstallation(["WEBHOOK_RETRY_DELAYS": "1s,1s,1s,1s"]) { installation in
                    let client = Client(installation: installation)
                    try await client.setUp()
                    try await client.webhook(receiver.baseURL + "/hook", events: [Self.received])
                    // At most two failures for each event: five in a row would be a failed delivery by design.
                    receiver.react { arrival, earlier in
                        var generator = SeededGenerator(seed: seed ^ Self.hash(arrival.deliveryID) ^ UInt64(earlier))
                        return .answer(earlier < 2 && Int.random(in: 0..<5, using: &generator) == 0 ? 503 : 200)
                    }
                    let progress = Progress()

                    let sent = try await withThrowingTaskGroup(of: Sent?.self) { group in
                        for number in 0..<clients {
                            group.addTask { try await post(perClient, client, number, progress) }
                        }
                        group.addTask {
                            try await killAndStart(
                                installation, progress, times: kills, total: clients * perClient, seed: seed)
                            return nil
                        }
                        return try await group.reduce(into: [Sent]()) { all, sent in
                            if let sent { all.append(sent) }
                        }
                    }

                    try await until("every delivery has come to its end") {
                        try await installation.rows("SELECT id FROM delivery WHERE state < 2 LIMIT 1").isEmpty
                    }
                    try await check(sent, client, receiver)
                    try await installation.stop()
                    try await checkStore(installation, receiver, kills: kills)
                }
            }
        }

        /// Posts SMS one after the other, again and again until the server answers; every third is given up instead.
        private func post(_ count: Int, _ client: Client, _ number: Int, _ progress: Progress) async throws -> Sent {
            var sent = Sent()
            for sms in 0..<count {
                let content = "sms \(sms) of client \(number)"
                let body = Client.sms(content, from: Self.contact(number), number: sms)
                var tries = 0
                try await until("\(content) is answered") {
                    tries += 1
                    guard let answer = try? await client.send(.POST, "/v1/messages/receive", body) else {
                        // The server is away: the phone does not know whether its SMS was taken.
                        return sms % 3 == 0
                    }
                    switch answer.status {
                    case 200: sent.answered[content] = answer.data["id"].text
                    case 503: return false
                    default: throw TestFailure("\(content) was answered \(answer.status): \(answer.body)")
                    }
                    return true
                }
                if sent.answered[content] == nil { sent.abandoned.append(content) }
                progress.advance()
            }
            return sent
        }

        /// Kills the server at random moments while SMS are posted, and starts it again.
        private func killAndStart(
            _ installation: Installation, _ progress: Progress, times: Int, total: Int, seed: UInt64
        ) async throws {
            var generator = SeededGenerator(seed: seed)
            let moments = (0..<times).map { _ in Int.random(in: 1..<(total * 9 / 10), using: &generator) }.sorted()
            for moment in moments {
                try await until("\(moment) SMS are posted") { progress.count >= moment }
                try await Task.sleep(for: .microseconds(Int.random(in: 0..<30_000, using: &generator)))
                try await installation.stop(.sigkill)
                try await installation.serve()
            }
        }

        private func check(_ sent: [Sent], _ client: Client, _ receiver: WebhookReceiver) async throws {
            let arrivals = receiver.arrivals
            let delivered = Set(arrivals.filter { $0.answer == 200 }.map(\.messageID))
            var stored: Set<String> = []
            var answered = 0
            for (number, sent) in sent.enumerated() {
                let messages = try await client.messages(with: Self.contact(Self.client(sent) ?? number))
                let contents = messages.compactMap(\.["content"].text)
                #expect(Set(contents).count == contents.count, "an SMS is stored twice")
                let ids = Dictionary(
                    messages.map { ($0["content"].text ?? "", $0["id"].text ?? "") }, uniquingKeysWith: { $1 })
                for (content, id) in sent.answered { #expect(ids[content] == id, "\(content)") }
                #expect(Set(contents).subtracting(sent.answered.keys).isSubset(of: sent.abandoned))
                stored.formUnion(messages.compactMap(\.["id"].text))
                answered += sent.answered.count
            }
            // An SMS that was given up may be stored all the same, and is delivered then.
            #expect(stored.subtracting(delivered) == [], "stored and not delivered")
            #expect(Set(arrivals.map(\.messageID)).subtracting(stored) == [], "delivered and not stored")
            let byMessage = Dictionary(grouping: arrivals, by: \.messageID)
            for (id, arrivals) in byMessage {
                #expect(Set(arrivals.map(\.id)).count == 1, "message \(id) has more than one event")
                #expect(Set(arrivals.map(\.body)).count == 1, "message \(id): the bytes differ between attempts")
            }
            print("kill -9: \(answered) SMS answered, \(stored.count) stored, \(arrivals.count) requests")
        }

        /// Every delivery came to its end, and duplicates are within what was in flight when the server was killed.
        private func checkStore(_ installation: Installation, _ receiver: WebhookReceiver, kills: Int) async throws {
            let states = try await installation.rows("SELECT state, COUNT(*) AS number FROM delivery GROUP BY state")
            #expect(try states.map { try $0.get("state", as: Int.self) } == [2], "not all deliveries succeeded")
            let attempts = try await installation.rows("SELECT COUNT(*) AS number FROM attempt")
            let recorded: Int = try #require(try attempts.first?.get("number"))
            let deliveries: Int = try #require(try states.first?.get("number"))
            // 128 requests are in flight to one endpoint at most, and the record of each may be lost to a kill.
            let inFlight = kills * 128
            let duplicates = receiver.answers(200) - deliveries
            print("kill -9: \(duplicates) duplicates, \(receiver.count - recorded) attempts not recorded")
            #expect((0...inFlight).contains(duplicates))
            #expect((0...inFlight).contains(receiver.count - recorded))
        }

        private static func contact(_ client: Int) -> String { "+1800555020\(client)" }

        private static func client(_ sent: Sent) -> Int? {
            (sent.answered.keys.first ?? sent.abandoned.first).flatMap { $0.split(separator: " ").last }
                .flatMap { Int($0) }
        }

        private static func hash(_ text: String) -> UInt64 {
            text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        }
    }
}
