import Storage
import Synchronization
import Timestamps

/// What the engine counted since the process started.
package final class DeliveryMetrics: Sendable {
    /// A reading of all counters.
    package struct Snapshot: Sendable {
        /// Attempts by what came of them: `succeeded`, or a code of the closed list.
        package var attempts: [String: Int] = [:]
        /// Deliveries that came to their end by an attempt: `succeeded` or `failed`.
        package var ended: [DeliveryState: Int] = [:]
        /// Successes by how long they took from acceptance: as many as took no longer than each of ``bounds``, in order.
        /// One that a person retried or resumed is none: it took as long as nobody looked.
        package var latencyBuckets = [Int](repeating: 0, count: bounds.count)
        /// Successes whose latency is known.
        package var latencyCount = 0
        /// Their latencies added up, in seconds.
        package var latencySum = 0.0
        /// Results that came too late and were refused.
        package var refused = 0
        /// Deliveries that the last audit could not account for; nil before the first.
        package var unaccounted: Int64?
        /// Attempts that could not be made for want of a socket, and do not count.
        package var notMade = 0
        /// Leases that had no attempt and were freed.
        package var repaired = 0
        /// Deliveries deleted for their age, by the state they were in.
        package var pruned: [DeliveryState: Int] = [:]
        /// Events deleted for their age.
        package var prunedEvents = 0
        /// Rows that could not be read and were passed over.
        package var unreadable = 0
    }

    /// Upper bounds of the latency buckets, in seconds.
    package static let bounds: [Double] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600, 3_600]

    private let state = Mutex(Snapshot())

    /// Makes counters that stand at 0.
    package init() {}

    /// Reads the counters.
    package var snapshot: Snapshot { state.withLock { $0 } }

    /// Counts results that are stored.
    func count(_ results: [RecordedAttempt], refused: Int) {
        state.withLock { state in
            state.refused += refused
            for result in results {
                state.attempts[Etiquette.problem(of: result.result)?.code ?? "succeeded", default: 0] += 1
                if result.verdict == .failed { state.ended[.failed, default: 0] += 1 }
                guard result.verdict == .succeeded else { continue }
                state.ended[.succeeded, default: 0] += 1
                // Somebody started its schedule anew when it has more attempts behind it than steps.
                guard result.claim.attempt == result.claim.step + 1 else { continue }
                let latency = result.startedAt + result.result.duration - result.claim.createdAt
                let seconds = Double(latency.microseconds) / 1_000_000
                state.latencyCount += 1
                state.latencySum += seconds
                for (index, bound) in Self.bounds.enumerated() where seconds <= bound {
                    state.latencyBuckets[index] += 1
                }
            }
        }
    }

    /// Notes what an audit found.
    func audited(unaccounted: Int64) {
        state.withLock { $0.unaccounted = unaccounted }
    }

    /// Counts an attempt that could not be made.
    func notMade() {
        state.withLock { $0.notMade += 1 }
    }

    /// Counts freed leases.
    func repaired(_ count: Int) {
        state.withLock { $0.repaired += count }
    }

    /// Counts what retention deleted.
    func pruned(_ deliveries: [DeliveryState: Int]) {
        state.withLock { $0.pruned.merge(deliveries) { $0 + $1 } }
    }

    /// Counts what retention deleted.
    func pruned(events count: Int) {
        state.withLock { $0.prunedEvents += count }
    }

    /// Counts a row that could not be read and was passed over, so that others are served.
    package func unreadable() {
        state.withLock { $0.unreadable += 1 }
    }
}
