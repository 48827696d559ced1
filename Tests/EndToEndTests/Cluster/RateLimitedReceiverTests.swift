import Storage
import Synchronization
import TestSupport
import Testing

extension PatientTests {
    /// Three nodes of the real binary send to one receiver that takes five requests a second and refuses the others.
    @Suite struct RateLimitedReceiver {
        private static let events = 60
        /// Requests in any second.
        private static let limit = 5
        /// What the nodes need to find out how often they may send.
        private static let learning: Duration = .seconds(3)

        @Test(.timeLimit(.minutes(15)), arguments: isSoak ? [nil, "1"] : [nil])
        func nodesKeepToWhatAReceiverTakes(retryAfter: String?) async throws {
            try await withReceiver { receiver in
                try await Nodes.with(3, settings: ["WEBHOOK_RETRY_DELAYS": "1s,2s,3s,4s"]) { nodes in
                    let limit = Limit(Self.limit)
                    receiver.react { _, _ in limit.takes() ? .answer(200) : .refuse(retryAfter: retryAfter) }
                    try await nodes.client.webhook(receiver.baseURL + "/hook", events: [NodesLoad.received])

                    // The proxy gives each request to the next node.
                    for number in 0..<Self.events { try await nodes.client.receive("sms \(number)", number: number) }
                    try await until("every delivery has come to its end") {
                        try await nodes.rows("SELECT id FROM delivery WHERE state < 2 LIMIT 1").isEmpty
                    }

                    let states = try await nodes.rows("SELECT state, COUNT(*) AS number FROM delivery GROUP BY state")
                    #expect(try states.map { try $0.get("state", as: Int.self) } == [2], "some failed")
                    let arrivals = receiver.arrivals
                    #expect(Set(arrivals.filter { $0.answer == 200 }.map(\.id)).count == Self.events)
                    let start = try #require(arrivals.first).arrivedAt + Self.learning
                    let later = arrivals.filter { $0.arrivedAt > start }
                    let refused = later.count { $0.answer == 429 }
                    print("rate limit: \(arrivals.count) requests, \(later.count) after learning, \(refused) refused")
                    #expect(refused * 5 <= later.count, "\(refused) of \(later.count) refused")
                }
            }
        }
    }

    /// Takes so many requests in any second.
    private final class Limit: Sendable {
        private let count: Int
        private let taken = Mutex<[ContinuousClock.Instant]>([])

        init(_ count: Int) {
            self.count = count
        }

        /// Whether it takes a request that comes now.
        func takes() -> Bool {
            let now = ContinuousClock.now
            return taken.withLock { taken in
                taken.removeAll { $0.duration(to: now) >= .seconds(1) }
                if taken.count >= count { return false }
                taken.append(now)
                return true
            }
        }
    }
}
