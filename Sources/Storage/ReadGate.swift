import Synchronization

/// Lets reads run, so many at a time in each lane and for each account, and the others wait or be refused.
///
/// A caller that is cancelled while it waits leaves at once.
final class ReadGate: Sendable {
    /// How many run and wait in each kind of lane; nil where the lane has no need of a bound.
    struct Limits: Sendable {
        var engine: FairQueue.Limits?
        var maintenance: FairQueue.Limits?
        var request: FairQueue.Limits
        var accounts: FairQueue.Limits
    }

    private enum Kind: Hashable {
        case engine, maintenance, request, account
    }

    private struct State {
        var queues: [Kind: FairQueue] = [:]
        var waiters: [UInt64: CheckedContinuation<Void, any Error>] = [:]
        var nextJob: UInt64 = 0
        var isClosed = false
    }

    private let name: String
    private let state: Mutex<State>

    /// `name` is what is read from, for the words of a refusal.
    init(_ name: String, _ limits: Limits) {
        self.name = name
        var state = State()
        state.queues[.engine] = limits.engine.map(FairQueue.init)
        state.queues[.maintenance] = limits.maintenance.map(FairQueue.init)
        state.queues[.request] = FairQueue(limits.request)
        state.queues[.account] = FairQueue(limits.accounts)
        self.state = Mutex(state)
    }

    /// How many reads wait, of all lanes.
    var waitingCount: Int { state.withLock { $0.queues.values.reduce(0) { $0 + $1.waitingCount } } }

    /// Returns once the read may run; ``leave(_:)`` has to follow.
    ///
    /// - Throws: `CancellationError`; `StorageError.tooMany` when too many of the account wait, `unavailable` when too
    ///   many do or the gate is closed.
    func enter(_ lane: ReadLane) async throws {
        try Task.checkCancellation()
        let (kind, key) = Self.place(of: lane)
        let job = state.withLock { state in
            state.nextJob &+= 1
            return state.nextJob
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let refusal = state.withLock { state -> Result<Void, any Error>? in
                    admit(job, kind, key, continuation, &state)
                }
                if let refusal { continuation.resume(with: refusal) }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                _ = state.queues[kind]?.remove(job, key: key)
                return state.waiters.removeValue(forKey: job)
            }
            waiter?.resume(throwing: CancellationError())
        }
    }

    /// Says that a read has ended.
    func leave(_ lane: ReadLane) {
        let (kind, key) = Self.place(of: lane)
        let next = state.withLock { state -> [CheckedContinuation<Void, any Error>] in
            state.queues[kind]?.finished(key)
            return Self.takeNext(&state)
        }
        for waiter in next { waiter.resume() }
    }

    /// Refuses those that wait and all that come.
    func close() {
        let waiters = state.withLock { state in
            state.isClosed = true
            defer { state.waiters = [:] }
            return state.waiters.values
        }
        for waiter in waiters { waiter.resume(throwing: closedError) }
    }

    private var closedError: StorageError { .unavailable("\(name) is closed.") }

    /// Gives what the caller is told at once; nil when it waits.
    private func admit(
        _ job: UInt64, _ kind: Kind, _ key: String, _ waiter: CheckedContinuation<Void, any Error>, _ state: inout State
    ) -> Result<Void, any Error>? {
        if state.isClosed { return .failure(closedError) }
        // The cancellation may have come before there was anything to take out.
        if Task.isCancelled { return .failure(CancellationError()) }
        switch state.queues[kind]?.add(job, key: key, mayRun: true) {
        case nil, .runs:
            return .success(())
        case .waits:
            state.waiters[job] = waiter
            return nil
        case .keyIsFull where kind == .account:
            return .failure(
                StorageError.tooMany("Too many requests of this account read at the moment. Wait for some of them."))
        case .keyIsFull, .full:
            return .failure(
                StorageError.unavailable("Too many reads wait for \(name). Try again in a few seconds."))
        }
    }

    private static func takeNext(_ state: inout State) -> [CheckedContinuation<Void, any Error>] {
        var next: [CheckedContinuation<Void, any Error>] = []
        for kind in state.queues.keys {
            while let job = state.queues[kind]?.next() {
                if let waiter = state.waiters.removeValue(forKey: job) { next.append(waiter) }
            }
        }
        return next
    }

    private static func place(of lane: ReadLane) -> (Kind, key: String) {
        switch lane {
        case .engine: (.engine, "")
        case .maintenance: (.maintenance, "")
        case .request: (.request, "")
        case .account(let id): (.account, id)
        }
    }
}
