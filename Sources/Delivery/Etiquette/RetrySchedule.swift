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

/// What an attempt means for its delivery.
package enum Verdict: Hashable, Sendable {
    /// The endpoint took it.
    case succeeded
    /// Try again then.
    case retry(at: Timestamp)
    /// It will not be tried again by itself.
    case failed
    /// The endpoint wants no more: it is disabled, and this delivery is held with those behind it.
    case disabled

    /// Judges an attempt by ``Etiquette/table``; transport errors are retried unless only a changed webhook fixes them.
    ///
    /// - Parameters:
    ///   - result: What came of the attempt.
    ///   - step: Failures so far along `schedule`.
    ///   - now: What the next attempt is dated from.
    ///   - schedule: The waits; when it is used up the delivery has failed.
    ///   - jitter: 0 to 1, see ``RetrySchedule/delay(afterStep:jitter:)``.
    package init(of result: AttemptResult, step: Int, at now: Timestamp, schedule: RetrySchedule, jitter: Double) {
        switch result.outcome {
        case .response(let status):
            switch Etiquette.row(for: status, from: result.receiver).action {
            case .succeed:
                self = .succeeded
                return
            case .fail:
                self = .failed
                return
            case .disable:
                self = .disabled
                return
            case .retry, .hold: break
            }
        case .failure(let failure):
            guard !failure.isFinal else {
                self = .failed
                return
            }
        }
        if let delay = schedule.delay(afterStep: step, jitter: jitter) {
            let wait = RetryAfter.wait(result, at: now) ?? .zero
            self = .retry(at: now + max(delay, RetrySchedule.spread(wait, jitter: jitter)))
        } else {
            self = .failed
        }
    }
}

/// What an answer says about the whole webhook: nothing is sent to it before a time.
package struct Hold: Hashable, Sendable {
    /// When the answer came, which the wait is counted from.
    package let heardAt: Timestamp
    /// For how long, at least a second.
    package let wait: Duration
    /// Whether the endpoint named the time; if not, it is the least there is, a second.
    package let isNamed: Bool
    /// Whether it is said to be away rather than to ask for less, and nobody knows for how long: 503 without a time.
    package let isAway: Bool
    /// What a wait that nobody named doubles up to: the longest of the schedule, a minute at most.
    package let longest: Duration

    /// The end of the wait.
    package var until: Timestamp { heardAt + wait }

    /// Reads the hold of an attempt by ``Etiquette/table``; nil when it asks for none.
    ///
    /// - Parameters:
    ///   - result: What came of the attempt.
    ///   - now: What a wait is counted from.
    ///   - schedule: The waits between the attempts of one delivery.
    ///   - jitter: 0 to 1; adds up to a fifth.
    package init?(
        of result: AttemptResult, at now: Timestamp, schedule: RetrySchedule = .standard, jitter: Double
    ) {
        guard let status = result.outcome.statusCode, Etiquette.row(for: status, from: result.receiver).action == .hold
        else { return nil }
        let wait = RetryAfter.wait(result, at: now) ?? .zero
        isNamed = wait >= Self.least
        isAway = status == 503 && !isNamed
        longest = min(schedule.delays.max() ?? Pace.longest, Pace.longest)
        heardAt = now
        self.wait = RetrySchedule.spread(max(wait, Self.least), jitter: jitter)
    }

    /// The same, heard by a clock that was set by `step` since.
    func moved(by step: Duration) -> Hold {
        Hold(self, heardAt: heardAt + step)
    }

    private init(_ hold: Hold, heardAt: Timestamp) {
        self.heardAt = heardAt
        (wait, isNamed, isAway, longest) = (hold.wait, hold.isNamed, hold.isAway, hold.longest)
    }

    private static let least: Duration = .seconds(1)
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
