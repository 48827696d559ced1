import Synchronization
import Timestamps

/// A clock that stands still until a test moves it.
package final class ManualClock: WallClock {
    private let time: Mutex<(wall: Timestamp, passed: Duration)>

    /// Starts at `start`, by default 2026-07-22T10:15:29.814Z, the time of the examples in httpSMS's documentation.
    package init(at start: Timestamp = Timestamp(microseconds: 1_784_715_329_814_000)) {
        time = Mutex((start, .zero))
    }

    /// The instant at which the clock stands.
    package func now() -> Timestamp { time.withLock { $0.wall } }

    /// The system's, and what was let pass: what waits for a second must not wait for a test to let it pass.
    package func boot() -> ContinuousClock.Instant { .now + time.withLock { $0.passed } }

    /// What was let pass only: what the store dates by it does not depend on how long a test takes.
    package func instants() -> Instants { time.withLock { Instants(wall: $0.wall, boot: Self.epoch + $0.passed) } }

    /// Lets time pass, or sets the time of day back when `duration` is negative.
    package func advance(by duration: Duration) {
        time.withLock { $0 = ($0.wall + duration, $0.passed + max(duration, .zero)) }
    }

    private static let epoch = ContinuousClock.now
}
