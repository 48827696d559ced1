import ArgumentParser
import Client
import Timestamps
import Wire

/// How fast and how patiently a webhook is sent to.
struct WebhookPaceOptions: ParsableArguments {
    @Option(help: "Requests a second at most, 0.02 to 500; 'default' for as fast as it answers.")
    var ratePerSecond: Own<Double>?

    @Option(help: "Requests under way at most, 1 to 128, or 'default'.")
    var maxInFlight: Own<Int>?

    @Option(help: "How long a request may take, 1s to 30s, or 'default'.")
    var timeout: Own<Seconds>?

    @Option(help: "Waits before the retries, such as 5s,1m,2h: 20 and 72h at most; 'none', or 'default'.")
    var retryDelays: Own<Delays>?

    @Option(help: "Where events go while the callback URL is out; 'none' for nowhere.")
    var fallback: String?

    @Option(help: "How long that must have been out: up to 24h (default: 1m)")
    var fallbackAfter: Seconds?

    func validate() throws {
        if fallback == "none", fallbackAfter != nil {
            throw ValidationError("--fallback none goes without --fallback-after")
        }
    }

    /// A value of one's own, or the server's.
    struct Own<Value: ExpressibleByArgument>: ExpressibleByArgument {
        /// Nil is the server's.
        let value: Value?

        init?(argument: String) {
            value = Value(argument: argument)
            if value == nil, argument != "default" { return nil }
        }
    }

    /// A duration in whole seconds.
    struct Seconds: ExpressibleByArgument {
        let count: Int

        init?(argument: String) {
            guard let duration = DurationText.parse(argument) else { return nil }
            count = Int(duration.components.seconds)
        }
    }

    /// Durations with commas between them.
    struct Delays: ExpressibleByArgument {
        let seconds: [Int]

        init?(argument: String) {
            let parts = argument == "none" ? [] : argument.split(separator: ",", omittingEmptySubsequences: false)
            let delays = parts.compactMap { Seconds(argument: String($0).trimmed) }
            guard delays.count == parts.count else { return nil }
            seconds = delays.map(\.count)
        }
    }

    /// What is asked for.
    var plan: WebhookPlan {
        var plan = WebhookPlan()
        if let ratePerSecond { plan.ratePerSecond = .some(ratePerSecond.value) }
        if let maxInFlight { plan.maxInFlight = .some(maxInFlight.value) }
        if let timeout { plan.timeoutSeconds = .some(timeout.value?.count) }
        if let retryDelays { plan.retryDelays = .some(retryDelays.value?.seconds) }
        if let fallback { plan.fallbackURL = .some(fallback == "none" ? nil : fallback) }
        if let fallbackAfter { plan.fallbackAfterSeconds = .some(fallbackAfter.count) }
        return plan
    }
}
