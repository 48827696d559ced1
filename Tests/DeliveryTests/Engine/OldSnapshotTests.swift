import TestSupport
import Testing
import Timestamps

@testable import Delivery
@testable import Storage

/// Beside a transaction that stays open, as that of a `pg_dump`: PostgreSQL keeps for it whatever changes.
@Suite(.timeLimit(.minutes(15))) struct OldSnapshotTests {
    /// The blocks that each kind of statement looked at for one event.
    private typealias Cost = [String: Int]

    @Test func anEventCostsTheSameAfterFourTimesAsMany() async throws {
        try await withEngine(.postgresql) { harness in
            let id = try await harness.addEndpoint()
            let lease = Lease(at: harness.clock.now())
            try await harness.store.write { tx in
                try NodeQueries.insert(lease, name: "node", version: "1", life: .seconds(20), in: tx)
            }
            let engine = Engine(harness: harness, endpoint: id, lease: lease)
            for _ in 0..<20 { try await engine.pass() }
            // So many that no table is read whole, which would hide what an index costs.
            _ = try await harness.store.write(.maintenance) { tx in
                try tx.run(
                    """
                    INSERT INTO event
                    SELECT id || number, position + 20 * number, user_id, type, owner, source, matches, order_key, order_no,
                        only_endpoint_id, created_at, retained_from
                    FROM event, generate_series(1, 800) AS number
                    """)
                try tx.run("UPDATE log_head SET position = 16020")
                try tx.run(
                    """
                    INSERT INTO delivery (id, event_id, endpoint_id, sequence, state, lane, due_at, attempt, step, created_at)
                    SELECT id || number, event_id, endpoint_id, sequence + 20 * number, state, lane, due_at, 1, 0, created_at
                    FROM delivery, generate_series(1, 800) AS number
                    """)
                try tx.run("UPDATE tally SET accepted = 16020")
                try tx.run("ANALYZE")
            }

            try await withOldSnapshot(of: harness.store) {
                var costs: [Cost] = []
                for _ in 0..<4 {
                    for _ in 0..<150 { try await engine.pass() }
                    costs.append(try await engine.measure())
                }
                let names = Set(costs.flatMap(\.keys)).sorted()
                let table = names.map { name in "\(name): \(costs.map { $0[name] ?? 0 })" }.joined(separator: "\n")
                for name in names {
                    let first = costs[0][name] ?? 0
                    let last = costs[3][name] ?? 0
                    #expect(first > 0, "\(name) was not measured\n\(table)")
                    #expect(Double(last) <= Double(first) * 1.5 + 3, "\(name)\n\(table)")
                }
                let sums = costs.map { $0.values.reduce(0, +) }
                #expect(Double(sums[3]) <= Double(sums[0]) * 1.25, "\(table)")
                print("old snapshot\n\(table)")
            }
        }
    }

    /// Freed, or committed late: it lies behind what was claimed since.
    @Test func whatIsBehindACursorIsFoundByAFullLook() {
        let cursors = ClaimCursors()
        let id = EndpointID(trusted: "endpoint")
        let due = Timestamp(microseconds: 1_000_000_000)
        let start = ContinuousClock.now
        func next(_ seconds: Double) -> Timestamp? {
            cursors.start(id, .first, time: due, at: start + .seconds(seconds))
        }

        #expect(next(0) == nil)
        cursors.claimed(through: due, mayHaveMore: false, of: id, .first, at: start)
        #expect(next(0.5) == due - .seconds(2))
        #expect(next(1) == due - .seconds(15))
        #expect(next(1.5) == due - .seconds(2))
        #expect(next(10) == nil)
        #expect(next(10.1) == due - .seconds(2))
        // A full look that filled its claim may have more right behind it.
        cursors.claimed(through: due - .seconds(60), mayHaveMore: true, of: id, .first, at: start)
        #expect(next(10.2) == due - .seconds(62))
        cursors.claimed(through: due - .seconds(50), mayHaveMore: false, of: id, .first, at: start)
        cursors.claimed(through: due - .seconds(55), mayHaveMore: false, of: id, .first, at: start)
        #expect(next(10.3) == due - .seconds(52))
        #expect(cursors.start(id, .retry, time: due, at: start) == nil)
        // The clock was set back: all that comes is due before where claims ended.
        #expect(cursors.start(id, .first, time: due - .seconds(60), at: start + .seconds(10.3)) == due - .seconds(52))
        #expect(cursors.start(id, .first, time: due - .seconds(66), at: start + .seconds(10.3)) == nil)
        #expect(next(10.4) == nil, "it is forgotten")
    }

    @Test func whatIsBehindANumberingLookIsFoundByAFullOne() {
        let looks = NumberingLooks()
        let time = Timestamp(microseconds: 1_000_000_000)
        let start = ContinuousClock.now
        func next(_ seconds: Double) -> Timestamp? { looks.start(time: time, at: start + .seconds(seconds)) }

        #expect(next(0) == nil)
        #expect(next(0.1) == nil, "nothing is known to be complete")
        looks.isComplete(at: time)
        #expect(next(0.2) == time - .seconds(2))
        #expect(next(1.2) == time - .seconds(15))
        #expect(next(1.3) == time - .seconds(2))
        #expect(looks.start(time: time - .seconds(16), at: start + .seconds(1.4)) == nil, "the clock was set back")
        #expect(next(1.5) == time - .seconds(2))
        #expect(next(62) == nil)
    }

    /// What a node does for an event, a second apart by its clock.
    private struct Engine: Sendable {
        let harness: EngineHarness
        let endpoint: EndpointID
        let lease: Lease
        let cursors = ClaimCursors()
        let looks = NumberingLooks()
        let slots = NumberingLooks()

        func pass() async throws {
            let row = try await emit()
            try await harness.store.write { tx in _ = try EventNumbering.sweep(looks, in: tx) }
            let claims = try await harness.store.write(.engine) { tx in try claim(row, in: tx) }
            #expect(claims.count == 1)
            try await harness.store.write(.engine) { tx in try record(claims, in: tx) }
            try await harness.store.write(.maintenance) { tx in _ = try EndpointSlots.sweep(slots, in: tx) }
        }

        /// The same, measured.
        func measure() async throws -> Cost {
            harness.clock.advance(by: .seconds(1))
            let event = harness.event()
            var cost = try await cost("emit") { tx in try tx.emit(event) }
            let row = try #require(
                try await harness.store.read { tx in
                    try harness.endpoints.find(endpoint, userID: EngineHarness.userID, in: tx)
                })
            cost.merge(try await self.cost("number") { tx in _ = try EventNumbering.sweep(looks, in: tx) }) {
                max($0, $1)
            }
            cost.merge(try await self.cost("claim") { tx in _ = try claim(row, in: tx) }) { max($0, $1) }
            let ids = try await harness.store.read { tx in try DeliveryQueries.leased(by: lease, in: tx) }
            cost.merge(try await self.cost("give back") { tx in try DeliveryQueries.free(ids, lease: lease, in: tx) }) {
                max($0, $1)
            }
            let claims = try await harness.store.write(.engine) { tx in try claim(row, in: tx) }
            cost.merge(try await self.cost("orphans") { tx in _ = try NodeQueries.freeOrphans(limit: 500, in: tx) }) {
                max($0, $1)
            }
            cost.merge(try await self.cost("result") { tx in try record(claims, in: tx) }) { max($0, $1) }
            return cost
        }

        private func cost(
            _ step: String, _ body: @escaping @Sendable (any Transaction) throws -> Void
        ) async throws -> Cost {
            let plans = try await postgresPlans(of: harness.store, body)
            return Dictionary(plans.map { ("\(step): \($0.name)", $0.blocks) }, uniquingKeysWith: max)
        }

        private func record(_ claims: [ClaimedDelivery], in tx: any Transaction) throws {
            let results = claims.map { claim in
                RecordedAttempt(
                    claim: claim, endpointVersion: 1, startedAt: tx.now,
                    result: AttemptResult(outcome: .response(statusCode: 200)), verdict: .succeeded)
            }
            #expect(try ResultQueries.record(results, in: tx).refused == [])
        }

        private func emit() async throws -> Endpoint {
            harness.clock.advance(by: .seconds(1))
            let event = harness.event()
            return try await harness.store.write { tx in
                try tx.emit(event)
                return try #require(try harness.endpoints.find(endpoint, userID: EngineHarness.userID, in: tx))
            }
        }

        private func claim(_ row: Endpoint, in tx: any Transaction) throws -> [ClaimedDelivery] {
            try DeliveryQueries.claim(
                endpoint: row, lane: .first, limit: 16, lease: lease, at: tx.now, cursors: cursors, in: tx
            ).deliveries
        }
    }

    private func withOldSnapshot(of store: any Store, _ body: () async throws -> Void) async throws {
        let url = try #require((store as? PostgresStore)?.servers.url)
        let other = try PostgresConnection(to: PostgresServers(url: url))
        try other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM event LIMIT 1")
        try await body()
        try other.execute("COMMIT")
    }
}
