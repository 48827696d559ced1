import Timestamps

/// Keeps two attempts of a delivery a second apart, whatever the time of day was set to meanwhile.
///
/// Due times are times of day: when the clock is set forward by an hour, what was to wait for 2 s is due at once. So the
/// attempts that failed less than a second ago are remembered by the clock that nobody can set. What other processes tried
/// is not known here. A process that starts waits for a second; of nodes that run side by side, `docs/scaling.md` asks
/// that their clocks agree.
struct RecentRetries: Sendable {
    private let start: ContinuousClock.Instant
    private var endedAt: [DeliveryID: ContinuousClock.Instant] = [:]
    private var order: [(id: DeliveryID, at: ContinuousClock.Instant)] = []

    /// Knows of nothing that was tried before `start`.
    init(since start: ContinuousClock.Instant) {
        self.start = start
    }

    /// Notes that a failed attempt of `delivery` ended at `end`: what it takes to store it is not part of the second.
    mutating func note(_ delivery: DeliveryID, endedAt end: ContinuousClock.Instant, at now: ContinuousClock.Instant) {
        let over = order.prefix { $0.at.duration(to: now) >= Self.leastWait }
        for entry in over where endedAt[entry.id] == entry.at { endedAt[entry.id] = nil }
        order.removeFirst(over.count)
        endedAt[delivery] = end
        order.append((delivery, end))
    }

    /// How long the attempt of `claim` has to wait; zero when its last one is old enough, or it is the first.
    func wait(before claim: ClaimedDelivery, at now: ContinuousClock.Instant) -> Duration {
        guard claim.attempt > 1 else { return .zero }
        let last = endedAt[claim.id] ?? start
        return max(Self.leastWait - last.duration(to: now), .zero)
    }

    /// What the public documentation promises between tries.
    private static let leastWait: Duration = .seconds(1)
}
