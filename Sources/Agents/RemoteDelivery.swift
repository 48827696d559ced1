/// A delivery as our servers show it; its members are those of the API.
package struct RemoteDelivery: Decodable, Sendable {
    /// Its id.
    package let id: String
    /// The event's id.
    package let eventId: String
    /// The event's type.
    package let eventType: String
    /// The phone that it is about.
    package let owner: String
    /// `pending`, `delivering`, `succeeded`, `failed`, `held` or `cancelled`.
    package let status: String
    /// How often it was tried.
    package let attemptCount: Int
    /// RFC 3339; nil when no attempt is planned.
    package let nextAttemptAt: String?
    /// Of the last attempt; nil when there was no answer.
    package let lastStatusCode: Int?
    /// Why there was no answer.
    package let lastError: String?
    /// RFC 3339.
    package let createdAt: String
    /// RFC 3339; nil while it is not over.
    package let completedAt: String?
    /// Only where one delivery is asked for.
    package let attempts: [Attempt]?

    /// One try.
    package struct Attempt: Decodable, Sendable {
        /// From 1.
        package let number: Int
        /// RFC 3339.
        package let startedAt: String
        /// How long it took.
        package let durationMs: Int
        /// Nil when there was no answer.
        package let statusCode: Int?
        /// Why it failed, as a code.
        package let error: String?
        /// The same in words, with what to do.
        package let errorMessage: String?
        /// The beginning of what the receiver answered.
        package let responseBody: String?
    }

    /// The last status, or why there is none.
    package var outcome: String { lastStatusCode.map(String.init) ?? lastError ?? "-" }

    /// Why it has not succeeded, in a few words.
    package var fault: String {
        switch status {
        case "held": "it is held, as the webhook is paused or disabled"
        case "cancelled": "it was cancelled, as the webhook was deleted"
        default:
            if attemptCount == 0 {
                "there was no attempt yet"
            } else if lastStatusCode == nil {
                "there was no answer (\(lastError ?? "unknown"))"
            } else {
                "the answer was \(outcome)"
            }
        }
    }

    /// Waits for one attempt more than there were, a little longer than one may take.
    ///
    /// - Parameter look: Asks for the delivery as it is now, ten times a second; gives what else is known of it, too.
    /// - Returns: What `look` gave after that attempt, or once it was clear that there is none for now.
    /// - Throws: What `look` throws.
    package func attempted<Rest>(
        _ look: () async throws -> (now: RemoteDelivery, rest: Rest)
    ) async throws -> (now: RemoteDelivery, rest: Rest) {
        let deadline = ContinuousClock.now + Self.patience
        while true {
            let found = try await look()
            let now = found.now
            let wasTried = now.attemptCount > attemptCount && now.status != "delivering"
            if wasTried || now.status == "held" || now.status == "cancelled" || ContinuousClock.now >= deadline {
                return found
            }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    /// 12 s: an attempt has 5 s, and the turn of a retry comes within 5 s.
    private static let patience: Duration = .seconds(12)
}
