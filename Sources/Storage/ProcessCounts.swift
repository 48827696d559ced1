import Synchronization

/// What this process did since it started, counted for metrics: a number for each kind of thing, and for each way it went.
///
/// Names and labels come from the code, never from a request, so there are few.
package final class ProcessCounts: Sendable {
    private let state = Mutex<[String: [String: Int64]]>([:])

    /// Counts one `name` that was `label`.
    package func add(_ name: String, _ label: String) {
        state.withLock { $0[name, default: [:]][label, default: 0] += 1 }
    }

    /// How many of `name` there were, by label; empty before the first.
    package func counts(of name: String) -> [String: Int64] {
        state.withLock { $0[name] ?? [:] }
    }
}

extension Transaction {
    /// Counts one `name` that was `label`, once that is durable.
    package func count(_ name: String, _ label: String) {
        let counts = wakeups.counts
        afterCommit { counts.add(name, label) }
    }
}
