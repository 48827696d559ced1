import TestSupport
import Testing
import Timestamps

@testable import Delivery
@testable import Storage

/// What PostgreSQL makes of the statements that run all the time, with 16,384 deliveries in the analyzed table.
@Suite(.timeLimit(.minutes(15))) struct PostgresPlanTests {
    @Test func claimsWalkTheReadyIndexOfTheirEndpointAndPickOnce() async throws {
        try await withBacklog { harness, endpoint in
            for lane in DeliveryLane.allCases {
                let plan = try await plan(harness, "WITH picked") { tx in
                    _ = try DeliveryQueries.claim(
                        endpoint: endpoint, lane: lane, limit: 16, lease: Lease(at: tx.now), at: tx.now, in: tx)
                }
                #expect(plan.lines.contains { $0.contains("Index Scan using delivery_ready") }, "\(plan)")
                #expect(plan.lines.contains { $0.contains("CTE picked") }, "\(plan)")
                expectNoSeqScan(plan)
            }
        }
    }

    @Test func orderedClaimsFindWhatIsBeforeThemByIndex() async throws {
        try await withBacklog { harness, endpoint in
            var ordered = endpoint
            ordered.ordering = .message
            let plan = try await plan(harness, "WITH picked") { [ordered] tx in
                _ = try DeliveryQueries.claim(
                    endpoint: ordered, lane: .first, limit: 16, lease: Lease(at: tx.now), at: tx.now, in: tx)
            }
            #expect(plan.lines.contains { $0.contains("Index Scan using delivery_ready") }, "\(plan)")
            expectNoSeqScan(plan)
        }
    }

    @Test func resultsFindTheirRowByItsKeyAlone() async throws {
        try await withBacklog { harness, endpoint in
            let claims = try await harness.claim(endpoint.id, limit: 1, lease: Lease(at: harness.clock.now()))
            let result = RecordedAttempt(
                claim: claims[0], endpointVersion: 1, startedAt: harness.clock.now(),
                result: AttemptResult(outcome: .response(statusCode: 200)), verdict: .succeeded)
            let plan = try await plan(harness, "UPDATE delivery") { tx in _ = try ResultQueries.record([result], in: tx)
            }

            #expect(plan.lines.contains { $0.contains("Index Scan using delivery_pkey") }, "\(plan)")
            #expect(!plan.lines.contains { $0.contains("delivery_leased") }, "\(plan)")
        }
    }

    @Test func givingBackFindsItsRowByItsKeyAlone() async throws {
        try await withBacklog { harness, endpoint in
            let claims = try await harness.claim(endpoint.id, limit: 1, lease: Lease(at: harness.clock.now()))
            let plan = try await plan(harness, "UPDATE delivery") { tx in
                try DeliveryQueries.giveBack(claims, in: tx)
            }
            #expect(plan.lines.contains { $0.contains("Index Scan using delivery_pkey") }, "\(plan)")
            #expect(!plan.lines.contains { $0.contains("delivery_leased") }, "\(plan)")
        }
    }

    @Test func theScanStepsFromEndpointToEndpoint() async throws {
        try await withBacklog { harness, _ in
            let plan = try await plan(harness, "WITH RECURSIVE") { tx in
                _ = try DeliveryQueries.backlogs(after: "", in: tx)
            }
            #expect(plan.lines.count { $0.contains("delivery_ready") } >= 5, "\(plan)")
            // 16,384 rows are some hundred blocks.
            #expect(plan.blocks < 100, "\(plan)")
        }
    }

    @Test func numberingReadsWhatHasNoNumber() async throws {
        try await withBacklog { harness, _ in
            // So many that reading all of them is never the cheaper way, whatever PostgreSQL counted by now.
            let (numbered, event) = ((0..<1_000).map { _ in harness.event() }, harness.event())
            try await harness.emit(numbered)
            while try await harness.store.write(.maintenance, { try EventNumbering.step(in: $0) }).mayHaveMore {}
            try await harness.store.write { tx in try tx.emit(event) }
            _ = try await harness.store.write(.maintenance) { tx in try tx.run("ANALYZE event") }
            for start in [nil, harness.clock.now() - .seconds(2)] {
                let plans = try await postgresPlans(of: harness.store) { tx in
                    _ = try EventNumbering.step(since: start, in: tx)
                }
                let events = try #require(plans.first { $0.name == "UPDATE event" })
                #expect(events.lines.contains { $0.contains("event_fresh") }, "\(events)")
                let deliveries = try #require(plans.first { $0.name == "UPDATE delivery" })
                #expect(deliveries.lines.contains { $0.contains("delivery_fresh") }, "\(deliveries)")
                expectNoSeqScan(deliveries)
            }
        }
    }

    @Test func deliveriesOfMessagesAreFoundByThem() async throws {
        try await withBacklog { harness, endpoint in
            _ = try await harness.store.write(.maintenance) { tx in
                try tx.run("UPDATE delivery SET order_key = 'message-' || sequence")
                try tx.run("ANALYZE delivery")
            }
            var filter = DeliveryHistory.Filter()
            filter.messages = (1...16).map { "message-\($0)" }
            let plan = try await plan(harness, "SELECT d.*,") { [filter] tx in
                _ = try DeliveryHistory.list(endpoint: endpoint.id, filter, limit: 20, in: tx)
            }

            #expect(plan.lines.contains { $0.contains("delivery_subject") }, "\(plan)")
            #expect(!plan.lines.contains { $0.contains("delivery_log") }, "\(plan)")
            expectNoSeqScan(plan)
        }
    }

    private func expectNoSeqScan(_ plan: PostgresPlan) {
        #expect(!plan.lines.contains { $0.contains("Seq Scan on delivery") }, "\(plan)")
    }

    /// The plan of the statement that begins with `name`.
    private func plan(
        _ harness: EngineHarness, _ name: String, _ body: @escaping @Sendable (any Transaction) throws -> Void
    ) async throws -> PostgresPlan {
        let plans = try await postgresPlans(of: harness.store, body)
        return try #require(plans.first { $0.name == name }, "\(plans.map(\.name))")
    }

    /// 16,384 deliveries of one event at one endpoint, of which one in ten waits and one is leased.
    private func withBacklog(_ body: (EngineHarness, Endpoint) async throws -> Void) async throws {
        try await withEngine(.postgresql) { harness in
            let id = try await harness.addEndpoint()
            try await harness.emit()
            _ = try await harness.store.write(.maintenance) { tx in
                try tx.run(
                    """
                    INSERT INTO delivery (
                        id, event_id, endpoint_id, sequence, state, lane, due_at, attempt, step, created_at)
                    SELECT id || number, event_id, endpoint_id, sequence + number, 0, lane, due_at + number, 0, 0,
                        created_at
                    FROM delivery, generate_series(1, 16383) AS number
                    """)
                try tx.run("UPDATE tally SET accepted = 16384")
                try tx.run("UPDATE delivery SET state = \(DeliveryState.succeeded) WHERE sequence % 10 <> 0")
            }
            _ = try await harness.claim(id, limit: 1, lease: Lease(at: harness.clock.now()))
            _ = try await harness.store.write(.maintenance) { tx in try tx.run("ANALYZE delivery") }
            let endpoint = try await harness.store.read { tx in
                try harness.endpoints.find(id, userID: EngineHarness.userID, in: tx)
            }
            try await body(harness, try #require(endpoint))
        }
    }
}
