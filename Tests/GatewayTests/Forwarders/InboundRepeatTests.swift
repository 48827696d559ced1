import TestSupport
import Testing

/// What is one SMS and what are two, on both engines.
@Suite(.timeLimit(.minutes(15))) struct InboundRepeatTests {
    private static func body(_ more: JSON = [:]) -> String {
        JSON.object(["from": "+18005550100", "text": "Hello"]).with(more.object).written
    }

    /// Expects that `bodies` become so many messages, sent one after the other.
    private static func expect(
        _ count: Int, of bodies: [String], preset: String = "generic", every interval: Duration = .zero,
        on server: TestServer, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let forwarder = try await ForwarderFixture(server, preset: preset)
        var ids: Set<String> = []
        for body in bodies {
            let answer = try await forwarder.call("POST", body)
            #expect(answer.status == 200, "\(body) \(answer)")
            ids.insert(answer.data["id"].string)
            server.clock.advance(by: interval)
        }
        #expect(ids.count == count, "\(bodies)", sourceLocation: sourceLocation)
    }

    @Test(arguments: Engine.enabled) func theTimeTellsOneFromTheNext(engine: Engine) async throws {
        let (first, second): (JSON, JSON) = (["receivedStamp": 1_784_715_329_814], ["receivedStamp": 1_784_715_329_815])
        try await withServer(on: engine) { server in
            let (one, other) = (Self.body(first), Self.body(second))
            try await Self.expect(1, of: [one, one, one], every: .seconds(86_400), on: server)
            try await Self.expect(2, of: [one, other], on: server)
            let sim = Self.body(first.with(["sim": "sim2"]))
            let text = Self.body(first.with(["text": "Hello!"]))
            let from = Self.body(first.with(["from": "+18005550101"]))
            try await Self.expect(4, of: [one, sim, text, from], on: server)
            let written = Self.body(["date": "2026-07-22T12:15:29.814+0200"])
            try await Self.expect(1, of: [one, written], on: server)
        }
    }

    /// SmsForwarder sends again with another `timestamp`; a placeholder and 1970 are the same for all.
    @Test(arguments: Engine.enabled) func withoutATimeItIsTheSameForTenMinutes(engine: Engine) async throws {
        let table: [(preset: String, bodies: [JSON])] = [
            ("generic", [[:], [:]]), ("tasker", [["date": "%SMSRD"], ["date": "%SMSRD"]]),
            ("generic", [["timestamp": 0], ["timestamp": 0]]), ("generic", [["time": ""], ["time": .null]]),
            ("smsforwarder", [["timestamp": 1_784_715_329_814], ["timestamp": 1_784_715_339_000, "sign": "x"]]),
        ]
        try await withServer(on: engine) { server in
            for row in table {
                let bodies = row.bodies.map { Self.body($0) }
                try await Self.expect(1, of: bodies, preset: row.preset, every: .seconds(599), on: server)
                try await Self.expect(2, of: bodies, preset: row.preset, every: .seconds(602), on: server)
            }
            // From the first one, whatever came in between.
            let many = Array(repeating: Self.body(), count: 5)
            try await Self.expect(2, of: many, every: .seconds(250), on: server)
            let other = [Self.body(), Self.body(["text": "Hello!"]), Self.body(["sim": 2])]
            try await Self.expect(3, of: other, on: server)
        }
    }

    @Test func theTimeOfReceiptOfSmsForwarderTells() async throws {
        try await withServer { server in
            let bodies = ["2026-07-22 10:15:29", "2026-07-22 10:15:30", "2026-07-22 10:15:29"].map { time in
                Self.body(["receive_time": .string(time), "timestamp": 1_784_715_329_814])
            }
            try await Self.expect(2, of: bodies, preset: "smsforwarder", every: .seconds(1), on: server)
        }
    }

    @Test func anIDTellsWhateverTheTimeIs() async throws {
        try await withServer { server in
            let bodies: [JSON] = [
                ["id": 7, "date": 1_784_715_329], ["id": "7", "date": 1_784_715_330], ["messageId": "7"],
            ]
            try await Self.expect(1, of: bodies.map { Self.body($0) }, every: .seconds(9_000), on: server)
            // An app that numbers nothing sends the same id with every SMS.
            let constant: [JSON] = [["id": 1], ["id": 1, "text": "b"], ["id": 2]]
            try await Self.expect(3, of: constant.map { Self.body($0) }, on: server)
            // Ids of two apps have nothing to do with each other.
            let one = try await ForwarderFixture(server)
            let other = try await ForwarderFixture(server)
            let ids = [
                try await one.call("POST", Self.body(["id": 1])), try await other.call("POST", Self.body(["id": 1])),
            ].map { $0.data["id"] }
            #expect(ids[0] != ids[1])
        }
    }

    @Test(arguments: Engine.enabled) func equalRequestsAtOnceAreOneMessage(engine: Engine) async throws {
        try await withServer(on: engine) { server in
            let forwarder = try await ForwarderFixture(server)
            for body in [Self.body(), Self.body(["date": 1_784_715_329]), Self.body(["id": "x"])] {
                for _ in 0..<2 {
                    let ids = try await withThrowingTaskGroup(of: String.self) { group in
                        for _ in 0..<12 {
                            group.addTask { try await forwarder.call("POST", body).data["id"].string }
                        }
                        return try await group.reduce(into: Set<String>()) { $0.insert($1) }
                    }
                    #expect(ids.count == 1)
                }
                // The second one of these is beyond the ten minutes of the first, where there is no time.
                server.clock.advance(by: .seconds(601))
                let later = try await withThrowingTaskGroup(of: String.self) { group in
                    for _ in 0..<12 { group.addTask { try await forwarder.call("POST", body).data["id"].string } }
                    return try await group.reduce(into: Set<String>()) { $0.insert($1) }
                }
                #expect(later.count == 1)
            }
            #expect(try await server.emittedTypes().count == 4)
        }
    }

    @Test func aDeletedMessageIsNotMadeAgain() async throws {
        try await withServer { server in
            let forwarder = try await ForwarderFixture(server)
            let id = try await forwarder.call("POST", Self.body()).data["id"].string
            #expect(try await forwarder.account.client.delete("/v1/messages/\(id)").status == 204)

            #expect(try await forwarder.call("POST", Self.body()).data["id"].string == id)

            #expect(try await server.emittedTypes().count == 1)
        }
    }
}
