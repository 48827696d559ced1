import Delivery
import JSON
import Timestamps
import Wire

/// What a body says of how fast and how patiently a webhook is sent to; null is as it is documented.
package struct PlanUpdate: Decodable, Sendable {
    /// Requests a second.
    var rate: Patch<Double> = .absent
    /// Requests under way.
    var maxInFlight: Patch<Int> = .absent
    /// Seconds.
    var timeout: Patch<Int> = .absent
    /// Seconds before each retry.
    var retryDelays: Patch<[Int]> = .absent
    /// Where events go while the callback URL is out.
    var fallbackURL: Patch<String> = .absent
    /// Seconds for which that must have been out.
    var fallbackAfter: Patch<Int> = .absent

    /// Its members of the body of a webhook.
    enum Member: String, CodingKey {
        case ratePerSecond, maxInFlight, timeoutSeconds, retryDelays, fallbackURL = "fallbackUrl", fallbackAfterSeconds
    }

    /// Reads the members that are its own.
    package init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: Member.self)
        rate = try members.patch(forKey: .ratePerSecond)
        maxInFlight = try members.patch(forKey: .maxInFlight)
        timeout = try members.patch(forKey: .timeoutSeconds)
        retryDelays = try members.patch(forKey: .retryDelays)
        fallbackURL = try members.patch(forKey: .fallbackURL)
        fallbackAfter = try members.patch(forKey: .fallbackAfterSeconds)
    }

    /// Says what becomes of each; what is left out stays.
    package init(
        rate: Patch<Double> = .absent, maxInFlight: Patch<Int> = .absent, timeout: Patch<Int> = .absent,
        retryDelays: Patch<[Int]> = .absent, fallbackURL: Patch<String> = .absent, fallbackAfter: Patch<Int> = .absent
    ) {
        (self.rate, self.maxInFlight, self.timeout) = (rate, maxInFlight, timeout)
        (self.retryDelays, self.fallbackURL, self.fallbackAfter) = (retryDelays, fallbackURL, fallbackAfter)
    }

    /// What `current` becomes.
    func plan(over current: EndpointPlan, _ errors: inout FieldErrors) -> EndpointPlan {
        let rate = rate.applied(to: current.rate)
        if let rate, !EndpointPlan.rates.contains(rate) {
            errors.add(
                "rate_per_second",
                """
                The rate_per_second field must be between \(EndpointPlan.rates.lowerBound) and \
                \(Int(EndpointPlan.rates.upperBound))
                """)
        }
        let inFlight = maxInFlight.applied(to: current.maxInFlight)
        errors.requireRange("max_in_flight", inFlight, EndpointPlan.inFlight)
        let timeout = timeout.applied(to: current.timeout.map { Int($0.components.seconds) })
        errors.requireRange("timeout_seconds", timeout, EndpointPlan.timeouts)
        return EndpointPlan(
            rate: rate, maxInFlight: inFlight, timeout: timeout.map { .seconds($0) },
            schedule: schedule(over: current.schedule, &errors), fallback: fallback(over: current.fallback, &errors))
    }

    /// The URL itself is judged with the callback URL.
    private func fallback(over current: Fallback?, _ errors: inout FieldErrors) -> Fallback? {
        let url = (fallbackURL.applied(to: current?.url) ?? "").trimmed
        let after = fallbackAfter.applied(to: current.map { Int($0.after.components.seconds) })
        errors.requireRange("fallback_after_seconds", after, Fallback.waits)
        if url.isEmpty {
            if fallbackAfter.value != nil {
                errors.add(
                    "fallback_after_seconds", "The fallback_after_seconds field means nothing without a fallback_url")
            }
            return nil
        }
        return Fallback(
            url: WebhookUpdate.withScheme(url), after: after.map { .seconds($0) } ?? Fallback.usualWait)
    }

    private func schedule(over current: RetrySchedule?, _ errors: inout FieldErrors) -> RetrySchedule? {
        guard !retryDelays.isAbsent else { return current }
        guard let seconds = retryDelays.value else { return nil }
        let schedule = RetrySchedule(own: seconds.map { .seconds($0) })
        if schedule == nil {
            errors.add(
                "retry_delays",
                """
                The retry_delays field must have at most \(RetrySchedule.mostOwn) delays of at least 1 second each, and \
                \(RetrySchedule.longestTotal.components.seconds) seconds together
                """)
        }
        return schedule
    }
}

extension EndpointPlan {
    /// Writes the members of a webhook in JSON.
    func write(to object: inout JSONObjectWriter) {
        object.field("rate_per_second", rate)
        object.field("max_in_flight", maxInFlight)
        object.field("timeout_seconds", timeout.map { Int($0.components.seconds) })
        object.field("retry_delays", schedule.map { $0.delays.map { Int($0.components.seconds) } })
        object.field("fallback_url", fallback?.url)
        object.field("fallback_after_seconds", fallback.map { Int($0.after.components.seconds) })
    }

    /// What deviates from what is documented, in words; empty when nothing does.
    package var deviations: [String] {
        [
            shownRate.map { "at most \($0) requests a second" },
            maxInFlight.map { "at most \($0) request\($0 == 1 ? "" : "s") under way" },
            timeout.map { "\(Figure.shown($0)) for an answer" },
            schedule.map { schedule in
                schedule.delays.isEmpty
                    ? "no retries" : "retries after \(schedule.delays.map { Figure.shown($0) }.joined(separator: ", "))"
            },
            fallback.map { "to \($0.url) once its URL has been out for \(Figure.shown($0.after))" },
        ].compactMap(\.self)
    }

    /// The rate without a point where it is whole; nil when there is none.
    package var shownRate: String? { rate.map { rate in Int(exactly: rate).map { "\($0)" } ?? "\(rate)" } }
}
