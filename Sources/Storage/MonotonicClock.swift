import Synchronization
import Timestamps

/// The time of transactions: the time of day, but later for each write than for the one before.
///
/// An operator who sets the clock back, or two bodies in one microsecond, would otherwise give two writes the same time
/// or the wrong order.
final class MonotonicClock: Sendable {
    private let clock: any WallClock
    /// Microseconds since 1970 of the last write.
    private let last = Mutex(Int64.min)

    init(_ clock: any WallClock) {
        self.clock = clock
    }

    /// The time of the next write.
    func advance() -> Timestamp {
        let now = clock.now().microseconds
        return last.withLock { last in
            last = last == .min ? now : max(now, last + 1)
            return Timestamp(microseconds: last)
        }
    }

    /// The time of a read: later than that of every write that it can see.
    func now() -> Timestamp {
        let now = clock.now().microseconds
        return last.withLock { Timestamp(microseconds: $0 == .min ? now : max(now, $0 + 1)) }
    }
}
