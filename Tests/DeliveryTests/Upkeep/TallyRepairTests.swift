import Storage
import Synchronization
import TestSupport
import Testing
import Timestamps

@testable import Delivery

/// Accounts that are wrong are found in slices of any number, and set right by what the rows say.
@Suite(.timeLimit(.minutes(15))) struct TallyRepairTests {
    @Test(arguments: Engine.enabled) func anAccountThatWasPrunedTwiceIsFoundAndRepaired(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit(30)
            try await harness.setStates([.succeeded, .succeeded, .failed], of: endpoint)
            try await harness.store.write { tx in
                _ = try tx.run(
                    "UPDATE tally SET succeeded = -28, pruned = 30 WHERE endpoint_id = \(endpoint)")
            }
            let before = try await AuditWalk(harness.store).run().mismatches

            let outcome = try await TallyRepair.repair(endpoint, in: harness.store)

            #expect(Set(before.map(\.subject)) == ["succeeded", "pruned"])
            guard case .repaired(let record) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(record.was == "succeeded -28, failed 1, cancelled 0, pruned 30")
            #expect(record.became == "succeeded 2, failed 1, cancelled 0, pruned 0")
            #expect(try await harness.store.read { tx in try TallyRepair.records(in: tx).map(\.was) } == [record.was])
            #expect(try await AuditWalk(harness.store).run().mismatches == [])
            guard case .right = try await TallyRepair.repair(endpoint, in: harness.store) else {
                Issue.record("repaired twice")
                return
            }
        }
    }

    @Test(arguments: Engine.enabled) func aMissingRowIsSeenThoughTheCounterCallsItPruned(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit(20)
            try await harness.store.write { tx in
                try tx.run("UPDATE tally SET pruned = 15 WHERE endpoint_id = \(endpoint)")
                try tx.run("DELETE FROM delivery WHERE endpoint_id = \(endpoint) AND sequence = 7")
            }

            let walk = try await AuditWalk(harness.store).run().mismatches
            _ = try await TallyRepair.repair(endpoint, in: harness.store)
            let after = try await AuditWalk(harness.store).run().mismatches

            #expect(walk.contains { $0.subject == "deliveries 1 to 20" && $0.found == 19 })
            // It is not hidden by a counter.
            #expect(after.contains { $0.subject == "deliveries 1 to 20" && $0.found == 19 })
            #expect(after.contains { $0.subject == "unaccounted" && $0.found == 1 })
        }
    }

    @Test(arguments: Engine.enabled) func aLargeAccountIsCountedInSlices(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.fill(endpoint, count: 25_000)
            let seen = Recorded()

            let clean = try await AuditWalk(harness.store) { rows, total in seen.add(rows, total) }.run().mismatches
            try await harness.store.write { tx in
                _ = try tx.run("DELETE FROM delivery WHERE endpoint_id = \(endpoint) AND sequence = 20500")
            }
            let broken = try await AuditWalk(harness.store).run().mismatches

            #expect(clean == [])
            #expect(seen.rows == [10_000, 20_000, 25_000, 25_000])
            #expect(seen.totals == [25_000])
            #expect(broken.contains { $0.subject == "deliveries 20001 to 25000" && $0.found == 4_999 })
        }
    }
}

/// What an audit told of its progress.
private final class Recorded: Sendable {
    private let values = Mutex<[(Int64, Int64)]>([])

    var rows: [Int64] { values.withLock { $0.map(\.0) } }
    var totals: Set<Int64> { values.withLock { Set($0.map(\.1)) } }

    func add(_ rows: Int64, _ total: Int64) { values.withLock { $0.append((rows, total)) } }
}

extension EngineHarness {
    /// Gives an endpoint `count` deliveries that succeeded, one behind the other in its sequence.
    func fill(_ endpoint: EndpointID, count: Int) async throws {
        try await store.write { tx in
            try tx.run(
                """
                WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < \(count))
                INSERT INTO delivery (
                    id, event_id, endpoint_id, sequence, state, lane, due_at, attempt, step, created_at)
                SELECT \(endpoint.text) || '-' || n, 'event', \(endpoint), n,
                    \(literal: DeliveryState.succeeded.rawValue), 0, \(tx.now), 1, 0, \(tx.now)
                FROM numbers
                """)
            try tx.run(
                "UPDATE tally SET accepted = \(count), succeeded = \(count) WHERE endpoint_id = \(endpoint)")
        }
    }
}
