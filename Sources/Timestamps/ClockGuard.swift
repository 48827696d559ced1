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
/// guard clocks.isBelieved else { return }  // before anything is deleted for its age
/// let isOver = dueAt <= now - clocks.lead(within: wait)  // a step forward makes nobody late
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

    /// What a step forward did to what was dated before it.
    public struct Lead: Sendable, Hashable {
        /// How long ago the time of day was set.
        public let age: Duration
        /// By how much the time of day may have run ahead, at most, of what was dated before; not negative.
        public let amount: Duration
    }

    private struct State {
        /// The reading that is believed.
        var anchor: Instants
        /// The last reading.
        var last: Instants
        /// When the time of day was last set, by the clock that nobody can set; nil while it never was.
        var lastStep: ContinuousClock.Instant?
        /// When and by how much it was set, the oldest first, at most ``stepsKept``.
        var kept: [(boot: ContinuousClock.Instant, amount: Duration)] = []
        var stepsForward = 0
        var stepsBack = 0
    }

    private static let stepsKept = 32

    private let clock: any WallClock
    private let state: Mutex<State>
    /// The start, and how far it was from the last sign of life; zero unless that is longer than ``tolerance``.
    private let absence: (boot: ContinuousClock.Instant, amount: Duration)

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
        // The time in which no server ran is not a step, but it has to pass the same test.
        let isFar = now.wall - anchor.wall > Self.tolerance
        absence = (now.boot, isFar ? now.wall - anchor.wall : .zero)
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
            if amount > .zero { state.stepsForward += 1 } else { state.stepsBack += 1 }
            state.kept.append((now.boot, amount))
            if state.kept.count > Self.stepsKept {
                // The two oldest become one, as late as the later of them: leads only grow by that.
                let oldest = state.kept.removeFirst()
                state.kept[0].amount += oldest.amount
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

    /// By how much the time of day may have run ahead of something that was to wait for `duration`, because it was set
    /// forward since: what is due by `now` is really due once it is due by `now` less this.
    ///
    /// Exact for what was dated before the step, and nothing for what was dated after it, as `duration` is over then. Zero
    /// when the time of day was not set, or back again. A step that nobody looked at yet counts, so that nothing can come
    /// between the step and its discovery.
    public func lead(within duration: Duration) -> Duration {
        leads().last { $0.age < duration }?.amount ?? .zero
    }

    /// The leads of all steps, the latest first: each holds for what was to wait for longer than its age, and not for
    /// longer than that of the next.
    ///
    /// - Parameter withAbsence: Whether a time in which no server ran, longer than ``tolerance``, counts as a step: it may
    ///   have been one.
    /// - Returns: At most 34 leads, whose amounts never fall.
    public func leads(withAbsence: Bool = false) -> [Lead] {
        let now = clock.instants()
        return state.withLock { state in
            var steps = state.kept
            let unseen = (now.wall - state.last.wall) - state.last.boot.duration(to: now.boot)
            if unseen >= Self.smallestStep { steps.append((now.boot, unseen)) }
            if withAbsence, absence.amount > .zero { steps.insert(absence, at: 0) }
            var (sum, most) = (Duration.zero, Duration.zero)
            return steps.reversed().map { step in
                // What was dated between two steps runs ahead by those after it only.
                sum += step.amount
                most = max(most, sum)
                return Lead(age: step.boot.duration(to: now.boot), amount: most)
            }
        }
    }

    /// How often the time of day was set since the process started, forward and back, for metrics.
    public var steps: (forward: Int, back: Int) { state.withLock { ($0.stepsForward, $0.stepsBack) } }
}
