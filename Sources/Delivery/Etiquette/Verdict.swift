import Timestamps

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
    ///   - patience: The longest wait that `Retry-After` may name; nil for ``RetryAfter/cap``.
    package init(
        of result: AttemptResult, step: Int, at now: Timestamp, schedule: RetrySchedule, jitter: Double,
        patience: Duration? = nil
    ) {
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
            let wait = min(RetryAfter.wait(result, at: now) ?? .zero, patience ?? RetryAfter.cap)
            self = .retry(at: now + max(delay, RetrySchedule.spread(wait, jitter: jitter)))
        } else {
            self = .failed
        }
    }
}
