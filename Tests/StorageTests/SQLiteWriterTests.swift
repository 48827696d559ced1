import Storage
import Testing
import TestSupport
import Timestamps

struct SQLiteWriterTests {
    private struct Rejected: Error, Equatable {}

    @Test func aBodyThatThrowsLeavesItsNeighboursAlone() async throws {
        try await withItems { store in
            let outcomes = try await group(
                store,
                [
                    { try $0.insert(1) },
                    {
                        try $0.insert(2)
                        throw Rejected()
                    },
                    { try $0.insert(3) },
                ])

            #expect(outcomes.map(\.isSuccess) == [true, false, true])
            #expect(outcomes[1].failure is Rejected)
            #expect(try await ids(store) == [1, 3])
        }
    }

    /// Those before which nothing was written have no savepoint.
    @Test func bodiesThatThrowLeaveNothingWhereverTheyStandInTheGroup() async throws {
        try await withItems { store in
            let fails: (Int) -> @Sendable (any Transaction) throws -> Void = { id in
                {
                    try $0.insert(id)
                    throw Rejected()
                }
            }
            let outcomes = try await group(
                store, after: fails(0),
                [fails(1), fails(2), { try $0.insert(3) }, fails(4), { try $0.insert(5) }, fails(6)])

            #expect(outcomes.map(\.isSuccess) == [false, false, true, false, true, false])
            #expect(try await ids(store) == [3, 5])
        }
    }

    @Test func aUniqueViolationIsNamedAndCostsNobodyElse() async throws {
        try await withItems { store in
            let outcomes = try await group(
                store, [{ try $0.insert(1) }, { try $0.insert(1) }, { try $0.insert(2) }])

            let expected = StorageError.uniqueViolation("UNIQUE constraint failed: item.id")
            #expect(outcomes.map(\.isSuccess) == [true, false, true])
            #expect(outcomes[1].failure as? StorageError == expected)
            #expect(try await ids(store) == [1, 2])
        }
    }

    @Test func aViolationMayBeCaughtInsideTheBody() async throws {
        try await withItems { store in
            try await store.write { transaction in
                try transaction.insert(1)
                #expect(throws: StorageError.self) { try transaction.insert(1) }
                try transaction.insert(2)
            }

            #expect(try await ids(store) == [1, 2])
        }
    }

    @Test func answersAreGivenAfterTheCommitOfTheGroup() async throws {
        try await withItems { store in
            let (start, blocker, answered) = (Blocker(), Blocker(), Journal())
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await store.write(.engine) { _ in start.block() } }
                await start.untilBlocked()
                tasks.addTask {
                    try await store.write { try $0.insert(1) }
                    answered.add("inserted")
                }
                await untilWaiting(store, 1)
                tasks.addTask {
                    await #expect(throws: Rejected.self) { try await store.write { _ in throw Rejected() } }
                    answered.add("thrown")
                }
                await untilWaiting(store, 2)
                tasks.addTask { try await store.write { _ in blocker.block() } }
                await untilWaiting(store, 3)
                start.release()
                await blocker.untilBlocked()

                // Answers handed out too early arrive within this many turns of the thread pool.
                for _ in 0..<2_000 { await Task.yield() }
                let isCommitted = try await ids(store) == [1]
                // On a slow machine the group may have ended before the body that blocks.
                #expect(answered.entries.isEmpty || isCommitted)

                blocker.release()
                try await tasks.waitForAll()
            }
            #expect(Set(answered.entries) == ["inserted", "thrown"])
        }
    }

    @Test func groupsAreOf128BodiesAtMostAndOfManyUnderLoad() async throws {
        try await withItems { store in
            let journal = Journal()
            let bodies: [Body] = (1...400).map { id in
                {
                    journal.add("body")
                    $0.afterCommit { journal.add("commit") }
                }
            }

            let outcomes = try await group(store, bodies)

            // Bodies between two commits; the actions of a group follow each other.
            let groups = journal.entries.split(separator: "commit").map(\.count)
            #expect(!outcomes.contains { !$0.isSuccess })
            #expect(groups.reduce(0, +) == 400)
            #expect(groups.max() ?? 0 <= 128)
            #expect(groups.count < 40)
        }
    }

    @Test func actionsRunAfterTheCommitAndNeverWithoutOne() async throws {
        try await withItems { store in
            let actions = Journal()
            let outcomes = try await group(
                store,
                [
                    {
                        try $0.insert(1)
                        $0.afterCommit { actions.add("kept 1") }
                        $0.afterCommit { actions.add("kept 2") }
                    },
                    {
                        $0.afterCommit { actions.add("rolled back") }
                        throw Rejected()
                    },
                ])

            #expect(outcomes.map(\.isSuccess) == [true, false])
            #expect(actions.entries == ["kept 1", "kept 2"])
        }
    }

    @Test func timeIsLaterForEachWriteAlsoWhenTheClockIsSetBack() async throws {
        let clock = ManualClock()
        try await withItems(clock: clock) { store in
            var times: [Timestamp] = []
            for step in 0..<4 {
                times.append(try await store.write { $0.now })
                if step == 1 { clock.advance(by: .seconds(-60)) }
            }
            let read = try await store.read { $0.now }

            let start = clock.now() + .seconds(60)
            // The harness wrote once before, at `start`.
            #expect(times == (1...4).map { start + .microseconds($0) })
            #expect(read == start + .microseconds(5))
            clock.advance(by: .seconds(120))
            #expect(try await store.write { $0.now } == start + .seconds(60))
        }
    }

    /// Another program has the write lock, and keeps it.
    @Test func aStoreThatHasToEndWaitsForNoOtherProgram() async throws {
        try await withItems { store in
            let other = try await SQLiteStore.open(path: store.path)
            let blocker = Blocker()
            async let blocking: Void = other.write { transaction in
                try transaction.insert(1)
                blocker.block()
            }
            await blocker.untilBlocked()

            store.end(within: .zero)
            let began = ContinuousClock.now
            for id in 2...4 {
                await #expect(throws: StorageError.self) { try await store.write { try $0.insert(id) } }
            }
            // Three times what one waits otherwise is 15 s.
            #expect(ContinuousClock.now - began < .seconds(5))

            blocker.release()
            try await blocking
            try await other.close()
            #expect(try await ids(store) == [1])
        }
    }

    @Test func aCancelledCallerIsToldAtOnceAndItsBodySkipped() async throws {
        try await withItems { store in
            let blocker = Blocker()
            async let blocking: Void = store.write { _ in blocker.block() }
            await blocker.untilBlocked()
            let waiting = Task { try await store.write { try $0.insert(1) } }
            await untilWaiting(store, 1)

            waiting.cancel()
            await #expect(throws: CancellationError.self) { try await waiting.value }
            blocker.release()
            try await blocking

            #expect(try await ids(store) == [])
        }
    }

    @Test func aCallerCancelledBeforehandWritesNothing() async throws {
        try await withItems { store in
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                try await store.write { try $0.insert(1) }
            }

            await #expect(throws: CancellationError.self) { try await task.value }
            let found = try await ids(store)
            #expect(found == [])
        }
    }

    @Test func aBodyThatHasStartedRunsWholeAlthoughItsCallerIsCancelled() async throws {
        try await withItems { store in
            let blocker = Blocker()
            let task = Task {
                try await store.write { transaction in
                    blocker.block()
                    try transaction.insert(1)
                }
            }
            await blocker.untilBlocked()

            task.cancel()
            blocker.release()

            try await task.value
            #expect(try await ids(store) == [1])
        }
    }

    @Test func tooManyWaitingWritesAreRefusedAndNobodyIsKeptOutByOthers() async throws {
        try await withItems { store in
            let blocker = Blocker()
            async let blocking: Void = store.write(.engine) { _ in blocker.block() }
            await blocker.untilBlocked()
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for index in 0..<4_096 {
                    tasks.addTask { try await store.write(.account("loud \(index % 4)")) { _ in } }
                }
                await untilWaiting(store, 4_096)

                let loud = await #expect(throws: StorageError.self) {
                    try await store.write(.account("loud 0")) { _ in }
                }
                #expect(
                    loud == .tooMany("Too many requests of this account write at the moment. Wait for some of them."))
                tasks.addTask { try await store.write(.account("quiet")) { _ in } }
                await untilWaiting(store, 4_097)
                let quiet = await #expect(throws: StorageError.self) {
                    try await store.write(.account("quiet")) { _ in }
                }
                #expect(quiet == .unavailable("4096 writes wait for \(store.path). Try again in a second."))
                async let engine: Void = store.write(.engine) { _ in }

                blocker.release()
                try await engine
                try await tasks.waitForAll()
            }
            try await blocking
            // There is room again.
            try await store.write { try $0.insert(1) }
        }
    }

    @Test func theEngineGoesFirstAndMaintenanceLast() async throws {
        try await withItems { store in
            let order = Journal()
            let blocker = Blocker()
            async let blocking: Void = store.write(.engine) { _ in blocker.block() }
            await blocker.untilBlocked()
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                let lanes: [(WriteLane, String)] = [(.maintenance, "m"), (.request, "r"), (.engine, "e")]
                for (lane, name) in lanes {
                    tasks.addTask { try await store.write(lane) { _ in order.add(name) } }
                    while store.waitingWrites(lane.kind) < 1 { await Task.yield() }
                }
                blocker.release()
                try await tasks.waitForAll()
            }
            try await blocking

            #expect(order.entries == ["e", "r", "m"])
        }
    }

    @Test func statementsThatAreWrongShowTheirTextButNoValues() async throws {
        try await withItems { store in
            let error = await #expect(throws: StorageError.self) {
                try await store.write { _ = try $0.run("INSERT INTO nowhere VALUES (\("secret"))") }
            }

            guard case .statement(let words) = error else { throw try #require(error) }
            #expect(words.contains("INSERT INTO nowhere VALUES (?)") && !words.contains("secret"))
        }
    }

    @Test func aPlaceholderWrittenByHandIsRefused() async throws {
        try await withItems { store in
            await #expect(throws: StorageError.statement("1 binds for 2 placeholders in: SELECT ?, ?")) {
                try await store.write { _ = try $0.rows("SELECT ?, \(1)") }
            }
        }
    }

    @Test func aBodyThatEndsTheTransactionItselfFailsAlone() async throws {
        try await withItems { store in
            let outcomes = try await group(
                store, [{ try $0.insert(1) }, { _ = try $0.run("ROLLBACK") }, { try $0.insert(2) }])

            #expect(outcomes.map(\.isSuccess) == [true, false, true])
            #expect(try await ids(store) == [1, 2])
        }
    }

    @Test func aForeignKeyBrokenAtTheCommitFailsAlone() async throws {
        try await withItems { store in
            try await store.write {
                _ = try $0.run(
                    """
                    CREATE TABLE part (
                        item \(.int64) NOT NULL REFERENCES item (id) DEFERRABLE INITIALLY DEFERRED
                    ) \(.strict)
                    """)
            }
            let outcomes = try await group(
                store, [{ try $0.insert(1) }, { _ = try $0.run("INSERT INTO part VALUES (9)") }, { try $0.insert(2) }])

            #expect(outcomes.map(\.isSuccess) == [true, false, true])
            #expect(try await ids(store) == [1, 2])
        }
    }
}
