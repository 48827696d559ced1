import Storage
import Synchronization
import TestSupport
import Testing
import Timestamps

@testable import Delivery

/// Claims that are handed back unattempted: no try is lost, and none is gained.
@Suite(.timeLimit(.minutes(15))) struct HandedBackTests {
    @Test(arguments: Engine.enabled) func whatWasNotTriedCountsAsNoAttempt(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit()
            let lease = Lease(at: harness.clock.now())
            let schedule = RetrySchedule.standard
            var (lane, steps) = (DeliveryLane.first, [Int]())

            for number in 0...schedule.delays.count {
                for _ in 0..<7 {
                    let claims = try await harness.claim(endpoint, lane, lease: lease)
                    try await harness.store.write { tx in try DeliveryQueries.giveBack(claims, in: tx) }
                }
                let claims = try await harness.claim(endpoint, lane, lease: lease)
                let claim = try #require(claims.first)
                #expect(claim.attempt == number + 1 && claim.step == number)
                steps.append(claim.step)
                let result = AttemptResult(outcome: .response(statusCode: 500))
                let verdict = Verdict(
                    of: result, step: claim.step, at: harness.clock.now(), schedule: schedule, jitter: 1)
                #expect(try await harness.record(claims, verdict, lease: lease) == [])
                harness.clock.advance(by: .seconds(3_600))
                lane = .retry
            }

            #expect(steps == [0, 1, 2, 3, 4])
            #expect(try await harness.attempts(of: endpoint) == (1...5).map { "\($0) 500" })
            #expect(try await harness.deliveries(to: endpoint).map(\.state) == [.failed])
            let id = try #require(try await harness.deliveries(to: endpoint).first).id
            let record = try await harness.store.read { tx in
                try DeliveryHistory.find(id, userID: EngineHarness.userID, in: tx)
            }
            #expect(record?.attemptCount == 5)
        }
    }

    /// The answer to the first was lost, and the delivery is claimed again by the same process meanwhile.
    @Test(arguments: Engine.enabled) func handingBackAgainFreesNoLaterClaim(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit()
            let lease = Lease(at: harness.clock.now())
            let first = try await harness.claim(endpoint, lease: lease)
            try await harness.store.write { tx in try DeliveryQueries.giveBack(first, in: tx) }
            let second = try await harness.claim(endpoint, lease: lease)

            try await harness.store.write { tx in try DeliveryQueries.giveBack(first, in: tx) }

            #expect(try await harness.count(.leased) == 1)
            #expect(try await harness.record(second, .succeeded, lease: lease) == [])
            #expect(try await harness.attempts(of: endpoint) == ["1 200"])
        }
    }

    /// As those who number deliveries and store results do: each would wait for the other otherwise, and one of them run again.
    @Test(.enabled(if: Engine.enabled.contains(.postgresql)))
    func claimsAreHandedBackInTheOrderOfTheirBirth() async throws {
        try await withEngine(.postgresql) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit(3)
            let claims = try await harness.claim(endpoint, lease: Lease(at: harness.clock.now()))
            let ids = claims.sorted { ($0.createdAt, $0.id) < ($1.createdAt, $1.id) }.map(\.id)
            let (store, isHeld, runs) = (harness.store, Flag(), Runs())
            async let other: Void = store.write { tx in
                runs.add()
                for id in ids {
                    _ = try tx.rows("SELECT id FROM delivery WHERE id = \(id) \(.forUpdate)")
                    isHeld.set()
                    if id == ids[0] { try Self.waitUntilSomebodyWaits(in: tx) }
                }
            }
            try await until("the first is locked") { isHeld.isSet }

            try await store.write(.engine) { tx in
                runs.add()
                try DeliveryQueries.giveBack(claims.sorted { ($0.createdAt, $0.id) > ($1.createdAt, $1.id) }, in: tx)
            }

            try await other
            #expect(runs.count == 2)
            #expect(try await harness.count(.leased) == 0)
        }
    }

    /// Looks until a transaction waits for `tx`, for 30 s at most.
    private static func waitUntilSomebodyWaits(in tx: any Transaction) throws {
        let end = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < end {
            let waiting = try tx.rows(
                """
                SELECT pid
                FROM pg_locks
                WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))
                """)
            if !waiting.isEmpty { return }
        }
    }

    /// How often bodies of transactions ran.
    private final class Runs: Sendable {
        private let number = Atomic(0)

        var count: Int { number.load(ordering: .relaxed) }

        func add() { number.add(1, ordering: .relaxed) }
    }

    /// Nobody knows whether a claim was attempted whose process is gone: its number is not given again.
    @Test(arguments: Engine.enabled) func whatADeadNodeMayHaveTriedKeepsItsNumber(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit()
            let lease = Lease(at: harness.clock.now())
            let claims = try await harness.claim(endpoint, lease: lease)
            try await harness.store.write { tx in
                try DeliveryQueries.free(claims.map(\.id), lease: lease, in: tx)
            }

            let again = try await harness.claim(endpoint, lease: lease)

            #expect(again.map(\.attempt) == [2] && again.map(\.step) == [0])
        }
    }
}
