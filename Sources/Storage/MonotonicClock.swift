import Synchronization
import Timestamps

/// The time of transactions: the time of day, but later for each write than for the one before.
///
/// An operator who sets the clock back, or two bodies in one microsecond, would otherwise give two writes the same time
/// or the wrong order. After a step back of at most an hour it goes on from where it was, a little slower than real time,
/// until the time of day has caught up: what is due by it is not kept waiting. A clock that was set back by more than
/// that was wrong, and all that is dated from now on must not be: it is followed, and the order of writes is broken once.
final class MonotonicClock: Sendable {
    private struct State {
        /// The time of the last write.
        var last = Timestamp.first
        /// When that was, by the clock that nobody can set.
        var boot: ContinuousClock.Instant?
    }

    private let clock: any WallClock
    private let state = Mutex(State())

    init(_ clock: any WallClock) {
        self.clock = clock
    }

    /// The time of the next write.
    func advance() -> Timestamp {
        let now = clock.instants()
        return state.withLock { state in
            state.last = Self.next(after: state, at: now)
            state.boot = now.boot
            return state.last
        }
    }

    /// The time of a read: later than that of every write that it can see.
    func now() -> Timestamp {
        let now = clock.instants()
        return state.withLock { Self.next(after: $0, at: now) }
    }

    /// How often a transaction runs at most while the clock is being set: one that is set again and again keeps nobody from writing.
    static let runsWhileSet = 3

    /// What ``wasSet(since:)`` is asked with later.
    func instants() -> Instants { clock.instants() }

    /// Whether the time of day was set since `reading`, by as much as counts for a step: what was decided by a time before the
    /// step and compared with one after it may be wrong in both directions, and must not be stored.
    func wasSet(since reading: Instants) -> Bool {
        let now = clock.instants()
        let moved = (now.wall - reading.wall) - reading.boot.duration(to: now.boot)
        return moved >= ClockGuard.smallestStep || moved <= .zero - ClockGuard.smallestStep
    }

    private static func next(after state: State, at now: Instants) -> Timestamp {
        if now.wall > state.last { return now.wall }
        guard state.last - now.wall <= longestLead, let boot = state.boot else { return now.wall }
        let passed = max(boot.duration(to: now.boot), .zero)
        return state.last + max(passed * 15 / 16, .microseconds(1))
    }

    /// A wrong time zone, or a summer time that was set by hand.
    private static let longestLead: Duration = .seconds(3_600)
}
