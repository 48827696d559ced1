import Synchronization

/// A time of day that was set: what a look at both clocks found.
public struct ClockStep: Sendable, Hashable {
    /// By how much the time of day moved beside the clock that nobody can set; negative when it was set back.
    public let amount: Duration
}

/// Says whether the time of day may be believed, by holding it against a clock that nobody can set.
///
/// The time of day of a machine can be wrong and be put right later, by hours or years, in both directions. What is
/// done again later may follow it; what cannot be undone may not:
///
/// ```swift
/// guard clocks.isBelieved else { return }         // before anything is deleted for its age
/// if clocks.isInGrace(for: offlineAfter / 4) { }  // a step forward: nobody is late because of it
/// ```
///
/// Time is believed while it is at most ``tolerance`` ahead of what the last believed reading plus the time since then
/// says. Time that was set back is believed, as less is then too old. A step that is meant is believed once ``patience``
/// has passed without another one. Thread-safe; ``look()`` is called once a second by `ClockWatch`.
public final class ClockGuard: Sendable {
    /// One hour: more than any slewing adds up to within ``patience``, less than any retention time.
    public static let tolerance: Duration = .seconds(3_600)
    /// A day: in that time a wrong clock is noticed and put right.
    public static let patience: Duration = .seconds(86_400)
    /// What counts as a step between two looks; slewing moves a clock by 500 microseconds in a second.
    public static let smallestStep: Duration = .milliseconds(500)

    private struct State {
        /// The reading that is believed.
        var anchor: Instants
        /// The last reading.
        var last: Instants
        /// When the time of day was last set, by the clock that nobody can set; nil while it never was.
        var lastStep: ContinuousClock.Instant?
        /// When it was last set forward.
        var lastStepForward: ContinuousClock.Instant?
        var stepsForward = 0
        var stepsBack = 0
    }

    private let clock: any WallClock
    private let state: Mutex<State>

    /// Begins to watch `clock`.
    ///
    /// - Parameters:
    ///   - clock: What is watched.
    ///   - lastAlive: When a server last said that it ran on this store, by a time it believed; nil for a new store,
    ///     whose first reading is believed. A server that was away for longer than ``tolerance`` believes its clock after
    ///     ``patience``, for it cannot tell a long absence from a wrong clock.
    public init(_ clock: any WallClock, lastAlive: Timestamp? = nil) {
        let now = clock.instants()
        self.clock = clock
        let anchor = Instants(wall: lastAlive ?? now.wall, boot: now.boot)
        // The time in which no server ran is no step, but it has to pass the same test.
        let isFar = now.wall - anchor.wall > Self.tolerance
        state = Mutex(State(anchor: anchor, last: now, lastStep: isFar ? now.boot : nil))
    }

    /// Compares both clocks with the last look.
    ///
    /// - Returns: The step that the time of day made since then; nil when it made none.
    public func look() -> ClockStep? {
        let now = clock.instants()
        return state.withLock { state in
            let amount = (now.wall - state.last.wall) - state.last.boot.duration(to: now.boot)
            state.last = now
            guard amount >= Self.smallestStep || amount <= .zero - Self.smallestStep else {
                if let step = state.lastStep, step.duration(to: now.boot) < Self.patience { return nil }
                if state.anchor.boot.duration(to: now.boot) >= Self.patience { state.anchor = now }
                return nil
            }
            state.lastStep = now.boot
            if amount > .zero {
                state.stepsForward += 1
                state.lastStepForward = now.boot
            } else {
                state.stepsBack += 1
            }
            return ClockStep(amount: amount)
        }
    }

    /// Whether something may be deleted because it is old by the time of day.
    public var isBelieved: Bool {
        let now = clock.instants()
        return state.withLock { state in
            now.wall - state.anchor.wall <= state.anchor.boot.duration(to: now.boot) + Self.tolerance
        }
    }

    /// Whether the time of day was set forward less than `duration` ago: then nobody is late because of what it says.
    ///
    /// A step since the last look counts, so that nothing can come between the step and its discovery.
    public func isInGrace(for duration: Duration) -> Bool {
        let now = clock.instants()
        return state.withLock { state in
            let unseen = (now.wall - state.last.wall) - state.last.boot.duration(to: now.boot)
            if unseen >= Self.smallestStep { return true }
            return state.lastStepForward.map { $0.duration(to: now.boot) < duration } ?? false
        }
    }

    /// How often the time of day was set since the process started, forward and back, for metrics.
    public var steps: (forward: Int, back: Int) { state.withLock { ($0.stepsForward, $0.stepsBack) } }
}
