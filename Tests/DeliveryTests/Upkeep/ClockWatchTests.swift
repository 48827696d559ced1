import Synchronization
import TestSupport
import Testing
import Timestamps

@testable import Delivery

struct ClockWatchTests {
    private struct Refused: Error {}

    @Test func whatAStepAsksForIsDoneOnceTheStoreTakesIt() async {
        let clock = SteppableClock()
        let log = LogRecorder()
        let done = Mutex<[Duration?]>([])
        let isRefusing = Mutex(false)
        let watch = ClockWatch(ClockGuard(clock), clock: clock, logger: log.logger) { step in
            if isRefusing.withLock({ $0 }) { throw Refused() }
            done.withLock { $0.append(step?.amount) }
        }
        var owed = ClockWatch.Owed()

        await watch.look(&owed)
        #expect(done.withLock { $0 } == [nil], "the start")
        isRefusing.withLock { $0 = true }
        for amount in [-3_600, 3_600] {
            clock.step(by: .seconds(amount))
            await watch.look(&owed)
        }
        #expect(done.withLock { $0 } == [nil])
        isRefusing.withLock { $0 = false }
        await watch.look(&owed)

        #expect(done.withLock { $0 } == [nil, .seconds(-3_600), .seconds(3_600)])
        #expect(log.lines.count { $0.message.contains("could not be done yet") } == 1)
    }

    /// A step that is taken back between two looks is seen by nobody.
    @Test func whatNobodySawIsLookedForOnceAMinute() async {
        let clock = SteppableClock()
        let count = Mutex(0)
        let watch = ClockWatch(
            ClockGuard(clock), clock: clock, logger: EngineHarness.logger, interval: .seconds(60)
        ) { step in
            #expect(step == nil)
            count.withLock { $0 += 1 }
        }
        var owed = ClockWatch.Owed()
        for _ in 0..<121 {
            await watch.look(&owed)
            clock.pass(.seconds(1))
        }

        #expect(count.withLock { $0 } == 3)
    }

    @Test func stepsThatNobodyCouldActOnAreBounded() async {
        let clock = SteppableClock()
        let count = Mutex(0)
        let isRefusing = Mutex(true)
        let watch = ClockWatch(ClockGuard(clock), clock: clock, logger: EngineHarness.logger) { _ in
            count.withLock { $0 += 1 }
            if isRefusing.withLock({ $0 }) { throw Refused() }
        }
        var owed = ClockWatch.Owed()
        for _ in 0..<100 {
            clock.step(by: .seconds(-60))
            await watch.look(&owed)
        }
        isRefusing.withLock { $0 = false }
        count.withLock { $0 = 0 }
        await watch.look(&owed)

        #expect(count.withLock { $0 } <= 60)
    }
}
