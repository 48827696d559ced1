import Synchronization
import Timestamps

/// Lets reads run, so many at a time in each lane and for each account, and the others wait or be refused. Where writes run
/// side by side, those of clients pass one, too.
///
/// A caller that is cancelled while it waits leaves at once.
final class TurnGate: Sendable {
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

    /// Whether reads are held back, for the sake of ``quiesce(_:)``.
    private enum Hold {
        case none
        /// Those that may be long are; those that run are waited for.
        case long(whenQuiet: @Sendable () -> Void)
        /// All are.
        case all(whenQuiet: @Sendable () -> Void)
        /// All are, and none runs.
        case quiet
    }

    private struct Waiter {
        let continuation: CheckedContinuation<Void, any Error>
        let key: String
        let since: ContinuousClock.Instant
    }

    private struct State {
        var hold = Hold.none
        var queues: [Kind: FairQueue] = [:]
        var waiters: [UInt64: Waiter] = [:]
        var nextJob: UInt64 = 0
        var isClosed = false
    }

    private let name: String
    private let verb: String
    private let clock: any WallClock
    private let state: Mutex<State>

    /// `name` is what is read from and `verb` what is done, for the words of a refusal; `clock` is what waiting is measured by.
    init(_ name: String, _ limits: Limits, verb: String = "read", clock: any WallClock = SystemClock()) {
        self.name = name
        self.verb = verb
        self.clock = clock
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
            waiter?.continuation.resume(throwing: CancellationError())
        }
    }

    /// Says that a read has ended.
    func leave(_ lane: ReadLane) {
        let (kind, key) = Self.place(of: lane)
        let (next, whenQuiet) = state.withLock { state in
            state.queues[kind]?.finished(key)
            return (takeNext(&state), Self.advance(&state))
        }
        resume(next)
        whenQuiet?()
    }

    /// Brings a moment about in which no read runs: holds back long reads until those that run have ended, then the
    /// short ones, which takes no longer than one of them, and calls `whenQuiet`, perhaps at once.
    ///
    /// Until ``resume()`` no read runs. Reads have a limit of time, so the moment comes.
    func quiesce(_ whenQuiet: @escaping @Sendable () -> Void) {
        let whenQuiet = state.withLock { state in
            state.hold = .long(whenQuiet: whenQuiet)
            return Self.advance(&state)
        }
        whenQuiet?()
    }

    /// Lets reads run again.
    func resume() {
        let next = state.withLock { state in
            state.hold = .none
            return takeNext(&state)
        }
        resume(next)
    }

    /// Refuses those that wait and all that come.
    func close() {
        let waiters = state.withLock { state in
            state.isClosed = true
            defer { state.waiters = [:] }
            return state.waiters.values
        }
        for waiter in waiters { waiter.continuation.resume(throwing: closedError) }
    }

    private var closedError: StorageError { .unavailable("\(name) is closed.") }

    /// Gives what the caller is told at once; nil when it waits.
    private func admit(
        _ job: UInt64, _ kind: Kind, _ key: String, _ waiter: CheckedContinuation<Void, any Error>, _ state: inout State
    ) -> Result<Void, any Error>? {
        if state.isClosed { return .failure(closedError) }
        // The cancellation may have come before there was anything to take out.
        if Task.isCancelled { return .failure(CancellationError()) }
        switch state.queues[kind]?.add(job, key: key, mayRun: Self.mayRun(kind, state.hold)) {
        case nil, .runs:
            return .success(())
        case .waits:
            state.waiters[job] = Waiter(continuation: waiter, key: key, since: clock.boot())
            return nil
        case .keyIsFull where kind == .account && !key.isEmpty:
            return .failure(
                StorageError.tooMany(
                    "Too many requests of this account \(verb) at the moment. Wait for some of them."))
        case .keyIsFull, .full:
            return .failure(crowdedError)
        }
    }

    private var crowdedError: StorageError {
        .unavailable("Too many \(verb)s wait for \(name). Try again in a few seconds.")
    }

    /// Takes those that may run, and those whose turn came too late.
    private func takeNext(_ state: inout State) -> Next {
        let now = clock.boot()
        var next = Next()
        for kind in state.queues.keys where Self.mayRun(kind, state.hold) {
            while let job = state.queues[kind]?.next() {
                guard let waiter = state.waiters.removeValue(forKey: job) else { continue }
                if waiter.since.duration(to: now) <= Self.longestWait {
                    next.running.append(waiter.continuation)
                } else {
                    next.late.append(waiter.continuation)
                    state.queues[kind]?.finished(waiter.key)
                }
            }
        }
        return next
    }

    private func resume(_ next: Next) {
        for waiter in next.running { waiter.resume() }
        for waiter in next.late { waiter.resume(throwing: crowdedError) }
    }

    private struct Next {
        var running: [CheckedContinuation<Void, any Error>] = []
        var late: [CheckedContinuation<Void, any Error>] = []
    }

    /// Whoever waited longer is told so when their turn comes: where the database hangs, reads end one after the other
    /// at their limit, and those that wait must not each wait for all before them.
    private static let longestWait = Duration.seconds(8)

    private static func mayRun(_ kind: Kind, _ hold: Hold) -> Bool {
        switch hold {
        case .none: true
        case .long: kind == .engine || kind == .request
        case .all, .quiet: false
        }
    }

    /// Takes the next steps to a quiet moment, and gives whom to call when it is there.
    private static func advance(_ state: inout State) -> (@Sendable () -> Void)? {
        func running(_ kinds: [Kind]) -> Int { kinds.reduce(0) { $0 + (state.queues[$1]?.runningCount ?? 0) } }
        if case .long(let whenQuiet) = state.hold, running([.account, .maintenance]) == 0 {
            state.hold = .all(whenQuiet: whenQuiet)
        }
        guard case .all(let whenQuiet) = state.hold, running([.engine, .request]) == 0 else { return nil }
        state.hold = .quiet
        return whenQuiet
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
