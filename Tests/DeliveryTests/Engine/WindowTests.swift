import Testing
import Timestamps

@testable import Delivery

/// How many requests an endpoint may have in flight: what a receiver can take, found out by sending.
struct WindowTests {
    private let now = Timestamp(microseconds: 1_784_715_329_814_000)

    private func entry(window: Int = 2) -> ReadySet.Entry {
        var limits = ReadySet.Limits()
        limits.firstWindow = window
        return ReadySet.Entry(limits, at: now)
    }

    /// Plays a receiver with `workers` that take `work` for each request, for so long, and gives what it saw.
    private func play(
        workers: Int, work: Duration, for time: Duration, window: Int = 2
    ) -> (entry: ReadySet.Entry, done: Int, timedOut: Int, widest: Int) {
        var entry = entry(window: window)
        var free = Array(repeating: now, count: workers)
        /// Requests in flight by when they are answered, or given up.
        var inFlight: [(end: Timestamp, took: Duration, signal: ReadySet.Signal)] = []
        var clock = now
        var (done, timedOut, widest) = (0, 0, 0)
        while clock - now < time {
            while entry.allowance(at: clock) > 0 {
                entry.inFlight += 1
                free.sort()
                let end = max(free[0], clock) + work
                free[0] = end
                let took = end - clock
                let isTimeout = took > .seconds(5)
                inFlight.append(
                    isTimeout ? (clock + .seconds(5), .seconds(5), .timedOut) : (end, took, .succeeded))
            }
            widest = max(widest, inFlight.count)
            inFlight.sort { $0.end < $1.end }
            let first = inFlight.removeFirst()
            clock = first.end
            if first.signal == .timedOut { timedOut += 1 } else { done += 1 }
            entry.inFlight -= 1
            entry.learn(first.signal, took: first.took, at: clock)
        }
        return (entry, done, timedOut, widest)
    }

    @Test(arguments: [10, 100, 300, 1_000, 1_500, 2_000, 2_400])
    func aReceiverWithOneWorkerIsNotSentMoreThanItAnswersInTime(
        milliseconds: Int
    ) {
        let work = Duration.milliseconds(milliseconds)
        let seen = play(workers: 1, work: work, for: .seconds(300))

        #expect(seen.timedOut == 0)
        #expect(work * seen.widest <= .seconds(5))
        // It always has something to do.
        #expect(Double(seen.done) >= 0.9 * (.seconds(300) / work))
    }

    @Test(arguments: [4, 8]) func aFewWorkersAreKeptBusy(workers: Int) {
        let seen = play(workers: workers, work: .milliseconds(500), for: .seconds(300))

        #expect(seen.timedOut == 0)
        #expect(Double(seen.done) >= 0.8 * Double(workers) * 600)
        #expect(seen.entry.window <= workers * 3)
    }

    @Test func aReceiverThatIsSlowButKeepsUpGetsWhatItCanTake() {
        let seen = play(workers: 1_000, work: .seconds(2), for: .seconds(20))

        #expect(seen.entry.window == 128)
        #expect(seen.done >= 424, "today's 16 at a time make 160 of it")
    }

    @Test func aQuickReceiverHasItsWholeWindowAfterAFewAnswers() {
        let seen = play(workers: 1_000, work: .milliseconds(2), for: .milliseconds(30))

        #expect(seen.entry.window == 128)
    }

    @Test func aWindowThatIsNotUsedDoesNotGrow() {
        var entry = entry()
        for _ in 0..<1_000 {
            entry.inFlight += 1
            entry.inFlight -= 1
            entry.learn(.succeeded, took: .milliseconds(5), at: now)
        }

        #expect(entry.window <= 4)
    }

    @Test func troubleHalvesTheWindow() {
        for signal in [ReadySet.Signal.overloaded, .timedOut] {
            var entry = entry(window: 16)
            var windows: [Int] = []
            for _ in 0..<5 {
                entry.learn(signal, took: .zero, at: now)
                windows.append(entry.window)
            }

            #expect(windows == [8, 4, 2, 1, 1])
        }
    }

    /// All that is in flight when a receiver stands still for a moment answers late: that is one reason, not 128.
    @Test func onePauseOfAReceiverCostsOneStep() {
        var entry = play(workers: 1_000, work: .milliseconds(2), for: .milliseconds(30)).entry
        let room = entry.allowance(at: now + .seconds(1))
        entry.inFlight += room
        let count = entry.inFlight
        for _ in 0..<count {
            entry.inFlight -= 1
            entry.learn(.succeeded, took: .milliseconds(900), at: now + .seconds(1))
        }

        #expect(entry.window == 96)
    }

    @Test func aReceiverThatBecomesSlowerIsMeasuredAgain() {
        var entry = play(workers: 1, work: .milliseconds(300), for: .seconds(60)).entry
        var windows: [Int] = []
        for step in 0..<400 {
            let at = now + .seconds(100 + step)
            let count = max(entry.window - entry.inFlight, 0)
            entry.inFlight += count
            for _ in 0..<entry.inFlight {
                entry.inFlight -= 1
                entry.learn(.succeeded, took: .milliseconds(1_500), at: at)
            }
            windows.append(entry.window)
        }

        #expect((windows.last ?? 0) > 16, "it answers all at once, only later than before: \(windows.suffix(5))")
    }

    @Test func afterAPauseAWindowIsSixteenAtMost() {
        var entry = play(workers: 1_000, work: .milliseconds(2), for: .milliseconds(30)).entry
        entry.inFlight = 0
        let rested = entry.usedAt + .seconds(5)
        entry.narrowAfterPause(at: rested - .microseconds(1))
        #expect(entry.window == 128)

        entry.narrowAfterPause(at: rested)

        #expect(entry.window == 16)
    }
}
