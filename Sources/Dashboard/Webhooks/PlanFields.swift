import Delivery
import Foundation
import Gateway
import Timestamps
import Wire

/// The fields of a webhook's form that say how fast and how patiently it is sent to. Empty ones are as it is documented.
struct PlanFields: Sendable {
    private var rate = ""
    private var maxInFlight = ""
    private var timeout = ""
    private var retryDelays = ""
    private var hasRetries = true
    private var fallback = ""
    private var fallbackAfter = ""

    /// What the page shows of them.
    struct Content: Sendable {
        let rate: String
        let maxInFlight: String
        let timeout: String
        let retryDelays: String
        let hasNoRetries: Bool
        let fallback: String
        let fallbackAfter: String
        let isOpen: Bool
        let rateProblems: [String]
        let flightProblems: [String]
        let timeoutProblems: [String]
        let retryProblems: [String]
        let fallbackProblems: [String]
        let afterProblems: [String]
    }

    init() {}

    init(_ plan: EndpointPlan) {
        rate = plan.shownRate ?? ""
        maxInFlight = plan.maxInFlight.map { "\($0)" } ?? ""
        timeout = plan.timeout.map { "\($0.components.seconds)" } ?? ""
        retryDelays = plan.schedule?.delays.map { "\($0.components.seconds)s" }.joined(separator: ", ") ?? ""
        hasRetries = plan.schedule?.delays.isEmpty != true
        fallback = plan.fallback?.url ?? ""
        fallbackAfter = plan.fallback.map { "\($0.after.components.seconds)" } ?? ""
    }

    init(_ form: PageForm) {
        rate = form.text("rate_per_second")
        maxInFlight = form.text("max_in_flight")
        timeout = form.text("timeout_seconds")
        retryDelays = form.text("retry_delays")
        hasRetries = form.text("no_retries") != "yes"
        fallback = form.text("fallback_url")
        fallbackAfter = form.text("fallback_after_seconds")
    }

    /// What they ask for. What is no number becomes one that is refused at its field.
    var update: PlanUpdate {
        PlanUpdate(
            rate: Self.patch(rate) { Double($0) ?? -1 }, maxInFlight: Self.patch(maxInFlight) { Int($0) ?? -1 },
            timeout: Self.patch(timeout) { Int($0) ?? -1 },
            retryDelays: hasRetries ? Self.patch(retryDelays, Self.seconds) : .value([]),
            fallbackURL: Self.patch(fallback) { $0 }, fallbackAfter: Self.patch(fallbackAfter) { Int($0) ?? -1 })
    }

    /// Delays such as `90s, 10m, 2h`; a number alone is seconds.
    private static func seconds(_ text: String) -> [Int] {
        text.split { $0 == "," || $0.isWhitespace }.map { part in
            Int(part) ?? DurationText.parse(String(part)).map { Int($0.components.seconds) } ?? -1
        }
    }

    private static func patch<Value>(_ text: String, _ read: (String) -> Value) -> Patch<Value> {
        text.isEmpty ? .null : .value(read(text))
    }

    func content(problems: [String: [String]]) -> Content {
        let fields = [
            "rate_per_second", "max_in_flight", "timeout_seconds", "retry_delays", "fallback_url",
            "fallback_after_seconds",
        ]
        let texts = [rate, maxInFlight, timeout, retryDelays, fallback, fallbackAfter]
        let isSet = !texts.allSatisfy(\.isEmpty) || !hasRetries
        return Content(
            rate: rate, maxInFlight: maxInFlight, timeout: timeout, retryDelays: retryDelays,
            hasNoRetries: !hasRetries, fallback: fallback, fallbackAfter: fallbackAfter,
            isOpen: isSet || fields.contains { problems[$0] != nil },
            rateProblems: problems[fields[0]] ?? [], flightProblems: problems[fields[1]] ?? [],
            timeoutProblems: problems[fields[2]] ?? [], retryProblems: problems[fields[3]] ?? [],
            fallbackProblems: problems[fields[4]] ?? [], afterProblems: problems[fields[5]] ?? [])
    }
}
