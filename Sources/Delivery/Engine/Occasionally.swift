import Synchronization
import Timestamps

/// Lets something through once in a while, so that a log tells of a shortage and is not filled by it. Thread-safe.
package final class Occasionally: Sendable {
    private let interval: Duration
    private let clock: any WallClock
    private let next = Mutex<ContinuousClock.Instant?>(nil)

    /// Lets one through in each interval.
    package init(every interval: Duration, clock: any WallClock) {
        self.interval = interval
        self.clock = clock
    }

    /// Whether it is time; the first time, it is.
    package func isDue() -> Bool {
        let now = clock.boot()
        return next.withLock { next in
            if let time = next, now < time { return false }
            next = now + interval
            return true
        }
    }
}
