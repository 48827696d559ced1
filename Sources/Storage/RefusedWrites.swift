import Synchronization

/// Writes of clients that a database refused lately though it lives: whoever asks how the store is must hear of them, for what a look
/// writes may meet nothing of what stops them, such as a table that another session has locked.
///
/// One alone says little. Counted are those that come within 10 s of the one before, and three tell.
final class RefusedWrites: Sendable {
    private struct State {
        var count = 0
        var last: (time: ContinuousClock.Instant, reason: String)?
    }

    private let state = Mutex(State())

    /// A lock is waited for 5 s: who meets one comes back within twice that.
    private static let life: Duration = .seconds(10)
    private static let limit = 3

    /// A write was refused, for `reason`.
    func note(_ reason: String, at now: ContinuousClock.Instant = .now) {
        state.withLock { state in
            let isNear = state.last.map { now - $0.time < Self.life } ?? false
            state.count = isNear ? min(state.count + 1, Self.limit) : 1
            state.last = (now, reason)
        }
    }

    /// Why writes are refused, in words; nil when they are not.
    func reason(at now: ContinuousClock.Instant = .now) -> String? {
        state.withLock { state in
            guard let last = state.last, state.count >= Self.limit, now - last.time < Self.life else { return nil }
            return last.reason
        }
    }
}
