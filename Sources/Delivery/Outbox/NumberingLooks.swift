import Storage
import Synchronization
import Timestamps

/// How far back the numbering sweep of this process looks for rows without a number.
///
/// As with claims (``ClaimCursors``), what is numbered leaves entries in the index that PostgreSQL keeps for older
/// transactions. So a look begins shortly before the last one that left nothing, once a second earlier, and once a minute at
/// the front.
package final class NumberingLooks: Sendable {
    private struct State {
        /// The time of the last look after which nothing was left.
        var completeAt: Timestamp?
        var lookedWideAt: ContinuousClock.Instant?
        var lookedFullyAt: ContinuousClock.Instant?
    }

    private let state = Mutex(State())

    private static let wideInterval: Duration = .seconds(1)
    private static let fullInterval: Duration = .seconds(60)

    package init() {}

    /// Since when rows were made that this look is for; nil for all.
    ///
    /// `time` is what rows are dated by: when that was set back, all that comes is older than the last look.
    func start(time: Timestamp, at now: ContinuousClock.Instant = .now) -> Timestamp? {
        state.withLock { state in
            guard let completeAt = state.completeAt, completeAt - time <= ClaimCursors.wideMargin,
                let full = state.lookedFullyAt, now - full < Self.fullInterval
            else {
                (state.lookedFullyAt, state.lookedWideAt) = (now, now)
                return nil
            }
            if let wide = state.lookedWideAt, now - wide < Self.wideInterval { return completeAt - ClaimCursors.margin }
            state.lookedWideAt = now
            return completeAt - ClaimCursors.wideMargin
        }
    }

    /// Notes that nothing that was there at `time` is left.
    func isComplete(at time: Timestamp) {
        state.withLock { $0.completeAt = time }
    }
}
