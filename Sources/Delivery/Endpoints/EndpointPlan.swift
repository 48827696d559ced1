import Storage
import Timestamps

/// How fast and how patiently an endpoint is sent to, as far as its owner wants it otherwise than the public documentation
/// has it: nil is as documented.
package struct EndpointPlan: Sendable, Hashable {
    /// Requests a second at most, all nodes together.
    package var rate: Double?
    /// Requests under way at most, all nodes together.
    package var maxInFlight: Int?
    /// How long a request may take, in whole seconds.
    package var timeout: Duration?
    /// When a failed delivery is tried again.
    package var schedule: RetrySchedule?
    /// Where requests go while the endpoint's own URL is out.
    package var fallback: Fallback?

    /// What the public documentation says.
    package static let documented = EndpointPlan()

    /// One request in 50 s, so that a place is never further ahead than a ``Pace`` may be, to as many as windows are limit
    /// enough for.
    package static let rates = 0.02...500
    /// One to as many as an endpoint is sent at once anyway.
    package static let inFlight = 1...128
    /// Seconds.
    package static let timeouts = 1...30

    /// Names what deviates.
    package init(
        rate: Double? = nil, maxInFlight: Int? = nil, timeout: Duration? = nil, schedule: RetrySchedule? = nil,
        fallback: Fallback? = nil
    ) {
        self.rate = rate
        self.maxInFlight = maxInFlight
        self.timeout = timeout
        self.schedule = schedule
        self.fallback = fallback
    }

    /// Reads the columns of `endpoint`. What is out of bounds, which nobody could set, is the bound.
    init(row: Row) throws {
        rate = try row.find("rate_limit").map { (rate: Double) in Self.clamped(rate, Self.rates) }
        maxInFlight = try row.find("flight_limit").map { (count: Int) in Self.clamped(count, Self.inFlight) }
        timeout = try row.find("time_limit").map { (time: Duration) in
            Self.clamped(time, .seconds(Self.timeouts.lowerBound)...(.seconds(Self.timeouts.upperBound)))
        }
        schedule = try Self.schedule(row: row)
        fallback = try row.find("fallback_url").map { (url: String) in
            let bounds = Duration.seconds(Fallback.waits.lowerBound)...(.seconds(Fallback.waits.upperBound))
            return Fallback(url: url, after: Self.clamped(try row.find("fallback_after") ?? Fallback.usualWait, bounds))
        }
    }

    private static func clamped<Value>(_ value: Value, _ bounds: ClosedRange<Value>) -> Value {
        min(max(value, bounds.lowerBound), bounds.upperBound)
    }

    /// Reads the endpoint's own waits; nil when it has none.
    static func schedule(row: Row) throws -> RetrySchedule? {
        guard let text: String = try row.find("retry_delays") else { return nil }
        let words = SpacedList.words(text)
        let delays = words.compactMap { Int64($0).map { Duration.seconds($0) } }
        guard delays.count == words.count, let schedule = RetrySchedule(own: delays) else {
            throw StorageError.corrupt("the retry_delays of an endpoint are \(text.prefix(64))")
        }
        return schedule
    }

    /// The waits as they are stored: whole seconds.
    var storedDelays: String? { schedule?.delays.map { "\($0.components.seconds)" }.joined(separator: " ") }

    /// How long a request may take.
    package var timeLimit: Duration { timeout ?? AttemptRunner.timeLimit }

    /// Whether requests may hold slots for longer than the public documentation lets them.
    var isPatient: Bool { timeLimit > AttemptRunner.timeLimit }

    /// The least time between two requests; nil when there is none.
    var interval: Duration? { rate.map { .seconds(1 / $0) } }

    /// Whether nodes must agree before one sends.
    var isLimited: Bool { rate != nil || maxInFlight != nil }
}
