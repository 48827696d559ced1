import ServiceLifecycle
import Storage
import Synchronization
import TestSupport
import Testing
import Timestamps

@testable import Delivery

@Suite(.timeLimit(.minutes(15)))
struct SweepTests {
    private struct Failed: Error {}

    /// What the work of a sweep was asked to do, and what it answers.
    private final class Work: Sendable {
        private let runs = Mutex<[Timestamp]>([])
        private let answer: @Sendable (Int, any Transaction) throws -> Sweep.Outcome

        init(_ answer: @escaping @Sendable (Int, any Transaction) throws -> Sweep.Outcome) {
            self.answer = answer
        }

        var count: Int { runs.withLock { $0.count } }

        func run(_ tx: any Transaction) throws -> Sweep.Outcome {
            let number = runs.withLock { runs in
                runs.append(tx.now)
                return runs.count
            }
            return try answer(number, tx)
        }

        func untilRun(_ times: Int) async throws {
            try await until("the sweep runs \(times) times") { count >= times }
        }
    }

    private func sweep(_ work: Work, _ harness: EngineHarness, longestPause: Duration = .seconds(1)) -> Sweep {
        Sweep(
            "test", on: .messages, store: harness.store, clock: harness.clock, longestPause: longestPause,
            logger: EngineHarness.logger
        ) { tx in
            try work.run(tx)
        }
    }

    @Test(arguments: Engine.enabled) func itGoesOnWhileThereIsMoreAndGivesTheNextDueTime(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let nextDue = harness.clock.now() + .seconds(60)
            let work = Work { number, _ in Sweep.Outcome(mayHaveMore: number < 3, nextDue: nextDue) }

            let next = try await sweep(work, harness).sweep()

            #expect(next == nextDue)
            #expect(work.count == 3)
        }
    }

    @Test(arguments: Engine.enabled) func aHintWakesIt(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let work = Work { _, _ in Sweep.Outcome(mayHaveMore: false, nextDue: nil) }
            try await running(sweep(work, harness, longestPause: .seconds(3_600))) { _ in
                for times in 1...20 {
                    try await work.untilRun(times)
                    harness.store.wakeups.signal(.messages)
                }
            }
        }
    }

    @Test(arguments: Engine.enabled) func withoutHintsItLooksOnceASecond(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let nextDue = harness.clock.now() + .seconds(3_600)
            let work = Work { _, _ in Sweep.Outcome(mayHaveMore: false, nextDue: nextDue) }

            try await running(sweep(work, harness)) { _ in try await work.untilRun(2) }
        }
    }

    @Test(arguments: Engine.enabled) func itSleepsUntilTheNextDueTimeWhenThatIsSooner(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let work = Work { [clock = harness.clock] _, _ in
                Sweep.Outcome(mayHaveMore: false, nextDue: clock.now() + .milliseconds(10))
            }
            let started = ContinuousClock.now

            try await running(sweep(work, harness, longestPause: .seconds(3_600))) { _ in try await work.untilRun(20) }

            #expect(started.duration(to: .now) >= .milliseconds(190))
        }
    }

    @Test(arguments: Engine.enabled) func whatIsDueButCannotBeDoneIsNotTriedWithoutRest(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let due = harness.clock.now() - .seconds(1)
            let work = Work { _, _ in Sweep.Outcome(mayHaveMore: false, nextDue: due) }
            let started = ContinuousClock.now

            try await running(sweep(work, harness)) { _ in try await work.untilRun(3) }

            #expect(started.duration(to: .now) >= .milliseconds(1_900))
        }
    }

    @Test(arguments: Engine.enabled) func itGoesOnAfterAnError(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            let work = Work { number, _ in
                if number <= 2 { throw Failed() }
                return Sweep.Outcome(mayHaveMore: false, nextDue: nil)
            }

            try await running(sweep(work, harness)) { _ in
                try await work.untilRun(1)
                harness.store.wakeups.signal(.messages)
                try await work.untilRun(2)
                harness.store.wakeups.signal(.messages)
                try await work.untilRun(3)
            }
        }
    }

    @Test(arguments: Engine.enabled) func shutdownEndsASweepThatNeverRunsOutOfWork(engine: Engine) async throws {
        try await withEngine(engine) { harness in
            // An end, for a sweep that shutdown does not stop would starve the other tests.
            let work = Work { number, _ in Sweep.Outcome(mayHaveMore: number < 20_000, nextDue: nil) }

            try await running(sweep(work, harness)) { _ in try await work.untilRun(10) }

            #expect(work.count < 20_000)
        }
    }
}
