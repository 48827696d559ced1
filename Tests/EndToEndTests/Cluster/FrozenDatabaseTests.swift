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
    /// A PostgreSQL that takes connections and answers nothing, as on a volume that hangs.
    @Suite struct FrozenDatabase {
        @Test(.timeLimit(.minutes(15))) func requestsAreRefusedInTimeAndAllGoesOnByItself() async throws {
            try await withReceiver { receiver in
                try await Nodes.with(1) { nodes in
                    let client = Client(installation: nodes.all[0])
                    try await client.webhook(receiver.baseURL + "/hook", events: [NodesLoad.received])
                    // Half of the results meet the frozen database: they wait in the node.
                    receiver.react { _, earlier in earlier == 0 ? .answerAfter(.seconds(1), 200) : .answer(200) }
                    for number in 0..<5 { try await client.receive("before \(number)", number: number) }
                    try await until("all are in flight") { receiver.count == 5 }
                    try nodes.database.freeze()

                    #expect(try await client.send(.GET, "/health").status == 200)
                    try await until("it is not ready") {
                        let start = ContinuousClock.now
                        let status = try await client.send(.GET, "/health/ready").status
                        #expect(start.duration(to: .now) < .seconds(5))
                        return status == 503
                    }
                    for number in 10..<14 {
                        let start = ContinuousClock.now
                        let sms = Client.sms("frozen \(number)", from: "+18005550100", number: number)
                        let answer = try await client.send(.POST, "/v1/messages/receive", sms)
                        #expect(answer.status == 503, "\(answer.body)")
                        #expect(answer.headers["retry-after"].first != nil)
                        #expect(start.duration(to: .now) < .seconds(15))
                    }

                    try nodes.database.thaw()
                    try await until("it is ready again") {
                        try await client.send(.GET, "/health/ready").status == 200
                    }
                    try await client.receive("after", number: 20)
                    try await until("all is delivered and stored") {
                        let open = try await nodes.rows("SELECT id FROM delivery WHERE state <> 2")
                        return receiver.count >= 6 && open.isEmpty
                    }
                    #expect(nodes.all[0].server?.end == nil)
                }
            }
        }

        @Test(.timeLimit(.minutes(15))) func sigtermEndsTheServerInTime() async throws {
            try await withReceiver { receiver in
                try await Nodes.with(1) { nodes in
                    let client = Client(installation: nodes.all[0])
                    try await client.webhook(receiver.baseURL + "/hook", events: [NodesLoad.received])
                    receiver.react { _, _ in .answerAfter(.seconds(1), 200) }
                    for number in 0..<5 { try await client.receive("sms \(number)", number: number) }
                    try await until("all are in flight") { receiver.count == 5 }
                    try nodes.database.freeze()
                    // Every thread that may wait for the database does.
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for number in 10..<30 {
                            group.addTask {
                                let sms = Client.sms("frozen \(number)", from: "+18005550100", number: number)
                                _ = try? await client.send(.POST, "/v1/messages/receive", sms)
                            }
                        }
                        try await until("requests wait") {
                            try await client.send(.GET, "/health/ready").status == 503
                        }

                        // Within 10 s, and with status 0.
                        try await nodes.all[0].stop()
                    }
                    try nodes.database.thaw()
                    try await nodes.all[0].serve()
                    try await until("all is delivered and stored") {
                        try await nodes.rows("SELECT id FROM delivery WHERE state <> 2").isEmpty
                    }
                }
            }
        }
    }
}
