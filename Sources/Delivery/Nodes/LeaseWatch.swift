import Storage
import Timestamps

/// Which leases of others nobody renews any more, by the clock of this process that nobody can set.
///
/// The database's clock can be set, and then all leases are over at once, or none for hours. So a lease is taken for dead when
/// its end has not moved for one life while this process looked once a second. A look that comes late begins again: while the
/// database or this process hung, nobody could renew.
struct LeaseWatch {
    /// How a lease was found by a look.
    struct Sighting: Sendable, RowDecodable {
        let lease: Lease
        /// By the database's clock.
        let aliveUntil: Timestamp
        /// Whether that is over, by the same clock.
        let isOver: Bool

        init(lease: Lease, aliveUntil: Timestamp, isOver: Bool) {
            self.lease = lease
            self.aliveUntil = aliveUntil
            self.isOver = isOver
        }

        init(row: Row) throws {
            lease = try row.get("lease")
            aliveUntil = try row.get("alive_until")
            isOver = try row.get("is_over", as: Int.self) == 1
        }
    }

    private let life: Duration
    private var since: [Lease: (end: Timestamp, at: ContinuousClock.Instant)] = [:]
    private var lastLook: ContinuousClock.Instant?

    /// Watches leases that hold for `life`.
    init(life: Duration) {
        self.life = life
    }

    /// Which of `others` are dead, by a look at `now`.
    ///
    /// One that is not over by the database's clock may have a longer life than ours: that one is given ``patience`` lives.
    mutating func dead(_ others: [Sighting], at now: ContinuousClock.Instant) -> [Sighting] {
        let isLate = lastLook.map { $0.duration(to: now) > life / 4 } ?? true
        lastLook = now
        var seen: [Lease: (end: Timestamp, at: ContinuousClock.Instant)] = [:]
        for other in others {
            let before = isLate ? nil : since[other.lease]
            seen[other.lease] = before.flatMap { $0.end == other.aliveUntil ? $0 : nil } ?? (other.aliveUntil, now)
        }
        since = seen
        return others.filter { other in
            guard let at = seen[other.lease]?.at else { return false }
            return at.duration(to: now) >= (other.isOver ? life : life * Self.patience)
        }
    }

    private static let patience = 3
}
