import Synchronization
import Timestamps

/// A clock that runs like the system's and that a test sets ahead, so that hours pass at once.
package final class AdjustableClock: WallClock {
    private let ahead = Mutex((passed: Duration.zero, jumped: Duration.zero))

    package init() {}

    /// The system's time and what the clock was set ahead.
    package func now() -> Timestamp { instants().wall }

    package func steady() -> Duration { SystemClock().steady() + ahead.withLock { $0.passed } }

    package func boot() -> ContinuousClock.Instant { instants().boot }

    /// Both at once: what passes between two readings would look like a step.
    package func instants() -> Instants {
        ahead.withLock { Instants(wall: SystemClock().now() + $0.passed + $0.jumped, boot: .now + $0.passed) }
    }

    /// Lets time pass.
    package func advance(by duration: Duration) {
        ahead.withLock { $0.passed += duration }
    }

    /// Sets the time of day, as an operator does, while no time passes.
    package func jump(by duration: Duration) {
        ahead.withLock { $0.jumped += duration }
    }
}
