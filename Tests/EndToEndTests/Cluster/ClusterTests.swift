import NIOHTTP1
import Storage
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension PatientTests {
    /// Three nodes of the real binary behind a real proxy on a real PostgreSQL, and what befalls them.
    @Suite struct Cluster {
        private static let perClient = isSoak ? 2_000 : 100
        private static let repetitions = isSoak ? 10 : 1
        /// Requests in flight to one endpoint from one node at most.
        private static let window = 128

        @Test(.timeLimit(.minutes(isSoak ? 30 : 15))) func nodesThatAreKilledLoseNothing() async throws {
            try await underLoad { nodes, load in
                let told = try await load.run {
                    for turn in 1...Self.repetitions {
                        try await half(load, turn)
                        let node = nodes.all[turn % 3]
                        try await node.stop(.sigkill)
                        try await node.serve()
                    }
                }
                try await load.check(told, duplicates: Self.repetitions * Self.window)
            }
        }

        @Test(.timeLimit(.minutes(isSoak ? 30 : 15))) func aDatabaseThatCrashesLosesNothing() async throws {
            try await underLoad { nodes, load in
                let told = try await load.run {
                    for turn in 1...Self.repetitions {
                        try await half(load, turn)
                        try await nodes.database.crash()
                        try await nodes.database.start()
                    }
                }
                // Results that could not be stored wait in the nodes for the database, so nothing is sent again.
                try await load.check(told, duplicates: Self.repetitions * 3 * Self.window)
                #expect(nodes.all.allSatisfy { $0.server?.end == nil }, "a node ended")
            }
        }

        @Test(.timeLimit(.minutes(isSoak ? 30 : 15))) func connectionsThatAreCutLoseNothing() async throws {
            try await underLoad { nodes, load in
                let told = try await load.run {
                    for turn in 1...Self.repetitions {
                        try await half(load, turn)
                        _ = try await nodes.rows(
                            """
                            SELECT pg_terminate_backend(pid)
                            FROM pg_stat_activity
                            WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
                            """)
                    }
                }
                try await load.check(told, duplicates: Self.repetitions * 3 * Self.window)
                #expect(nodes.all.allSatisfy { $0.server?.end == nil }, "a node ended")
            }
        }

        /// Frozen for longer than its lease and woken: what it had in flight was sent by others, and its late results are
        /// refused.
        @Test(.timeLimit(.minutes(15))) func aFrozenNodeStoresNothingWhenItWakesUp() async throws {
            let warmUp = 20
            try await withReceiver { receiver in
                try await Nodes.with(2) { nodes in
                    // Only the first node is asked, so what is in flight when it freezes is its own.
                    let client = Client(installation: nodes.all[0])
                    try await client.webhook(receiver.baseURL + "/hook", events: [NodesLoad.received])
                    let frozen = try #require(nodes.all[0].server)
                    let other = try #require(nodes.all[1].server)
                    other.signal(SIGSTOP)
                    // A webhook begins with few requests at a time: these let it have four.
                    receiver.react { _, _ in .answer(200) }
                    for number in 0..<warmUp { try await client.receive("first \(number)", number: 100 + number) }
                    try await until("the first are stored") {
                        try await nodes.rows("SELECT id FROM delivery WHERE state = 2").count == warmUp
                    }
                    receiver.react { _, earlier in earlier == 0 ? .answerAfter(.seconds(4), 200) : .answer(200) }
                    for number in 0..<4 { try await client.receive("sms \(number)", number: number) }
                    try await until("all are in flight") { receiver.count == warmUp + 4 }
                    #expect(receiver.answers(200) == warmUp, "none of the four was answered yet")
                    frozen.signal(SIGSTOP)
                    other.signal(SIGCONT)

                    try await until("others have sent them") { receiver.count == warmUp + 8 }
                    try await until("and stored that") {
                        try await nodes.rows("SELECT id FROM delivery WHERE state <> 2").isEmpty
                    }
                    frozen.signal(SIGCONT)
                    try await until("the frozen node's results are refused") {
                        frozen.errors.split(separator: "\n").count { $0.contains("late result refused") } == 4
                    }
                    try await until("it goes on under a new lease") { frozen.errors.contains("under a new lease") }
                    #expect(other.errors.contains("a node is dead, its deliveries are freed"))

                    // Numbers of attempts beside the first ones: 1 of the frozen node, which nobody heard of, 2 of the other.
                    let attempts = try await nodes.rows("SELECT number, status_code FROM attempt ORDER BY number")
                    #expect(
                        try attempts.map { try $0.get("number", as: Int.self) }
                            == [Int](repeating: 1, count: warmUp) + [2, 2, 2, 2])
                    try await client.receive("after", number: 9)
                    try await until("it delivers again") {
                        receiver.arrivals.last?.messageID != nil && receiver.count == warmUp + 9
                    }
                }
            }
        }

        /// A key that one node revoked opens nothing at another one a second later.
        @Test(.timeLimit(.minutes(15))) func aRotatedKeyStopsWorkingOnEveryNode() async throws {
            try await Nodes.with(2) { nodes in
                let (first, second) = (nodes.all[0].baseURL, nodes.all[1].baseURL)
                #expect(try await Client.send(.GET, second + "/v1/users/me").status == 200)

                let rotated = try await Client.send(.DELETE, first + "/v1/users/owner/api-keys")
                #expect(rotated.status == 200, "\(rotated.body)")

                try await until("the second node refuses the old key", within: .seconds(1)) {
                    try await Client.send(.GET, second + "/v1/users/me").status == 401
                }
            }
        }

        /// Who listens at one node hears of what another one accepted.
        @Test(.timeLimit(.minutes(15))) func anEventStreamHasTheEventsOfEveryNode() async throws {
            try await Nodes.with(2) { nodes in
                let path = nodes.all[1].baseURL + "/v1/events/stream"
                let curl = try ChildProcess(
                    "/usr/bin/curl", ["--silent", "--no-buffer", "--header", "x-api-key: \(Client.apiKey)", path],
                    environment: [:], logs: nodes.all[1].folder + "/stream")
                defer { curl.killNow() }
                try await until("the stream is open") { curl.output.contains(": open at ") }
                for number in 0..<5 {
                    let id = try await Client(installation: nodes.all[0]).receive("sms \(number)", number: number)
                    try await until("the stream has sms \(number)") { curl.output.contains(id) }
                }
            }
        }

        private func underLoad(_ body: (Nodes, NodesLoad) async throws -> Void) async throws {
            try await withReceiver { receiver in
                try await Nodes.with(3) { nodes in
                    let events = [NodesLoad.received, NodesLoad.sent]
                    try await nodes.client.webhook(receiver.baseURL + "/hook", events: events)
                    // Slow enough that something is always in flight.
                    receiver.react { _, _ in .answerAfter(.milliseconds(50), 200) }
                    try await body(nodes, NodesLoad(nodes: nodes, receiver: receiver, count: Self.perClient))
                }
            }
        }

        /// Waits for the middle of the stretch of the load that is for fault number `turn`.
        private func half(_ load: NodesLoad, _ turn: Int) async throws {
            let moment = load.total * (2 * turn - 1) / (2 * Self.repetitions)
            try await until("\(moment) SMS are posted") { load.progress.count >= moment }
        }
    }
}
