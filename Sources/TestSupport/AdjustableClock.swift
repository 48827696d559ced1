import Synchronization
import Timestamps

/// A clock that runs like the system's and that a test sets ahead, so that hours pass at once.
package final class AdjustableClock: WallClock {
    private let passed = Mutex(Duration.zero)
    private let jumped = Mutex(Duration.zero)

    package init() {}

    /// The system's time and what the clock was set ahead.
    package func now() -> Timestamp { SystemClock().now() + passed.withLock { $0 } + jumped.withLock { $0 } }

    package func steady() -> Duration { SystemClock().steady() + passed.withLock { $0 } }

    package func boot() -> ContinuousClock.Instant { .now + passed.withLock { $0 } }

    /// Lets time pass.
    package func advance(by duration: Duration) {
        passed.withLock { $0 += duration }
    }

    /// Sets the time of day, as an operator does, while no time passes.
    package func jump(by duration: Duration) {
        jumped.withLock { $0 += duration }
    }
}
