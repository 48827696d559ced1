import Delivery

/// What became of a delivery, in a sentence: what came of the last attempt, and whether another one follows.
enum DeliveryStory {
    /// - Parameters:
    ///   - delivery: Where it stands.
    ///   - last: Its last attempt; nil before the first one.
    /// - Returns: One to three sentences.
    static func words(_ delivery: DeliveryRecord, last: AttemptRecord?) -> String {
        let count = delivery.attemptCount
        let failed = last?.error == nil ? "" : "Attempt \(count) failed: \(cause(last)). "
        switch delivery.status {
        case .succeeded:
            let code = delivery.lastStatusCode.map { " with \($0)" } ?? ""
            return count == 1
                ? "The receiver took it at once\(code)." : "The receiver took it at attempt \(count)\(code)."
        case .pending where count == 0: return "It waits for its first attempt."
        case .pending:
            return failed
                + (delivery.nextAttemptAt.map { "Next attempt: \(PageTime.shown($0))." } ?? "It is tried again.")
        case .delivering: return failed + "It is being sent."
        case .held: return failed + "It waits until the webhook is on again."
        case .failed:
            // One that was sent again by hand may have succeeded before.
            return (count == 1 ? "It failed: \(cause(last)). " : failed) + "The server does not try it again by itself."
        case .cancelled: return "It was cancelled, because the webhook was deleted."
        }
    }

    /// Why an attempt failed, within a sentence.
    private static func cause(_ attempt: AttemptRecord?) -> String {
        if let code = attempt?.statusCode { return "the answer was \(code)" }
        guard let detail = attempt?.errorDetail, !detail.isEmpty else { return "there was no answer" }
        return "there was no answer (\(detail))"
    }
}
