import Synchronization
import Timestamps

/// A clock that runs like the system's and that a test sets ahead, so that hours pass at once.
package final class AdjustableClock: WallClock {
    private let offset = Mutex(Duration.zero)

    package init() {}

    /// The system's time and what the clock was set ahead.
    package func now() -> Timestamp { SystemClock().now() + offset.withLock { $0 } }

    /// Sets the clock ahead.
    package func advance(by duration: Duration) {
        offset.withLock { $0 += duration }
    }
}
