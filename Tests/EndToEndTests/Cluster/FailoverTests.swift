import TestSupport
import Testing

extension PatientTests {
    /// Two nodes on two real PostgreSQL servers, one of them the synchronous standby of the other.
    @Suite struct Failover {
        /// What befalls the primary.
        enum Fault: String, CaseIterable, CustomTestStringConvertible {
            case dies, freezes

            var testDescription: String { rawValue }
        }

        private static let perClient = isSoak ? 2_000 : 60
        /// Requests in flight to one endpoint from one node at most.
        private static let window = 128

        @Test(.timeLimit(.minutes(isSoak ? 30 : 15)), arguments: Fault.allCases)
        func nothingThatWasAnsweredIsLost(fault: Fault) async throws {
            try await withReplicatedPostgres { primary, standby, url in
                try await withReceiver { receiver in
                    try await Nodes.with(2, settings: ["DATABASE_URL": url]) { nodes in
                        let events = [NodesLoad.received, NodesLoad.sent]
                        try await nodes.client.webhook(receiver.baseURL + "/hook", events: events)
                        receiver.react { _, _ in .answerAfter(.milliseconds(50), 200) }
                        let load = NodesLoad(nodes: nodes, receiver: receiver, count: Self.perClient)

                        let told = try await load.run {
                            try await until("half of the SMS are posted") {
                                load.progress.count >= load.total / 2
                            }
                            switch fault {
                            case .dies: try primary.die()
                            case .freezes: try primary.freeze()
                            }
                            try await standby.promote()
                            let (start, before) = (ContinuousClock.now, load.progress.count)
                            // 8 s for what hangs, 5 s between tries, and some for a busy machine.
                            try await until("requests are answered again") {
                                // Where the nodes were faster than this test, nothing is left to be answered.
                                load.progress.count >= min(before + 3, load.total)
                            }
                            print("failover, primary \(fault): answered again after \(start.duration(to: .now))")
                        }

                        try await load.check(told, duplicates: 2 * Self.window)
                        #expect(nodes.all.allSatisfy { $0.server?.end == nil }, "a node ended")
                    }
                }
            }
        }
    }
}
