import TestSupport
import Testing

@testable import Storage

/// Whoever reads slowly delays their own account only.
@Suite(.timeLimit(.minutes(15))) struct ReadLaneTests {
    /// Runs `body` while `count` reads of the account `slow` run or wait, and ends them afterwards.
    private func withSlowReads(
        _ count: Int, of store: any Store, _ body: () async throws -> Void
    ) async throws {
        let blocker = Blocker()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<count { group.addTask { try await store.read(.account("slow")) { _ in blocker.block() } } }
            await blocker.untilBlocked()
            do {
                try await body()
            } catch {
                blocker.release()
                throw error
            }
            blocker.release()
            try await group.waitForAll()
        }
    }

    @Test(arguments: Engine.enabled) func slowReadsOfOneAccountDelayNobodyElse(engine: Engine) async throws {
        try await withStore(engine) { store in
            try await withSlowReads(24, of: store) {
                for lane in [.engine, .maintenance, .request, .account("other")] as [ReadLane] {
                    try await store.read(lane) { _ = try $0.rows("SELECT 1 AS value") }
                }
                for lane in [.engine, .account("slow"), .account("other"), .request, .maintenance] as [WriteLane] {
                    try await store.write(lane) { _ = try $0.rows("SELECT 1 AS value") }
                }
                #expect(await store.readiness() == nil)
            }
        }
    }

    @Test(arguments: Engine.enabled) func anAccountThatAsksForTooMuchIsToldSo(engine: Engine) async throws {
        try await withStore(engine) { store in
            try await withSlowReads(1, of: store) {
                let refused = Journal()
                let blocked = Blocker()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<100 {
                        group.addTask {
                            do {
                                try await store.read(.account("slow")) { _ in blocked.block() }
                            } catch StorageError.tooMany(let reason) {
                                refused.add(reason)
                            }
                        }
                    }
                    // 64 wait, and no more than three run.
                    try await until("the others are refused: \(refused.entries.count)") { refused.entries.count >= 34 }
                    blocked.release()
                    // What was let in is still waited for by `withSlowReads`' blocker.
                    group.cancelAll()
                    while let result = await group.nextResult() {
                        if case .failure(let error) = result { #expect(error is CancellationError) }
                    }
                }
                #expect(
                    try await store.read(.account("other")) { try $0.value("SELECT 1 AS value", as: Int.self) } == 1)
            }
        }
    }

    @Test(arguments: Engine.enabled) func whoGivesUpWaitingIsLetGoAtOnce(engine: Engine) async throws {
        try await withStore(engine) { store in
            try await withSlowReads(24, of: store) {
                let waiting = Task { try await store.read(.account("slow")) { _ in } }
                waiting.cancel()

                await #expect(throws: CancellationError.self) { try await waiting.value }
            }
        }
    }

    /// Where the database hangs, each read ends at its limit: those behind it are told so, and do not wait for all before them.
    @Test(arguments: [(7, true), (9, false)]) func whoWaitedForMoreThanEightSecondsIsRefused(
        seconds: Int, isServed: Bool
    ) async throws {
        let clock = ManualClock()
        let one = FairQueue.Limits(running: 1, runningPerKey: 1, waiting: 10, waitingPerKey: 10)
        let gate = TurnGate("the database", .init(request: one, accounts: one), clock: clock)
        try await gate.enter(.account("first"))
        let waiting = Task { try await gate.enter(.account("second")) }
        try await until("it waits") { gate.waitingCount == 1 }

        clock.advance(by: .seconds(seconds))
        gate.leave(.account("first"))

        if isServed {
            try await waiting.value
            gate.leave(.account("second"))
        } else {
            await #expect(throws: StorageError.self) { try await waiting.value }
        }
        // The place is free either way.
        try await gate.enter(.account("third"))
    }
}
