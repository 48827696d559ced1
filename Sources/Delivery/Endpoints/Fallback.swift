import Timestamps

/// Where the events of an endpoint go while its own URL is out.
package struct Fallback: Sendable, Hashable {
    /// The second URL as the user wrote it, scheme included.
    package let url: String
    /// How long the endpoint's own URL must have been out; what is pending waits for its retries meanwhile.
    package let after: Duration

    /// Seconds: from the first failure on, to a day.
    package static let waits = 0...86_400
    /// A minute: longer than a restart of most receivers.
    package static let usualWait: Duration = .seconds(60)

    /// Names a URL and a wait.
    package init(url: String, after: Duration = Self.usualWait) {
        self.url = url
        self.after = after
    }
}

/// Which of an endpoint's URLs a request goes to.
package enum Route: Int, Sendable {
    /// Its own.
    case own = 0
    /// Its fallback: its own is out.
    case fallback = 1
    /// Its own although that is out, to see whether it still is.
    case trial = 2
}

/// How an endpoint's own URL does that has a ``Fallback``; of others nothing is noted.
///
/// It is *out* while every request to it fails in a way that its receiver did not choose: no connection, no answer, or 5XX.
/// Once it has been out for ``Fallback/after``, requests go to the fallback, but for one each minute that has retries left.
/// The first success at the own URL ends it.
package struct Outage: Sendable, Hashable {
    /// When the first request of those failed; nil when the URL is not out, as far as is known.
    package private(set) var since: Timestamp?
    /// When the own URL was tried last while it was out.
    var triedAt: Timestamp?

    /// No outage.
    package init() {}

    /// The same as it is stored.
    init(since: Timestamp?, triedAt: Timestamp?) {
        self.since = since
        self.triedAt = triedAt
    }

    /// How much longer it has to be out at `now` before `fallback` is used; nothing once it is, nil when the URL is not out.
    func wait(for fallback: Fallback, at now: Timestamp) -> Duration? {
        // By a clock that was set back since, it begins now.
        since.map { max(fallback.after - (now - min($0, now)), .zero) }
    }

    /// Whether the own URL is to be tried again.
    func isTrialDue(at now: Timestamp) -> Bool {
        guard let triedAt else { return true }
        return now - triedAt >= Self.pause || triedAt > now
    }

    /// What it is after an attempt that began at `start` and went to `route`.
    func after(_ result: AttemptResult, on route: Route, startedAt start: Timestamp) -> Outage {
        if route == .fallback { return self }
        if result.isOutage { return Outage(since: min(since ?? start, start), triedAt: triedAt) }
        guard Etiquette.problem(of: result) == nil, let since else { return self }
        // What began before the first failure says nothing of what came then.
        return since <= start ? Outage() : self
    }

    /// A minute between two requests that are likely to fail.
    private static let pause: Duration = .seconds(60)
}

extension Endpoint {
    /// The URL that requests of its ``route`` go to.
    var target: String { url(by: route) }

    /// The URL that requests of `route` go to, now that an endpoint may have been changed.
    package func url(by route: Route) -> String { route == .fallback ? plan.fallback?.url ?? url : url }

    /// Since when its own URL is out and its fallback is used; nil while it is not.
    package func fallbackUse(at now: Timestamp) -> Timestamp? {
        guard let fallback = plan.fallback, let since = outage.since, outage.wait(for: fallback, at: now) == .zero
        else {
            return nil
        }
        return since + fallback.after
    }

    /// How long an answer may have others wait: a receiver that is out does not speak for the fallback. Nil without a bound.
    func patience(after result: AttemptResult, on route: Route, _ outage: Outage, at now: Timestamp) -> Duration? {
        guard let fallback = plan.fallback else { return nil }
        return switch route {
        case .own: result.isOutage ? outage.wait(for: fallback, at: now) : nil
        case .trial: .zero
        case .fallback: nil
        }
    }
}

extension AttemptResult {
    /// Whether it says that nobody is there who could take events.
    var isOutage: Bool {
        switch outcome {
        case .response(let status): (500...599).contains(status) && receiver?.isProcessed(status) != true
        case .failure(let failure): !failure.isFinal && !isGivenUp
        }
    }

    /// Whether it was this server that ended the attempt: it says nothing of the receiver.
    var isGivenUp: Bool { outcome.failure?.code == .cancelled }
}
