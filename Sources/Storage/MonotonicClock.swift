import Synchronization
import Timestamps

/// The time of transactions: the time of day, but later for each write than for the one before.
///
/// An operator who sets the clock back, or two bodies in one microsecond, would otherwise give two writes the same time
/// or the wrong order.
final class MonotonicClock: Sendable {
    private let clock: any WallClock
    /// The time of the last write.
    private let last = Mutex(Timestamp.first)

    init(_ clock: any WallClock) {
        self.clock = clock
    }

    /// The time of the next write.
    func advance() -> Timestamp {
        let now = clock.now()
        return last.withLock { last in
            last = max(now, last + .microseconds(1))
            return last
        }
    }

    /// The time of a read: later than that of every write that it can see.
    func now() -> Timestamp {
        let now = clock.now()
        return last.withLock { max(now, $0 + .microseconds(1)) }
    }
}
