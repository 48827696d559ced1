import Timestamps

/// When the messages of a phone are sent: the arithmetic of pacing, as pure functions.
///
/// At 10 messages a minute, the last one sent at 12:00:00, and now 12:00:02:
///
/// | waiting | planned |
/// |---|---|
/// | first | 12:00:06 |
/// | second | 12:00:12 |
///
/// A rate of 7 gives gaps of 8.571428 s: nothing is rounded to seconds. A rate of 0 plans everything at once.
enum SendPlan {
    /// The gap between two messages; zero when there is no pacing.
    static func gap(messagesPerMinute: Int) -> Duration {
        messagesPerMinute > 0 ? .microseconds(60_000_000 / messagesPerMinute) : .zero
    }

    /// The times of `count` messages that follow the one at `last`, none before `now`, in order.
    static func times(_ count: Int, after last: Timestamp?, gap: Duration, at now: Timestamp) -> [Timestamp] {
        guard gap > .zero else { return Array(repeating: now, count: count) }
        var times: [Timestamp] = []
        var next = last.map { max(now, $0 + gap) } ?? now
        for _ in 0..<count {
            times.append(next)
            next = next + gap
        }
        return times
    }

    /// Takes from the lanes in turn, so that a single message waits for one message of each batch, not for the batch.
    ///
    /// What waits in each of `lanes` is in the order in which it came.
    static func inTurn<Element>(_ lanes: [[Element]]) -> [Element] {
        (0..<(lanes.map(\.count).max() ?? 0)).flatMap { index in
            lanes.compactMap { $0.indices.contains(index) ? $0[index] : nil }
        }
    }
}
