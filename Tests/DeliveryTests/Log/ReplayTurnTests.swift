import Storage
import TestSupport
import Testing
import Timestamps

@testable import Delivery

/// Replays of different users, and the ranges that they find.
@Suite(.timeLimit(.minutes(15))) struct ReplayTurnTests {
    @Test(arguments: Engine.enabled) func usersTakeTurnsAndTheirOwnJobsDoNot(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let other = UserID("user-2")
            let (mine, theirs) = (try await harness.addEndpoint(), try await harness.addEndpoint(userID: other))
            try await harness.emit(2_600)
            try await harness.emit(3, userID: other)
            let jobs = [
                try await harness.replay(mine, of: EngineHarness.userID),
                try await harness.replay(mine, of: EngineHarness.userID),
                try await harness.replay(theirs, of: other),
            ]

            var served: [ReplayID] = []
            for _ in 0..<4 {
                let before = try await harness.replays(jobs)
                _ = try await harness.store.write { tx in try ReplayQueries.step(in: tx) }
                let after = try await harness.replays(jobs)
                served += zip(before, after).filter { $0.done != $1.done }.map(\.0.id)
            }

            #expect(served == [jobs[0], jobs[2], jobs[0], jobs[0]])
        }
    }

    /// 64 KiB at a time, and one that is larger alone.
    @Test(arguments: Engine.enabled) func largeEventsAreReplayedFewAtATime(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit(205)
            let sizes = [100_000, 30_000, 30_000, 30_000]
            try await harness.store.write { tx in
                let first: [EventID] = try tx.rows("SELECT id FROM event ORDER BY position LIMIT \(sizes.count)")
                    .map { try $0.get("id") }
                for (event, size) in zip(first, sizes) {
                    let body = [UInt8](repeating: 0x20, count: size)
                    try tx.run("UPDATE event_body SET body = \(body) WHERE event_id = \(event)")
                }
            }
            let job = try await harness.replay(endpoint, of: EngineHarness.userID)

            var done: [Int] = []
            while try await harness.store.write({ tx in try ReplayQueries.step(in: tx).mayHaveMore }) {
                done.append(try await harness.replays([job])[0].done)
            }

            #expect(done.prefix(2) == [1, 3])
            #expect(done.last == 205)
            #expect(zip(done, done.dropFirst()).allSatisfy { $1 - $0 <= 100 })
        }
    }

    /// Whichever of the two comes to an event first, the job ends, and what it opened again can be sent. What is closed and stands
    /// behind that in the sequence stays, also without its event.
    @Test(arguments: Engine.enabled) func aReplayThatRunsWhileItsEventsAreDeletedComesToItsEnd(engine: Engine)
        async throws
    {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            try await harness.emit(900)
            try await harness.end(.failed, of: endpoint)
            let job = try await harness.replay(endpoint, of: EngineHarness.userID)
            harness.clock.advance(by: .seconds(40 * 86_400))

            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await harness.upkeep.prune() }
                for _ in 0..<2 {
                    tasks.addTask {
                        while try await harness.store.write({ tx in try ReplayQueries.step(in: tx).mayHaveMore }) {}
                    }
                }
                try await tasks.waitForAll()
            }
            while try await harness.store.write({ tx in try ReplayQueries.step(in: tx).mayHaveMore }) {}
            try await harness.upkeep.prune()

            let replay = try await harness.replays([job])[0]
            let account = try #require(try await harness.accounts()[endpoint])
            #expect(replay.status == .completed && replay.done <= replay.total)
            #expect(account.unaccounted == 0 && account.accepted == 900)
            #expect(try await AuditWalk(harness.store).run().mismatches == [])
            let (pending, lost): (Int?, Int?) = try await harness.store.read { tx in
                (
                    try tx.value("SELECT COUNT(*) AS value FROM delivery WHERE state = \(DeliveryState.pending)"),
                    try tx.value(
                        """
                        SELECT COUNT(*) AS value
                        FROM delivery d
                        WHERE d.state = \(DeliveryState.pending)
                            AND NOT EXISTS (SELECT 1 FROM event_body b WHERE b.event_id = d.event_id)
                        """)
                )
            }
            #expect(pending == replay.replayed && lost == 0)
        }
    }

    /// However many events there are, no step asks for more messages than it has events.
    @Test(arguments: Engine.enabled) func theMessagesOfAContactAreAskedForStepByStep(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            let events = (0..<150).map { index in
                harness.event(order: index < 140 ? EventOrder(key: "message-\(index % 2)", number: index / 2 + 1) : nil)
            }
            try await harness.emit(events)
            try await harness.number()
            try await harness.end(.failed, of: endpoint)
            let job = try await harness.replay(
                endpoint, of: EngineHarness.userID, Replay.Filter(contact: "+18005550100"))

            var (asked, mayHaveMore) = ([Int](), true)
            while mayHaveMore {
                let step = try await harness.store.write { tx in
                    var count = 0
                    let outcome = try ReplayQueries.step(in: tx) { messages, contact, userID in
                        count = messages.count
                        return contact == "+18005550100" && userID == EngineHarness.userID ? ["message-1"] : []
                    }
                    return (count: count, mayHaveMore: outcome.mayHaveMore)
                }
                asked.append(step.count)
                mayHaveMore = step.mayHaveMore
            }

            #expect(asked.reduce(0, +) == 140)
            #expect(asked.allSatisfy { $0 <= 100 })
            let done = try await harness.replays([job])
            #expect(done.map(\.done) == [150] && done.map(\.replayed) == [70])
        }
    }

    /// The table without its constraints takes what no version writes.
    @Test(arguments: Engine.enabled) func aJobThatCannotBeReadStopsNoOther(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let other = UserID("user-2")
            let (mine, theirs) = (try await harness.addEndpoint(), try await harness.addEndpoint(userID: other))
            try await harness.emit(2)
            try await harness.emit(2, userID: other)
            let jobs = [
                try await harness.replay(mine, of: EngineHarness.userID),
                try await harness.replay(mine, of: EngineHarness.userID),
                try await harness.replay(theirs, of: other),
            ]
            try await harness.store.write { tx in
                try tx.run("CREATE TABLE loose AS SELECT * FROM replay")
                try tx.run("DROP TABLE replay")
                try tx.run("ALTER TABLE loose RENAME TO replay")
                try tx.run("UPDATE replay SET endpoint_id = NULL WHERE id = \(jobs[0])")
            }

            let metrics = DeliveryMetrics()
            let unreadable = UnreadableRows(metrics: metrics, logger: EngineHarness.logger)
            while try await harness.store.write({ tx in
                try ReplayQueries.step(unreadable: unreadable, in: tx).mayHaveMore
            }) {}

            #expect(try await harness.replays(Array(jobs.dropFirst())).map(\.status) == [.completed, .completed])
            #expect(metrics.snapshot.unreadable == 1)
        }
    }

    @Test(arguments: Engine.enabled) func aRangeHoldsWhatWasAcceptedInIt(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            try await harness.emit(3)
            harness.clock.advance(by: .seconds(3_600))
            let start = harness.clock.now()
            try await harness.emit(2)
            harness.clock.advance(by: .seconds(3_600))
            let end = harness.clock.now()
            try await harness.emit(4)

            let range = try await harness.store.read { tx in
                try ReplayQueries.range(userID: EngineHarness.userID, since: start, until: end, in: tx)
            }

            #expect(range.count == 2 && range.before == 3 && range.last == 5)
        }
    }

    @Test func aRangeReadsItsOwnEventsOnly() async throws {
        try await withEngine(.sqlite) { harness in
            try await harness.emit(3)

            let plan = try await queryPlans(of: harness.store) { tx in
                _ = try ReplayQueries.range(userID: EngineHarness.userID, since: tx.now, until: tx.now, in: tx)
                _ = try ReplayQueries.firstTime(userID: EngineHarness.userID, in: tx)
            }

            #expect(
                plan == [
                    "SEARCH event USING COVERING INDEX event_time (user_id=? AND created_at>? AND created_at<?)",
                    "SEARCH event USING COVERING INDEX event_time (user_id=?)",
                ])
        }
    }

    @Test(arguments: Engine.enabled) func aDeliveryWhoseEventIsGoneIsNotOpenedAgain(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let endpoint = try await harness.addEndpoint()
            let event = try await harness.emit(1)[0]
            try await harness.end(.failed, of: endpoint)
            let delivery = try await harness.deliveries(to: endpoint)[0].id
            try await harness.store.write { tx in _ = try tx.run("DELETE FROM event WHERE id = \(event)") }

            let isOpen = try await harness.store.write { tx in
                try ReplayQueries.reopen(delivery, lane: .replay, in: tx)
            }

            #expect(!isOpen)
            #expect(try await harness.deliveries(to: endpoint).map(\.state) == [.failed])
        }
    }
}

extension EngineHarness {
    /// Asks for all events of `user` again that `filter` lets through.
    fileprivate func replay(
        _ id: EndpointID, of user: UserID, _ filter: Replay.Filter = Replay.Filter()
    ) async throws -> ReplayID {
        // Ids of one moment are in no order.
        clock.advance(by: .milliseconds(1))
        let replay = ReplayID(at: clock.now())
        let (since, until) = (clock.now() - .seconds(60), clock.now() + .seconds(60))
        try await store.write { [endpoints] tx in
            let endpoint = try #require(try endpoints.find(id, userID: user, in: tx))
            let range = try ReplayQueries.range(userID: user, since: since, until: until, in: tx)
            try ReplayQueries.insert(
                replay, endpoint: endpoint, statuses: [.failed], filter: filter, since: since, until: until,
                range: range, in: tx)
        }
        return replay
    }

    fileprivate func replays(_ ids: [ReplayID]) async throws -> [Replay] {
        try await store.read { tx in
            try ids.map { try #require(try tx.first(Replay.self, "SELECT * FROM replay WHERE id = \($0)")) }
        }
    }
}
