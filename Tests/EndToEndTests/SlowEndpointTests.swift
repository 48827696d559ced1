import NIOHTTP1
import Testing

extension EndToEndTests {
    /// An endpoint that never answers costs nobody else anything.
    @Suite struct SlowEndpoint {
        @Test(.timeLimit(.minutes(1)))
        func anEndpointThatNeverAnswersDelaysNoOther() async throws {
            try await withReceiver { receiver in
                receiver.react { arrival, _ in arrival.path == "/never" ? .never : .answer(200) }
                // One retry, so that the backlog of the one that never answers stays due all the time.
                try await withInstallation(["WEBHOOK_RETRY_DELAYS": "1s"]) { installation in
                    let client = Client(installation: installation)
                    try await client.setUp()
                    try await client.webhook(receiver.baseURL + "/never", events: ["message.phone.received"])
                    try await client.webhook(receiver.baseURL + "/fast", events: ["message.phone.received"])

                    // More than there are slots, 256, in all.
                    var posted: [String: ContinuousClock.Instant] = [:]
                    for number in 0..<400 {
                        let id = try await client.receive("sms \(number)", number: number)
                        posted[id] = .now
                    }
                    let fast = { receiver.arrivals.filter { $0.path == "/fast" } }
                    try await eventually("all events at the fast endpoint") { fast().count == posted.count }

                    let latencies = fast().map { $0.arrivedAt - (posted[$0.messageID] ?? $0.arrivedAt) }
                    // Behind one timeout it would be 5 s at least.
                    #expect(latencies.max() ?? .zero < .seconds(2))
                    #expect(receiver.arrivals.contains { $0.path == "/never" }, "nobody was slow")
                }
            }
        }
    }
}
