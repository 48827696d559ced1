import Timestamps

/// How often an endpoint is sent to that has asked for less; a value without clocks.
///
/// Additive increase, halved at a refusal: from half of what was too much it takes ``stepsToDouble`` successes to get
/// there again, so that a receiver with a limit answers 429 about once in 20 requests, whatever its limit is.
struct Pace: Sendable, Hashable {
    /// Requests a second.
    private(set) var rate: Double
    /// No request before this.
    private(set) var nextAt: Timestamp
    /// What the rate grew from: a 20th of it is added with each success.
    private var base: Double

    /// Begins at half of the rate that was refused.
    ///
    /// - Parameters:
    ///   - refused: Requests a second, as many as the endpoint took before it refused; at least one is assumed.
    ///   - now: When the refusal was heard.
    init(refused: Double, at now: Timestamp) {
        rate = max(refused, 1) / 2
        base = rate
        nextAt = now
    }

    /// Whether the rate is beyond what needs a limit.
    var isOver: Bool { rate >= Self.last }

    /// How many requests may go now, at least one when any may.
    func allowance(at now: Timestamp) -> Int {
        guard nextAt <= now || nextAt - now > Self.longest else { return 0 }
        return max(1, Int(rate * Self.tick))
    }

    /// Counts requests that go now, or takes some back that could not be made.
    mutating func spend(_ count: Int, at now: Timestamp) {
        let start = count > 0 ? max(nextAt, now) : nextAt
        nextAt = start + .seconds(1 / rate) * count
    }

    /// Goes on after a hold, and there after a part of an interval, from 0 to 1, that differs from node to node.
    mutating func wait(until hold: Timestamp, phase: Double) {
        nextAt = hold + .seconds(min(max(phase, 0), 1) / rate)
    }

    /// An attempt at this rate went well.
    mutating func grow() {
        rate += base / Self.stepsToDouble
        if rate >= base * 2 { base = rate }
    }

    /// It was too much.
    mutating func halve() {
        rate = max(rate / 2, Self.first)
        base = rate
    }

    /// 20 successes from a halving to the rate before it.
    static let stepsToDouble = 20.0
    /// One request in a minute at the least: what is asked for less often says so in `Retry-After`.
    private static let first = 1.0 / 60
    /// 500 requests a second: windows are limit enough for that.
    private static let last = 500.0
    /// 50 ms: the dispatcher does not wake for each request of a fast pace.
    private static let tick = 0.05
    /// What lies further ahead is no pace but a clock that was set back.
    private static let longest: Duration = .seconds(120)
}
