import Storage
import Timestamps

/// How long to wait before each retry of a delivery.
///
/// The public documentation promises at most 4 retries with at least 1 second between tries. The default delays:
///
/// | failure | wait | since acceptance, without jitter |
/// |---|---|---|
/// | 1st | 2 s | 2 s |
/// | 2nd | 10 s | 12 s |
/// | 3rd | 1 min | 1 min 12 s |
/// | 4th | 10 min | 11 min 12 s |
/// | 5th | none: failed | |
package struct RetrySchedule: Sendable, Hashable {
    /// Waits of at least a second each: one to four, or as many as an owner asks for.
    package let delays: [Duration]

    /// 2 s, 10 s, 1 min, 10 min: a blip, a restart, a deployment, an incident.
    package static let standard = RetrySchedule(checked: [.seconds(2), .seconds(10), .seconds(60), .seconds(600)])

    private init(checked delays: [Duration]) {
        self.delays = delays
    }

    /// Takes other delays; nil unless there are one to four of at least 1 s each.
    package init?(_ delays: [Duration]) {
        guard (1...4).contains(delays.count), delays.allSatisfy({ $0 >= .seconds(1) }) else { return nil }
        self.init(checked: delays)
    }

    /// Takes the waits that an owner asks for; nil when there are more than 20, one is shorter than 1 s, or they are longer
    /// than 72 h together. Without any, what fails is not tried again.
    package init?(own delays: [Duration]) {
        guard delays.count <= Self.mostOwn, delays.allSatisfy({ (.seconds(1)...Self.longestTotal).contains($0) }),
            delays.reduce(.zero, +) <= Self.longestTotal
        else { return nil }
        self.init(checked: delays)
    }

    /// 20, such as hourly for most of a day.
    package static let mostOwn = 20
    /// 72 h: a weekend and a morning.
    package static let longestTotal: Duration = .seconds(72 * 3_600)

    /// The wait after the failure that follows `step` earlier ones, or nil when the schedule is used up.
    ///
    /// - Parameters:
    ///   - step: Failures so far, 0 for the first attempt.
    ///   - jitter: 0 to 1; adds 0 to 20 % so that what failed together does not come back together. Never shortens.
    /// - Returns: The wait, at least 1 s.
    package func delay(afterStep step: Int, jitter: Double) -> Duration? {
        guard delays.indices.contains(step) else { return nil }
        return delays[step] + delays[step] * Self.share(of: jitter)
    }

    /// A wait that was asked for, lengthened by up to a fifth within what may be asked for at all: what was refused together
    /// does not come back together.
    static func spread(_ wait: Duration, jitter: Double) -> Duration {
        min(wait + wait * share(of: jitter), max(wait, RetryAfter.cap))
    }

    private static func share(of jitter: Double) -> Double { 0.2 * min(max(jitter, 0), 1) }
}

extension AttemptFailure.Code {
    /// Whether the attempt used up time that a slot was held for.
    var isTimeout: Bool {
        switch self {
        case .dnsTimeout, .connectTimeout, .tlsTimeout, .timeout: true
        default: false
        }
    }
}
