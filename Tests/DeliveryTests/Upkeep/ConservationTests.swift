import Storage
import TestSupport
import Testing
import Timestamps

@testable import Delivery

/// Every delivery is accounted for at all times, and what is not is named.
@Suite(.timeLimit(.minutes(15))) struct ConservationTests {
    @Test(arguments: Engine.enabled) func everyStateIsAccountedFor(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let active = try await harness.addEndpoint()
            let paused = try await harness.addEndpoint()
            try await harness.change(paused) { $0.status = .paused }
            try await harness.emit(5)
            try await harness.setStates([.succeeded, .succeeded, .failed, .leased], of: active)

            let accounts = try await harness.accounts()

            let first = try #require(accounts[active])
            #expect(first.accepted == 5 && first.succeeded == 2 && first.failed == 1)
            #expect(first.delivering == 1 && first.pending == 1 && first.held == 0 && first.unaccounted == 0)
            let second = try #require(accounts[paused])
            #expect(second.held == 5 && second.pending == 0 && second.unaccounted == 0)
        }
    }

    @Test(arguments: Engine.enabled) func aRowThatVanishedIsUnaccountedForAndNamed(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit(7)
            try await harness.store.write { tx in
                _ = try tx.run("DELETE FROM delivery WHERE endpoint_id = \(endpoint) AND sequence = 4")
            }

            let account = try #require(try await harness.accounts()[endpoint])
            let slice = try await harness.store.read { tx in try Audit.slice(of: endpoint, after: 0, in: tx) }

            #expect(account.unaccounted == 1)
            #expect(slice.mismatch?.expected == 7 && slice.mismatch?.found == 6)
            #expect(slice.next == 7)
        }
    }

    @Test(arguments: Engine.enabled) func aStateThatDoesNotFitItsCounterIsFound(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit(3)
            try await harness.setStates([.succeeded, .failed], of: endpoint)
            let before = try await AuditWalk(harness.store).run().mismatches

            try await harness.store.write { tx in
                _ = try tx.run("UPDATE delivery SET state = 3 WHERE endpoint_id = \(endpoint) AND state = 2")
            }
            let after = try await AuditWalk(harness.store).run().mismatches

            #expect(before.isEmpty)
            #expect(Set(after.map(\.subject)) == ["succeeded", "failed"])
        }
    }

    /// On PostgreSQL an event may be delivered before it has its number.
    @Test(arguments: Engine.enabled) func whatHasNoNumberYetIsAuditedToo(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit(2)
            let event = harness.event()
            try await harness.store.write { tx in
                try tx.emit(event)
                try tx.run(
                    "UPDATE delivery SET state = \(literal: DeliveryState.succeeded.rawValue) WHERE event_id = \(event.id)"
                )
                try tx.run("UPDATE tally SET succeeded = succeeded + 1 WHERE endpoint_id = \(endpoint)")
            }

            #expect(try await AuditWalk(harness.store).run().mismatches.isEmpty)
        }
    }

    @Test(arguments: Engine.enabled) func retentionPrunesAPrefixAndKeepsTheAccount(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit(600)
            try await harness.end(.succeeded, of: endpoint)
            harness.clock.advance(by: .seconds(40 * 86_400))
            try await harness.emit(2)

            try await harness.upkeep.prune()

            let rows = try await harness.deliveries(to: endpoint)
            #expect(rows.map(\.sequence) == [601, 602])
            let account = try #require(try await harness.accounts()[endpoint])
            #expect(account.pruned == 600 && account.succeeded == 0 && account.failed == 0 && account.unaccounted == 0)
            let slice = try await harness.store.read { tx in try Audit.slice(of: endpoint, after: 0, in: tx) }
            #expect(slice.mismatch == nil)
            let events: Int? = try await harness.store.read { tx in
                try tx.value("SELECT COUNT(*) AS value FROM event_body")
            }
            #expect(events == 2)
        }
    }

    @Test(arguments: Engine.enabled) func retentionStopsAtADeliveryThatIsBeingAttempted(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit(4)
            try await harness.setStates([.succeeded, .leased], of: endpoint)
            harness.clock.advance(by: .seconds(40 * 86_400))

            try await harness.upkeep.prune()

            #expect(try await harness.deliveries(to: endpoint).map(\.sequence) == [2, 3, 4])
        }
    }

    @Test(arguments: Engine.enabled) func aReplayedEventIsKeptAsLongAsANewOne(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit(1)
            try await harness.setStates([.succeeded], of: endpoint)
            let delivery = try #require(try await harness.deliveries(to: endpoint).first).id
            harness.clock.advance(by: .seconds(29 * 86_400))
            let isOpen = try await harness.store.write { tx in
                try ReplayQueries.reopen(delivery, lane: .replay, in: tx)
            }
            harness.clock.advance(by: .seconds(3 * 86_400))
            try await harness.store.write { tx in
                _ = try tx.run("UPDATE delivery SET created_at = \(tx.now) WHERE id = \(delivery)")
            }

            try await harness.upkeep.prune()

            #expect(isOpen)
            let bodies: Int? = try await harness.store.read { tx in
                try tx.value("SELECT COUNT(*) AS value FROM event_body")
            }
            #expect(bodies == 1)
        }
    }

    @Test(arguments: Engine.enabled) func theMinutelyAuditFeedsTheMetric(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit(3)
            let metrics = DeliveryMetrics()
            let upkeep = Upkeep(
                store: harness.store, clock: harness.clock, retention: .seconds(86_400), metrics: metrics,
                logger: EngineHarness.logger)
            var position = Upkeep.Position()

            try await upkeep.audit(&position)
            let before = metrics.snapshot.unaccounted
            try await harness.store.write { tx in
                _ = try tx.run("DELETE FROM delivery WHERE endpoint_id = \(endpoint) AND sequence = 1")
            }
            try await upkeep.audit(&position)

            #expect(before == 0)
            #expect(metrics.snapshot.unaccounted == 1)
        }
    }
}

extension EngineHarness {
    /// Upkeep with the default retention of 30 days.
    var upkeep: Upkeep {
        Upkeep(
            store: store, clock: clock, retention: .seconds(30 * 86_400), metrics: DeliveryMetrics(),
            logger: Self.logger)
    }

    /// The account of every endpoint.
    func accounts() async throws -> [EndpointID: Audit.Account] {
        let accounts = try await store.read { tx in try Audit.accounts(in: tx) }
        return Dictionary(uniqueKeysWithValues: accounts.map { ($0.endpoint, $0) })
    }

    /// Puts the first deliveries of an endpoint into `states`, counters included.
    func setStates(_ states: [DeliveryState], of endpoint: EndpointID) async throws {
        try await store.write { tx in
            for (index, state) in states.enumerated() {
                try tx.run(
                    """
                    UPDATE delivery
                    SET state = \(state), lease = \(state == .leased ? "a lease" : nil)
                    WHERE endpoint_id = \(endpoint) AND sequence = \(index + 1)
                    """)
            }
            try tx.run(
                """
                UPDATE tally
                SET succeeded = \(states.count { $0 == .succeeded }), failed = \(states.count { $0 == .failed })
                WHERE endpoint_id = \(endpoint)
                """)
        }
    }
}

extension Upkeep {
    /// The first round of a process.
    func prune() async throws {
        var state = Progress()
        try await prune(&state)
    }
}
