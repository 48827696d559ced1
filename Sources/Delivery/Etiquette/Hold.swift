import Timestamps

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
    ///   - patience: The longest wait that the answer may ask for; with none there is no hold. Nil for no such bound.
    package init?(
        of result: AttemptResult, at now: Timestamp, schedule: RetrySchedule = .standard, jitter: Double,
        patience: Duration? = nil
    ) {
        guard let status = result.outcome.statusCode, Etiquette.row(for: status, from: result.receiver).action == .hold
        else { return nil }
        if patience == .zero { return nil }
        let wait = min(RetryAfter.wait(result, at: now) ?? .zero, patience ?? RetryAfter.cap)
        isNamed = wait >= Self.least
        // One that is out asks for nothing that another were to keep to.
        isAway = status == 503 && (!isNamed || patience != nil)
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
