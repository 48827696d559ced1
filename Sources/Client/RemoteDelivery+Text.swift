import Agents
import Wire

/// A delivery on a terminal.
extension RemoteDelivery {
    static let headings = ["ID", "EVENT", "STATUS", "ATTEMPTS", "ANSWER", "CREATED"]

    /// One row of a list.
    var row: [String] { [id, eventType, status, "\(attemptCount)", outcome, createdAt] }

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
