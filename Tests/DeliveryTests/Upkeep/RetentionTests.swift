import HTTPSMSWebhooks
import Logging
import Storage
import TestSupport
import Testing
import Timestamps

@testable import Delivery

/// Retention beside other nodes, replays and many endpoints.
@Suite(.timeLimit(.minutes(15))) struct RetentionTests {
    private static let age: Duration = .seconds(40 * 86_400)

    @Test(arguments: Engine.enabled) func nodesThatPruneAtOnceCountEachRowOnce(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoints = [try await harness.addEndpoint(), try await harness.addEndpoint()]
            try await harness.emit(1_200)
            for endpoint in endpoints { try await harness.end(.succeeded, of: endpoint) }
            harness.clock.advance(by: Self.age)

            await withTaskGroup(of: Void.self) { nodes in
                for _ in 0..<3 {
                    nodes.addTask { await #expect(throws: Never.self) { try await harness.upkeep.prune() } }
                }
            }
            try await harness.upkeep.prune()

            let accounts = try await harness.accounts()
            for endpoint in endpoints {
                let account = try #require(accounts[endpoint])
                #expect(account.accepted == 1_200 && account.pruned == 1_200)
                #expect(account.succeeded == 0 && account.unaccounted == 0)
            }
        }
    }

    @Test(arguments: Engine.enabled) func aRoundThatPassesReplaysKeepsTheAccount(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit(900)
            try await harness.end(.succeeded, of: endpoint)
            let rows = try await harness.deliveries(to: endpoint)
            harness.clock.advance(by: Self.age)

            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await harness.upkeep.prune() }
                tasks.addTask {
                    for row in rows.reversed() {
                        _ = try await harness.store.write { tx in
                            try ReplayQueries.reopen(row.id, lane: .replay, in: tx)
                        }
                    }
                }
                try await tasks.waitForAll()
            }

            let account = try #require(try await harness.accounts()[endpoint])
            #expect(account.unaccounted == 0 && account.accepted == 900)
            #expect(try await AuditWalk(harness.store).run().mismatches == [])
        }
    }

    /// What is read per pruned row does not grow with the endpoints that have nothing to prune, or with the young rows.
    @Test(arguments: [100, 200, 400]) func aRoundCostsWhatItDeletes(young: Int) async throws {
        try await withEngine(.sqlite) { harness in
            let old = try await harness.addEndpoint()
            try await harness.emit(5)
            try await harness.end(.succeeded, of: old)
            harness.clock.advance(by: Self.age)
            for _ in 0..<young { try await harness.addEndpoint(owners: ["+18005550111"]) }
            try await harness.emit(1, owner: "+18005550111")
            let cutoff = harness.clock.now() - .seconds(30 * 86_400)

            let (statements, pruned) = try await harness.store.write(.maintenance) { tx in
                let counting = CountingTransaction(tx)
                let pruned = try Retention.prune(before: cutoff, after: nil, in: counting).pruned
                return (counting.statements, pruned)
            }

            #expect(pruned.deliveries == [.succeeded: 5])
            #expect(statements < 12, "\(statements) statements")
        }
    }

    @Test(arguments: Engine.enabled) func anEndpointWithNothingToPruneIsNotLookedAtAgain(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit(3)
            try await harness.end(.succeeded, of: endpoint)
            harness.clock.advance(by: Self.age)
            try await harness.emit(1)

            try await harness.upkeep.prune()

            let front: Timestamp? = try await harness.store.read { tx in
                try tx.value("SELECT front_at AS value FROM tally WHERE endpoint_id = \(endpoint)")
            }
            #expect(try #require(front) > harness.clock.now() - .seconds(60))
        }
    }

    @Test(arguments: Engine.enabled) func deletedEndpointsLeaveOneTallyForAll(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            for _ in 0..<40 {
                let endpoint = try await harness.addEndpoint()
                try await harness.emit(1)
                try await harness.store.write { tx in try harness.endpoints.delete(endpoint, in: tx) }
            }
            while try await harness.store.write({ tx in
                try DeliveryQueries.cancelForDeletedEndpoints(limit: 500, in: tx)
            }) {}

            for _ in 0..<2 {
                harness.clock.advance(by: Self.age)
                try await harness.upkeep.prune()
            }

            let accounts = try await harness.accounts()
            #expect(accounts.keys.map(\.text) == [EndpointID.gone.text])
            #expect(accounts[.gone]?.accepted == 40 && accounts[.gone]?.pruned == 40)
            #expect(accounts[.gone]?.unaccounted == 0)
        }
    }

    @Test(arguments: Engine.enabled) func aRowThatCannotBeReadStopsItsOwnEndpointOnly(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let (broken, other) = (try await harness.addEndpoint(), try await harness.addEndpoint())
            try await harness.emit(3)
            try await harness.end(.succeeded, of: other)
            try await harness.store.write { tx in
                _ = try tx.run("UPDATE delivery SET state = 99 WHERE endpoint_id = \(broken) AND sequence = 1")
            }
            harness.clock.advance(by: Self.age)
            let (log, metrics) = (LogRecorder(), DeliveryMetrics())
            let upkeep = Upkeep(
                store: harness.store, clock: harness.clock, retention: .seconds(30 * 86_400), metrics: metrics,
                logger: log.logger)

            try await upkeep.prune()

            let left = try await harness.store.read { tx in
                try tx.value("SELECT COUNT(*) AS value FROM delivery WHERE endpoint_id = \(broken)", as: Int.self)
            }
            #expect(left == 3)
            #expect(try await harness.deliveries(to: other).isEmpty)
            #expect(metrics.snapshot.unreadable == 1)
            #expect(log.lines.count { $0.level == .error && $0.metadata["delivery_id"] != nil } == 1)
        }
    }

    @Test(arguments: Engine.enabled) func nothingIsDeletedWhileTheClockIsNotBelieved(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit(4)
            harness.clock.advance(by: Self.age)
            let log = LogRecorder()
            let upkeep = Upkeep(
                store: harness.store, clock: harness.clock, retention: .seconds(30 * 86_400),
                isClockBelieved: { false }, metrics: DeliveryMetrics(), logger: log.logger)

            try await upkeep.prune()

            #expect(try await harness.deliveries(to: endpoint).count == 4)
            #expect(log.lines.map(\.level) == [.warning])
        }
    }

    @Test(arguments: Engine.enabled) func eventsThatAReplayKeepsStopNobodyElses(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            try await harness.emit(700)
            harness.clock.advance(by: Self.age)
            try await harness.store.write { tx in
                _ = try tx.run("UPDATE event SET retained_from = \(tx.now) WHERE position <= 600")
            }
            var events = EventRetention()

            for _ in 0..<2 {
                var mayHaveMore = true
                let cutoff = harness.clock.now() - .seconds(31 * 86_400)
                events.begin(before: cutoff)
                while mayHaveMore {
                    let from = events
                    let step = try await harness.store.write { tx in
                        try from.step(before: cutoff, at: harness.clock.now(), in: tx)
                    }
                    (events, mayHaveMore) = (step.next, step.mayHaveMore)
                }
                let left: Int? = try await harness.store.read { tx in
                    try tx.value("SELECT COUNT(*) AS value FROM event")
                }
                #expect(left == 600)
            }
            harness.clock.advance(by: Self.age)
            let cutoff = harness.clock.now() - .seconds(31 * 86_400)
            events.begin(before: cutoff)
            let last = events
            let count = try await harness.store.write { tx in
                try last.step(before: cutoff, at: harness.clock.now(), in: tx).count
            }
            #expect(count == 500)
        }
    }

    @Test(arguments: Engine.enabled) func largeEventsGoFewAtATime(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            try await harness.emit(5)
            harness.clock.advance(by: Self.age)
            let body = [UInt8](repeating: 1, count: 900_000)
            _ = try await harness.store.write { tx in try tx.run("UPDATE event_body SET body = \(body)") }
            var events = EventRetention()
            var counts: [Int] = []
            var mayHaveMore = true
            let cutoff = harness.clock.now() - .seconds(31 * 86_400)

            while mayHaveMore {
                let from = events
                let step = try await harness.store.write { tx in
                    try from.step(before: cutoff, at: harness.clock.now(), in: tx)
                }
                counts.append(step.count)
                (events, mayHaveMore) = (step.next, step.mayHaveMore)
            }

            #expect(counts == [2, 2, 1])
        }
    }

    @Test(arguments: Engine.enabled) func deliveriesWithLargeAnswersGoFewAtATime(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit(5)
            try await harness.end(.succeeded, of: endpoint)
            harness.clock.advance(by: Self.age)
            let body = [UInt8](repeating: 1, count: 900_000)
            _ = try await harness.store.write { tx in
                try tx.run(
                    """
                    INSERT INTO attempt (delivery_id, number, started_at, duration, response_headers, response_body)
                    SELECT id, 1000, 0, 0, '', \(body)
                    FROM delivery
                    """)
            }
            let cutoff = harness.clock.now() - .seconds(31 * 86_400)
            var counts: [Int] = []
            var cursor: Retention.Cursor?

            repeat {
                let from = cursor
                let (pruned, next) = try await harness.store.write { tx in
                    try Retention.prune(before: cutoff, after: from, in: tx)
                }
                if pruned.count > 0 { counts.append(pruned.count) }
                cursor = next
            } while cursor != nil

            #expect(counts == [2, 2, 1])
            let account = try #require(try await harness.accounts()[endpoint])
            #expect(account.pruned == 5 && account.unaccounted == 0)
        }
    }

    /// Another node's clock was weeks behind when it accepted the event.
    @Test(arguments: Engine.enabled) func anEventBehindAYoungOneIsNotOld(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            try await harness.addEndpoint()
            try await harness.emit(3)
            let behind = harness.clock.now() - Self.age
            try await harness.store.write { tx in
                try tx.run("UPDATE event SET created_at = \(behind), retained_from = \(behind) WHERE position = 2")
                try tx.run("UPDATE delivery SET created_at = \(behind) WHERE sequence = 2")
            }

            try await harness.upkeep.prune()

            #expect(try await harness.count(.pending) == 3)
            #expect(try await harness.events() == 3)
        }
    }

    @Test(arguments: Engine.enabled) func anEventThatIsDatedAheadKeepsNoOther(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            try await harness.emit(3)
            let ahead = harness.clock.now() + .seconds(400 * 86_400)
            try await harness.store.write { tx in
                _ = try tx.run("UPDATE event SET created_at = \(ahead) WHERE position = 1")
            }
            harness.clock.advance(by: Self.age)

            try await harness.upkeep.prune()

            #expect(try await harness.events() == 1)
        }
    }

    /// The delivery in front cannot be read, so that those behind it are not pruned: they are still to be made.
    @Test(arguments: Engine.enabled) func anEventWithADeliveryToBeMadeStaysUntilItIsOver(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit(3)
            try await harness.store.write { tx in
                _ = try tx.run("UPDATE delivery SET state = 99 WHERE sequence = 1")
            }
            harness.clock.advance(by: Self.age)
            var events = EventRetention()

            #expect(try await harness.prune(&events) == 1, "nobody waits for the first")
            try await harness.setStates([.succeeded, .succeeded, .succeeded], of: endpoint)
            #expect(try await harness.prune(&events) == 0, "it was looked at a moment ago")
            harness.clock.advance(by: .seconds(7_200))
            #expect(try await harness.prune(&events) == 2)
        }
    }
}

extension EngineHarness {
    /// How many events the log holds.
    fileprivate func events() async throws -> Int? {
        try await store.read { tx in try tx.value("SELECT COUNT(*) AS value FROM event") }
    }

    /// A round of a transaction over the events, and how many it deleted.
    fileprivate func prune(_ events: inout EventRetention) async throws -> Int {
        let cutoff = clock.now() - .seconds(31 * 86_400)
        events.begin(before: cutoff)
        let from = events
        let step = try await store.write { [clock] tx in try from.step(before: cutoff, at: clock.now(), in: tx) }
        events = step.next
        return step.count
    }
}

extension EngineHarness {
    /// Ends all deliveries of `endpoint`, counters included.
    func end(_ state: DeliveryState, of endpoint: EndpointID) async throws {
        try await setStates([DeliveryState](repeating: state, count: deliveries(to: endpoint).count), of: endpoint)
    }
}
