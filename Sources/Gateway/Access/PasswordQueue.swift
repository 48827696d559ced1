import Dispatch
import Synchronization

/// Runs work on passwords one after another on a thread of its own: the first lane before the second, at most 32 at a time,
/// of which the second lane has 16.
package final class PasswordQueue: Sendable {
    /// Too many wait, or somebody waited for too long.
    package struct Crowded: Error {}

    private struct Job {
        let deadline: ContinuousClock.Instant
        /// Does the work, or gives it up.
        let finish: @Sendable (_ inTime: Bool) -> Void
    }

    private struct State {
        var first: [Job] = []
        var second: [Job] = []
        /// Those under way included.
        var count = 0
        var secondCount = 0
    }

    private let state = Mutex(State())
    private let thread = DispatchQueue(label: "passwords")

    /// How many wait, the one under way included.
    var waiting: Int { state.withLock { $0.count } }

    /// Runs `body` in its turn.
    ///
    /// - Throws: ``Crowded`` at once when the lane is full, or when its turn has not come within 10 s; what `body` throws.
    func run<Value: Sendable>(
        in lane: Passwords.Lane, _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try enter(lane)
        defer { leave(lane) }
        return try await withCheckedThrowingContinuation { continuation in
            let job = Job(deadline: .now + Self.patience) { isInTime in
                continuation.resume(
                    with: Result {
                        guard isInTime else { throw Crowded() }
                        return try body()
                    })
            }
            state.withLock { state in
                switch lane {
                case .first: state.first.append(job)
                case .second: state.second.append(job)
                }
            }
            // One turn for each job, whichever it then is.
            thread.async { [self] in turn() }
        }
    }

    private func turn() {
        let now = ContinuousClock.now
        let job = state.withLock { state -> Job? in
            // Whoever waited in vain is told so before others are served, which costs nothing.
            let isLate = state.second.first.map { $0.deadline <= now } ?? false
            if !isLate, !state.first.isEmpty { return state.first.removeFirst() }
            return state.second.isEmpty ? nil : state.second.removeFirst()
        }
        if let job { job.finish(now < job.deadline) }
    }

    private func enter(_ lane: Passwords.Lane) throws(Crowded) {
        let isAdmitted = state.withLock { state in
            guard state.count < Self.places, lane == .first || state.secondCount < Self.places / 2 else { return false }
            state.count += 1
            if lane == .second { state.secondCount += 1 }
            return true
        }
        if !isAdmitted { throw Crowded() }
    }

    private func leave(_ lane: Passwords.Lane) {
        state.withLock { state in
            state.count -= 1
            if lane == .second { state.secondCount -= 1 }
        }
    }

    /// Whose turn comes later than this gets no answer but that: the browser may be gone, and those behind wait as well.
    private static let patience: Duration = .seconds(10)

    /// Who comes after these would wait for longer than a browser shows patience.
    private static let places = 32
}
