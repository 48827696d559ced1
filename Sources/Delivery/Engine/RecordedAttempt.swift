import Timestamps

/// An attempt that was made, on its way into the store.
package struct RecordedAttempt: Sendable {
    /// What was tried.
    package let claim: ClaimedDelivery
    /// The version of the endpoint that it was tried at: what it says of the endpoint holds for that version only.
    package let endpointVersion: Int64
    /// When the attempt began.
    package let startedAt: Timestamp
    /// What came of it.
    package let result: AttemptResult
    /// What follows.
    package var verdict: Verdict
    /// What it says about the whole webhook; nil when it says nothing.
    package var hold: Hold?
    /// Both clocks when the verdict was reached; nil when the time of day cannot have been set since.
    package var judgedAt: Instants?
    /// Whether the endpoint's pace learns from a success.
    package var isPaced = false
    /// Whether it may change what is known of the endpoint's own URL, see ``Outage``.
    var isAboutURL = false
    /// How many requests the endpoint took in a second, as far as this node knew.
    package var rate = 0
    /// The waits that its verdict was reached by.
    var schedule = RetrySchedule.standard
    /// The jitter that its verdict was reached by, 0 to 1.
    var jitter = 0.0

    /// The verdict where it would disable an endpoint that has changed since: it counts like any other attempt, and the next one
    /// follows along the schedule, by which every request of a delivery is counted.
    var verdictOnOther: Verdict {
        guard let delay = schedule.delay(afterStep: claim.step, jitter: jitter) else { return .failed }
        return .retry(at: (judgedAt?.wall ?? startedAt + result.duration) + delay)
    }

    /// The same with its times as the time of day is `now`, when that was set back since the verdict.
    ///
    /// What waits in the store then has been pulled in already, and this was not there yet.
    func redated(at now: Instants) -> RecordedAttempt {
        guard let judgedAt else { return self }
        let step = (now.wall - judgedAt.wall) - judgedAt.boot.duration(to: now.boot)
        guard step <= .zero - ClockGuard.smallestStep else { return self }
        var redated = self
        if case .retry(let dueAt) = verdict { redated.verdict = .retry(at: dueAt + step) }
        redated.hold = hold?.moved(by: step)
        redated.judgedAt = now
        return redated
    }
}
