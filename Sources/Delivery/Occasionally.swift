import Synchronization

/// Lets something through once in a while, so that a log tells of a shortage and is not filled by it. Thread-safe.
final class Occasionally: Sendable {
    private let interval: Duration
    private let next = Mutex<ContinuousClock.Instant?>(nil)

    /// Lets one through in each interval.
    init(every interval: Duration) {
        self.interval = interval
    }

    /// Whether it is time; the first time, it is.
    func isDue() -> Bool {
        let now = ContinuousClock.now
        return next.withLock { next in
            if let time = next, now < time { return false }
            next = now + interval
            return true
        }
    }
}
