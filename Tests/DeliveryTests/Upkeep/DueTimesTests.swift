import Storage
import TestSupport
import Testing
import Timestamps

@testable import Delivery

/// What a clock that was set back leaves ahead is pulled in.
@Suite(.timeLimit(.minutes(15))) struct DueTimesTests {
    @Test(arguments: Engine.enabled) func aRetryWaitsNoLongerThanItsScheduleAfterTheClockWasSetBack(
        engine: Engine
    ) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit(2)
            let lease = Lease(at: harness.clock.now())
            let claims = try await harness.claim(endpoint, lease: lease)
            let due = harness.clock.now() + .seconds(2)
            try await harness.record(claims, .retry(at: due), lease: lease)
            harness.clock.advance(by: .seconds(-3_600))

            try await harness.pullIn(.seconds(-3_600))

            let now = harness.clock.now()
            #expect(try await harness.deliveries(to: endpoint).map(\.dueAt) == [now + .seconds(2), now + .seconds(2)])
        }
    }

    /// What is being attempted at the step and handed back later was due, and is due again at once.
    @Test(arguments: Engine.enabled) func aRetryThatIsHandedBackAfterTheStepWaitsNoLonger(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit()
            let lease = Lease(at: harness.clock.now())
            let first = try await harness.claim(endpoint, lease: lease)
            try await harness.record(first, .retry(at: harness.clock.now() + .seconds(2)), lease: lease)
            harness.clock.advance(by: .seconds(2))
            let claims = try await harness.claim(endpoint, .retry, lease: lease)
            #expect(claims.count == 1)
            harness.clock.advance(by: .seconds(-3_600))

            try await harness.pullIn(.seconds(-3_600))
            try await harness.store.write { tx in try DeliveryQueries.giveBack(claims, in: tx) }

            let row = try #require(try await harness.deliveries(to: endpoint).first)
            #expect(row.state == .pending && row.dueAt - harness.clock.now() <= .seconds(1))
        }
    }

    @Test(arguments: Engine.enabled) func aRetryThatIsNotTooFarAheadStays(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit()
            let lease = Lease(at: harness.clock.now())
            let due = harness.clock.now() + .seconds(2)
            try await harness.record(try await harness.claim(endpoint, lease: lease), .retry(at: due), lease: lease)

            try await harness.pullIn(.seconds(-3_600))

            #expect(try await harness.deliveries(to: endpoint).map(\.dueAt) == [due])
        }
    }

    @Test(arguments: Engine.enabled) func aStartPullsInWhatNoScheduleAllowsAndLeavesTheRest(
        engine: Engine
    ) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit(2)
            let lease = Lease(at: harness.clock.now())
            let claims = try await harness.claim(endpoint, lease: lease)
            let (now, ahead) = (harness.clock.now(), harness.clock.now() + .seconds(86_400))
            try await harness.record([claims[0]], .retry(at: now + .seconds(3_600)), lease: lease)
            try await harness.record([claims[1]], .retry(at: ahead), lease: lease)

            try await harness.pullIn(nil)

            let due = Set(try await harness.deliveries(to: endpoint).map(\.dueAt))
            #expect(due == [now + .seconds(3_600), now + .seconds(1)])
        }
    }

    @Test(arguments: Engine.enabled) func aThousandRetriesOfManyEndpointsAreAllPulledIn(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            for number in 0..<3 { try await harness.addEndpoint("https://r-\(number).example/") }
            try await harness.emit(501)
            let ahead = harness.clock.now() + .seconds(40 * 86_400)
            try await harness.store.write { tx in
                _ = try tx.run("UPDATE delivery SET lane = \(DeliveryLane.retry), step = 1, due_at = \(ahead)")
            }

            try await harness.pullIn(.seconds(-40 * 86_400))

            let left: Int? = try await harness.store.read { tx in
                try tx.value("SELECT COUNT(*) AS value FROM delivery WHERE due_at >= \(ahead)")
            }
            #expect(left == 0)
        }
    }

    /// The law: n, 2n and 4n endpoints against transactions and statements; those that have nothing too far ahead cost a row.
    @Test(arguments: Engine.enabled) func endpointsAreLookedAtInSlices(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            var costs: [[Int]] = []
            for (known, total) in [(0, 600), (600, 1_200), (1_200, 2_400)] {
                try await harness.store.write { [clock = harness.clock, endpoints = harness.endpoints] tx in
                    for number in known..<total {
                        let endpoint = Endpoint(
                            id: EndpointID(at: clock.now()), userID: EngineHarness.userID,
                            url: "https://r-\(number).example/", signingKey: nil, eventTypes: [], owners: [],
                            createdAt: clock.now(), updatedAt: clock.now())
                        try endpoints.insert(endpoint, in: tx)
                    }
                }
                var (transactions, statements) = (0, 0)
                var cursor: DueTimes.Cursor? = .start
                while let from = cursor {
                    let (next, count) = try await harness.store.write { [clock = harness.clock] tx in
                        let counting = CountingTransaction(tx)
                        let next = try DueTimes.pullIn(
                            by: nil, after: from, at: clock.now(), schedule: .standard, in: counting)
                        return (next, counting.statements)
                    }
                    cursor = next
                    transactions += 1
                    statements += count
                }
                costs.append([transactions, statements])
            }
            // One for each transaction, and one for what is being attempted.
            #expect(costs == [[2, 3], [3, 4], [5, 6]])
        }
    }

    @Test(arguments: Engine.enabled) func aReleaseGoesOnAtItsPace(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let id = try await harness.addEndpoint()
            try await harness.change(id) { $0.release = Release(rate: 0.5, through: 3) }
            let ahead = harness.clock.now() + .seconds(3_600)
            try await harness.store.write { tx in
                _ = try tx.run("UPDATE endpoint SET release_next_at = \(ahead) WHERE id = \(id)")
            }

            try await harness.pullIn(.seconds(-3_600))

            let next: Timestamp? = try await harness.store.read { tx in
                try tx.value("SELECT release_next_at AS value FROM endpoint WHERE id = \(id)")
            }
            #expect(next == harness.clock.now() + .seconds(2))
        }
    }
}

extension EngineHarness {
    func pullIn(_ step: Duration?) async throws {
        try await DueTimes.pullIn(by: step, store: store, clock: clock, schedule: .standard)
    }
}
