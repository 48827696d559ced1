import Storage
import TestSupport
import Testing
import Timestamps

@testable import Delivery

/// The plans of the queries that run all the time, with 16,384 deliveries in the table.
struct QueryPlanTests {
    @Test func claimsWalkTheReadyIndexOfTheirEndpoint() async throws {
        try await withBacklog { harness, endpoint in
            for lane in DeliveryLane.allCases {
                let plan = try await plans(harness) { tx in
                    _ = try DeliveryQueries.claim(
                        endpoint: endpoint, lane: lane, limit: 16, lease: Lease(at: tx.now), at: tx.now, in: tx)
                }
                #expect(plan.contains { $0.contains("delivery_ready (endpoint_id=? AND lane=?") }, "\(plan)")
                expectNoScan(plan)
            }
        }
    }

    @Test func orderedClaimsFindWhatIsBeforeThemByIndex() async throws {
        try await withBacklog { harness, endpoint in
            var ordered = endpoint
            ordered.ordering = .message
            let plan = try await plans(harness) { [ordered] tx in
                _ = try DeliveryQueries.claim(
                    endpoint: ordered, lane: .first, limit: 16, lease: Lease(at: tx.now), at: tx.now, in: tx)
            }
            #expect(plan.contains { $0.contains("delivery_subject (order_key=?") }, "\(plan)")
            expectNoScan(plan)
        }
    }

    @Test func theScanStepsFromEndpointToEndpoint() async throws {
        try await withBacklog { harness, _ in
            let plan = try await plans(harness) { tx in _ = try DeliveryQueries.backlogs(after: "", in: tx) }

            #expect(plan.count { $0.contains("delivery_ready (endpoint_id>?)") } == 2, "\(plan)")
            #expect(plan.count { $0.contains("delivery_ready (endpoint_id=? AND lane=?)") } == 3, "\(plan)")
            expectNoScan(plan)
        }
    }

    @Test func freeingReadsLeasedRowsOnly() async throws {
        try await withBacklog { harness, _ in
            let plan = try await plans(harness) { tx in
                _ = try NodeQueries.freeOrphans(limit: 500, in: tx)
            }

            #expect(plan.contains { $0.contains("delivery_leased") }, "\(plan)")
            expectNoScan(plan, but: "delivery_leased")
        }
    }

    @Test func cancellingWalksTheReadyIndex() async throws {
        try await withBacklog { harness, endpoint in
            try await harness.store.write { tx in try harness.endpoints.delete(endpoint.id, in: tx) }
            let plan = try await plans(harness) { tx in
                _ = try DeliveryQueries.cancelForDeletedEndpoints(limit: 20_000, in: tx)
            }

            #expect(plan.contains { $0.contains("endpoint_deleted") }, "\(plan)")
            #expect(plan.contains { $0.contains("delivery_ready (endpoint_id=?)") }, "\(plan)")
            expectNoScan(plan, but: "delivery_leased", "endpoint_deleted")
        }
    }

    @Test func resultsFindTheirRowByItsID() async throws {
        try await withBacklog { harness, endpoint in
            let lease = Lease(at: harness.clock.now())
            let claims = try await harness.claim(endpoint.id, limit: 1, lease: lease)
            let result = RecordedAttempt(
                claim: claims[0], endpointVersion: 1, startedAt: harness.clock.now(),
                result: AttemptResult(outcome: .response(statusCode: 500)), verdict: .failed)
            let plan = try await plans(harness) { tx in _ = try ResultQueries.record([result], in: tx) }

            #expect(plan.contains { $0.contains("delivery USING INDEX sqlite_autoindex_delivery_1 (id=?)") }, "\(plan)")
            expectNoScan(plan)
        }
    }

    @Test func aTimeIsFoundInTheLogByItsIndex() async throws {
        try await withBacklog { harness, endpoint in
            var filter = DeliveryHistory.Filter()
            (filter.since, filter.until) = (harness.clock.now(), harness.clock.now() + .seconds(1))
            let plan = try await plans(harness) { [filter] tx in
                _ = try DeliveryHistory.list(endpoint: endpoint.id, filter, limit: 20, in: tx)
            }

            #expect(plan.contains { $0.contains("delivery_log (endpoint_id=? AND sequence>?") }, "\(plan)")
            expectNoScan(plan)
        }
    }

    @Test func deliveriesOfMessagesAreFoundByThem() async throws {
        try await withBacklog { harness, endpoint in
            var filter = DeliveryHistory.Filter()
            filter.messages = (0..<16).map { "message-\($0)" }
            let plan = try await plans(harness) { [filter] tx in
                _ = try DeliveryHistory.list(endpoint: endpoint.id, filter, limit: 20, in: tx)
            }

            #expect(plan.contains { $0.contains("delivery_subject (order_key=?") }, "\(plan)")
            #expect(!plan.contains { $0.contains("delivery_log") }, "\(plan)")
            expectNoScan(plan)
        }
    }

    private func expectNoScan(_ plan: [String], but allowed: String...) {
        for line in plan where line.hasPrefix("SCAN") {
            let isOfTable = ["delivery", "d", "o", "event", "event_body", "endpoint", "e", "attempt"].contains {
                line == "SCAN \($0)" || line.hasPrefix("SCAN \($0) ")
            }
            #expect(!isOfTable || allowed.contains { line.contains($0) }, "\(line)")
        }
    }

    private func plans(
        _ harness: EngineHarness, _ body: @escaping @Sendable (any Transaction) throws -> Void
    ) async throws -> [String] {
        try await queryPlans(of: harness.store, body)
    }

    /// 16,384 deliveries of one event at one endpoint, of which one in ten waits and one is leased.
    private func withBacklog(_ body: (EngineHarness, Endpoint) async throws -> Void) async throws {
        try await withEngine(.sqlite) { harness in
            let id = try await harness.addEndpoint()
            try await harness.emit()
            try await harness.store.write { tx in
                // Doubled in place: emitting so many would take longer than all the tests here.
                for power in 0..<14 {
                    try tx.run("CREATE TEMP TABLE twin AS SELECT * FROM delivery")
                    try tx.run("UPDATE twin SET id = LOWER(HEX(RANDOMBLOB(16))), sequence = sequence + \(1 << power)")
                    try tx.run("INSERT INTO delivery SELECT * FROM twin")
                    try tx.run("DROP TABLE twin")
                }
                try tx.run("UPDATE delivery SET state = \(DeliveryState.succeeded) WHERE sequence % 10 <> 0")
            }
            _ = try await harness.claim(id, limit: 1, lease: Lease(at: harness.clock.now()))
            #expect(try await harness.count(.pending) == 1_637)
            let endpoint = try await harness.store.read { tx in
                try harness.endpoints.find(id, userID: EngineHarness.userID, in: tx)
            }
            try await body(harness, try #require(endpoint))
        }
    }
}
