import Synchronization

/// The lease that this process works under, and how long it surely holds.
///
/// Whoever cannot renew its lease in time is taken for dead by its peers: they fence the lease and free what was
/// claimed under it. So no attempt starts that the lease may not outlive.
package final class OwnLease: Sendable {
    private struct State {
        var lease: Lease
        /// Nil when nobody else can void it: one server of a SQLite database.
        var end: ContinuousClock.Instant?
    }

    private let state: Mutex<State>

    /// Works under `lease`.
    ///
    /// - Parameters:
    ///   - lease: What deliveries are claimed under.
    ///   - end: Until when nobody fences it; nil when nobody ever does.
    package init(_ lease: Lease, until end: ContinuousClock.Instant? = nil) {
        state = Mutex(State(lease: lease, end: end))
    }

    /// What to claim under now.
    package var current: Lease { state.withLock { $0.lease } }

    /// Whether `lease` is the current one and holds for `duration` from now on.
    func outlives(_ duration: Duration, lease: Lease) -> Bool {
        state.withLock { $0.lease == lease && ($0.end.map { $0 - .now >= duration } ?? true) }
    }

    /// Notes that the lease was renewed, or that another one has its place.
    func set(_ lease: Lease, until end: ContinuousClock.Instant?) {
        state.withLock { $0 = State(lease: lease, end: end) }
    }
}
