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
/// A rate of 7 gives gaps of 8.571428 s: nothing is rounded to seconds. A rate of 0 plans everything at once. What falls
/// outside of the windows of the phone's schedule moves to the next one, and the rest behind it. A schedule that never opens
/// lets nothing go: it is looked at again after two weeks.
enum SendPlan {
    /// The gap between two messages; zero when there is no pacing.
    static func gap(messagesPerMinute: Int) -> Duration {
        messagesPerMinute > 0 ? .microseconds(60_000_000 / messagesPerMinute) : .zero
    }

    /// How long a schedule without an opening is taken to be closed.
    private static let closed: Duration = .seconds(14 * 86_400)

    /// The times of `count` messages that follow the one at `last`, none before `now`, in order.
    static func times(
        _ count: Int, after last: Timestamp?, gap: Duration, schedule: SendSchedule? = nil, at now: Timestamp
    ) -> [Timestamp] {
        var times: [Timestamp] = []
        var next = gap > .zero ? last.map { max(now, $0 + gap) } ?? now : now
        var window: Range<Timestamp>?
        for _ in 0..<count {
            if let schedule {
                // The calendar is slow: it is asked once a window, not once a message.
                if window.map({ next >= $0.upperBound }) ?? true {
                    window = schedule.opening(atOrAfter: next) ?? (next + closed)..<(next + closed * 2)
                }
                if let window { next = max(next, window.lowerBound) }
            }
            times.append(next)
            next = next + gap
        }
        return times
    }
}
