import NIOHTTP1
import TestSupport
import Testing

extension EndToEndTests {
    /// An endpoint that never answers costs nobody else anything.
    @Suite struct SlowEndpoint {
        private static let received = "message.phone.received"

        @Test(.timeLimit(.minutes(15)))
        func anEndpointThatNeverAnswersDelaysNoOther() async throws {
            try await withReceiver { receiver in
                receiver.react { arrival, _ in arrival.path == "/never" ? .never : .answer(200) }
                try await withInstallation(["WEBHOOK_RETRY_DELAYS": "1s,1s,1s,1s"]) { installation in
                    let client = Client(installation: installation)
                    try await client.setUp()
                    try await client.webhook(receiver.baseURL + "/never", events: [Self.received])
                    try await postBacklog(client)
                    try await until("requests that are not answered") { receiver.count >= 2 }
                    try await client.webhook(receiver.baseURL + "/fast", events: [Self.received])

                    // For longer than the 5 s that an attempt may take, one SMS after the other.
                    let begin = ContinuousClock.now
                    var latencies: [Duration] = []
                    while .now - begin < .seconds(6) {
                        let id = try await client.receive("fast", number: 10_000 + latencies.count)
                        let posted = ContinuousClock.now
                        try await until("the event at the fast endpoint") {
                            receiver.arrivals.contains { $0.path == "/fast" && $0.messageID == id }
                        }
                        latencies.append(.now - posted)
                    }

                    // Behind a timeout it would be seconds.
                    #expect(latencies.max() ?? .zero < .seconds(2))
                }
            }
        }

        /// More SMS than the server has slots for deliveries, 256, by 8 clients at once.
        private func postBacklog(_ client: Client) async throws {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for first in 0..<8 {
                    group.addTask {
                        for number in stride(from: first, to: 320, by: 8) {
                            try await client.receive("sms \(number)", number: number)
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }
}
