import Storage
import Timestamps

/// How often an endpoint is sent to that has asked for less, and from when on.
///
/// It is stored with the endpoint, so that all nodes send at one pace and a restart keeps it; this is the value that
/// is stored, without clocks. Each request at a pace takes the next place and puts ``notBefore`` behind it.
///
/// | what is heard | what follows |
/// |---|---|
/// | the first refusal since a success | the interval doubles; without one it becomes twice what the endpoint took |
/// | a refusal | nothing before the time it names; without one, nothing for an interval, twice as long with each in a row |
/// | 503 without a time | no interval; a second, none while it takes other requests; from the fifth in a row on it doubles |
/// | a success | the interval shrinks by a 28th: 20 of them take a doubling back |
/// | an hour without a refusal, or 500 requests a second | no pace any more |
///
/// A receiver with a limit then refuses about one request in 20, whatever its limit is. A proxy of which one backend is
/// away answers 503 between successes: holds would slow the others down, and the next try may reach one of them.
package struct Pace: Sendable, Hashable {
    /// Nothing is sent before this; nil when nothing is known that forbids it.
    package private(set) var notBefore: Timestamp?
    /// The time between two requests; nil when the endpoint asked for nothing.
    private(set) var interval: Duration?
    /// When it refused last.
    private var refusedAt: Timestamp?
    /// Refusals since the last success.
    private var refusals = 0
    /// When the next request may go by the rate that the owner set; what is heard does not change it.
    private var nextPlace: Timestamp?

    /// The pace of an endpoint that has asked for nothing.
    package init() {}

    /// Reads the columns of `endpoint`.
    init(row: Row) throws {
        notBefore = try row.find("hold_until")
        interval = try row.find("pace_interval")
        refusedAt = try row.find("refused_at")
        refusals = try row.find("refusals") ?? 0
        nextPlace = try row.find("rate_next_at")
    }

    /// The assignments of an `UPDATE endpoint` that store it.
    var assignments: SQL {
        """
        hold_until = \(notBefore), pace_interval = \(interval), refused_at = \(refusedAt), refusals = \(refusals), \
        rate_next_at = \(nextPlace)
        """
    }

    /// Until when nothing may be sent; nil when it may at `now`. What lies further ahead than any hold can was reckoned by a
    /// clock that has been set back since, and is void.
    package func hold(at now: Timestamp) -> Timestamp? {
        let own = nextPlace.flatMap { $0 > now && $0 - now <= Self.longest ? $0 : nil }
        return [heard(at: now), own].compactMap(\.self).max()
    }

    /// The hold without the rate that the owner set.
    private func heard(at now: Timestamp) -> Timestamp? {
        notBefore.flatMap { $0 > now && $0 - now <= Self.longestHold ? $0 : nil }
    }

    /// Whether a success changes it.
    var isAdapting: Bool { interval != nil || refusals > 0 }

    /// How many requests may go at once, at least one: as many as fall into ``tick``. Nil when any number may.
    ///
    /// - Parameter own: The least interval that the owner wants.
    /// - Returns: The number.
    func burst(every own: Duration? = nil) -> Int? {
        [interval, own].compactMap(\.self).max().map { Int(max(Self.tick / max($0, Self.shortest), 1)) }
    }

    /// Takes the next places for requests that go at `now`, which ``burst(every:)`` allows.
    mutating func book(_ count: Int, every own: Duration? = nil, at now: Timestamp) {
        nextPlace = own.map { now + $0 * count }
        guard let interval else { return }
        notBefore = (heard(at: now) ?? now) + interval * count
    }

    /// Has this node look again when another has taken its places, in ``tick`` at the latest; not stored.
    mutating func wait(at now: Timestamp) {
        notBefore = now + Self.tick
    }

    /// Learns from an attempt at the version of the endpoint that it belongs to.
    mutating func learn(_ attempt: RecordedAttempt) {
        if let hold = attempt.hold {
            refused(hold, startedAt: attempt.startedAt, rate: attempt.rate)
        } else if attempt.isPaced, attempt.verdict == .succeeded {
            succeeded(startedAt: attempt.startedAt, endedAt: attempt.startedAt + attempt.result.duration)
        }
    }

    /// Pulls in what the clock that was set by `step`, or by nobody knows how much, has left ahead of `now`.
    mutating func pullIn(by step: Duration?, at now: Timestamp) {
        guard let ahead = notBefore.map({ $0 - now }), ahead > (step == nil ? Self.longestHold : Self.longest) else {
            return
        }
        notBefore = step.map { max(now + ahead + $0, now) }
    }

    /// Learns that a request was refused.
    ///
    /// - Parameters:
    ///   - hold: What the answer asks for.
    ///   - startedAt: When the request was sent: what was under way when another was refused says nothing new.
    ///   - rate: How many requests the endpoint took in a second before, as far as is known.
    mutating func refused(_ hold: Hold, startedAt: Timestamp, rate: Int) {
        var until = hold.until
        let isNews = isNews(startedAt, at: hold.heardAt)
        if isNews {
            if refusals == 0, !hold.isAway {
                interval = min(interval.map { $0 * 2 } ?? .seconds(2) / max(rate, 1), Self.longest)
            }
            if !hold.isNamed {
                let doublings = hold.isAway ? max(refusals - Self.inRow + 1, 0) : refusals
                let wait = max(hold.wait, interval ?? hold.wait) * (1 << min(doublings, Self.doublings))
                until = hold.heardAt + min(wait, hold.longest)
            }
            refusals = min(refusals.clampedAdding(1), Self.inRow + Self.doublings)
            refusedAt = hold.heardAt
        }
        // Others may have answered since this began.
        if hold.isAway, !isNews || rate > 0 && refusals < Self.inRow { return }
        notBefore = max(heard(at: hold.heardAt) ?? until, until)
    }

    /// Learns that a request went well.
    mutating func succeeded(startedAt: Timestamp, endedAt: Timestamp) {
        guard isNews(startedAt, at: endedAt) else { return }
        guard let interval else {
            forget()
            return
        }
        refusals = 0
        self.interval = interval - interval / Self.share
        let isOld = refusedAt.map { endedAt - $0 >= Self.memory } ?? true
        if isOld || interval < Self.shortest { forget() }
    }

    /// Forgets what was heard.
    private mutating func forget() {
        let place = nextPlace
        self = Pace()
        nextPlace = place
    }

    private func isNews(_ startedAt: Timestamp, at now: Timestamp) -> Bool {
        // One of the future was heard by a clock that has been set back since.
        guard let refusedAt, refusedAt <= now else { return true }
        return startedAt >= refusedAt
    }

    /// The longest that can be asked for, and a minute for what the clocks of nodes differ by.
    static let longestHold: Duration = RetryAfter.cap + .seconds(60)
    /// A minute between two requests to an endpoint that refuses all and does not say for how long.
    static let longest: Duration = .seconds(60)
    /// 50 ms: the dispatcher does not wake for each request of a fast pace.
    static let tick: Duration = .milliseconds(50)
    /// 2 ms: windows are limit enough for 500 requests a second.
    private static let shortest: Duration = .milliseconds(2)
    /// 27 / 28 to the power of 20 is a half.
    private static let share = 28
    /// Five 503 in a row are no accident: where half of the backends are away, one request in 32 meets them.
    private static let inRow = 5
    /// 2 to the power of 6 is a minute, in seconds.
    private static let doublings = 6
    /// After an hour a limit may be another one, and an endpoint with few events costs no more than others.
    private static let memory: Duration = .seconds(3_600)
}
