import Synchronization
import Timestamps

/// The lease that this process works under, and how long it surely holds.
///
/// Whoever cannot renew its lease in time is taken for dead by its peers: they fence the lease and free what was
/// claimed under it. So no attempt starts that the lease may not outlive.
package final class OwnLease: Sendable {
    /// A lease and its end.
    struct Term: Sendable, Hashable {
        /// What deliveries are claimed under.
        let lease: Lease
        /// Until when nobody fences it; nil when nobody ever does: one server of a SQLite database.
        let end: ContinuousClock.Instant?

        /// Whether it surely holds for `duration` from `now` on.
        func holds(for duration: Duration, at now: ContinuousClock.Instant) -> Bool {
            end.map { now.duration(to: $0) >= duration } ?? true
        }
    }

    private let clock: any WallClock
    private let state: Mutex<Term>

    /// Works under `lease`.
    ///
    /// - Parameters:
    ///   - lease: What deliveries are claimed under.
    ///   - end: Until when nobody fences it, by `clock.boot()`; nil when nobody ever does.
    ///   - clock: What its end is compared with.
    package init(_ lease: Lease, until end: ContinuousClock.Instant? = nil, clock: any WallClock = SystemClock()) {
        self.clock = clock
        state = Mutex(Term(lease: lease, end: end))
    }

    /// What to claim under now.
    package var current: Lease { term.lease }

    /// What to claim under now, and until when it holds.
    var term: Term { state.withLock { $0 } }

    /// Whether `lease` is the current one and holds for `duration` from now on.
    func outlives(_ duration: Duration, lease: Lease) -> Bool {
        let term = term
        return term.lease == lease && term.holds(for: duration, at: clock.boot())
    }

    /// Returns a second before `lease` may be taken from us, which is never while it is renewed in time, or when the task is
    /// cancelled.
    func end(of lease: Lease) async {
        while !Task.isCancelled {
            let term = term
            guard term.lease == lease else { return }
            let left = term.end.map { clock.boot().duration(to: $0) - .seconds(1) } ?? .seconds(3_600)
            guard left > .zero else { return }
            try? await clock.sleep(for: left)  // Cancelled: the loop ends.
        }
    }

    /// Notes that the lease was renewed, or that another one has its place.
    func set(_ lease: Lease, until end: ContinuousClock.Instant?) {
        state.withLock { $0 = Term(lease: lease, end: end) }
    }
}
