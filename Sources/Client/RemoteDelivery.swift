/// A delivery as our servers show it.
struct RemoteDelivery: Decodable, Sendable {
    let id: String
    let eventId: String
    let eventType: String
    let owner: String
    let status: String
    let attemptCount: Int
    let nextAttemptAt: String?
    let lastStatusCode: Int?
    let lastError: String?
    let createdAt: String
    let completedAt: String?
    /// Only where one delivery is asked for.
    let attempts: [Attempt]?

    struct Attempt: Decodable, Sendable {
        let number: Int
        let startedAt: String
        let durationMs: Int
        let statusCode: Int?
        let error: String?
        let errorMessage: String?
        let responseBody: String?
    }

    static let headings = ["ID", "EVENT", "STATUS", "ATTEMPTS", "ANSWER", "CREATED"]

    /// One row of a list.
    var row: [String] { [id, eventType, status, "\(attemptCount)", outcome, createdAt] }

    /// The last status, or why there is none.
    var outcome: String { lastStatusCode.map(String.init) ?? lastError ?? "-" }

    /// Why it has not succeeded, in a few words.
    var fault: String {
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

    /// Everything about it, attempts below each other.
    var description: String {
        let facts = TextList([
            ("id", id), ("event", "\(eventType) \(eventId)"), ("owner", owner), ("status", status),
            ("next attempt", nextAttemptAt), ("created", createdAt), ("completed", completedAt),
        ]).text
        guard let attempts, !attempts.isEmpty else { return facts }
        let rows = attempts.map { attempt in
            [
                "\(attempt.number)", attempt.startedAt, "\(attempt.durationMs) ms",
                attempt.statusCode.map(String.init) ?? attempt.error ?? "-", attempt.errorMessage ?? "",
            ]
        }
        return facts + "\n\n" + TextTable(["ATTEMPT", "STARTED", "TOOK", "ANSWER", "WHAT TO DO"], rows).text
    }
}

/// A replay as our servers show it.
struct RemoteReplay: Decodable, Sendable {
    let id: String
    let status: String
    let total: Int
    let done: Int
    let replayed: Int

    var description: String {
        TextList([
            ("id", id), ("status", status), ("looked at", "\(done) of \(total)"), ("sent again", "\(replayed)"),
        ]).text
    }
}
