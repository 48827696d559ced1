import NIOCore
import NIOPosix
import Synchronization

/// Resolves names as the system's files say, through c-ares, and remembers what it learned.
///
/// Callers wait for a *flight*, one per host however many ask, and leave it at their own deadline; the flight ends after 5 s
/// whatever name servers do, and what it learned is kept in a ``NameTable``. A silent name server therefore costs places
/// for lookups, which are bounded in all, per account and per endpoint (``LookupPlaces``), and nothing else. Where there is
/// no place, a lookup that has hung for a second makes way; if there is none, the caller hears
/// ``ResolutionError/unavailable`` and nothing was tried. Thread-safe.
///
/// What changes in resolv.conf and the hosts file holds for the next lookups; then names that failed are tried at once.
package final class SystemResolver: AddressResolver {
    /// 5 s for one lookup, as long as a whole attempt may take.
    static let lookupTime = TimeAmount.seconds(5)

    /// 250 ms for a new answer while there is an old one: a name server in reach takes less.
    static let patience = TimeAmount.milliseconds(250)

    /// 1 s: nearly every lookup that ends in an answer takes less. Who saves a webhook waits for two.
    private static func hangingTime(_ kind: LookupCaller.Kind) -> TimeAmount {
        kind == .save ? .seconds(2) : .seconds(1)
    }

    private struct State {
        var names = NameTable()
        var places: LookupPlaces
        var flights: [String: Flight] = [:]
        var counts = LookupCounts()
        var nextID: UInt64 = 0
        /// No lookup of a kind hangs before this: what keeps those who find no place from looking at all that run.
        var noneHangsUntil: [LookupCaller.Kind: NIODeadline] = [:]
        var files: [FileState]
        var filesSeenAt: NIODeadline
        var isShutDown = false

        mutating func newID() -> UInt64 {
            nextID += 1
            return nextID
        }
    }

    private struct Flight {
        let id: UInt64
        let caller: LookupCaller
        let began: NIODeadline
        var waiters: [UInt64: Waiter] = [:]
    }

    private struct Waiter {
        let continuation: CheckedContinuation<Answer, Never>
        let timeout: Scheduled<Void>
        /// The last good answer, which is better than none.
        let last: [IPAddress]

        func finish(_ answer: Answer) {
            timeout.cancel()
            switch answer {
            case .failure(.notFound), .failure(.cancelled), .success: continuation.resume(returning: answer)
            case .failure: continuation.resume(returning: last.isEmpty ? answer : .success(last))
            }
        }
    }

    private typealias Answer = Result<[IPAddress], ResolutionError>

    private let state: Mutex<State>
    private let lookups: any NameLookupRunner
    private let files: NameServiceFiles
    private let patience: TimeAmount
    private let group: MultiThreadedEventLoopGroup
    private let now: @Sendable () -> NIODeadline

    /// Starts the thread of the lookups; call ``shutdown()`` before letting go of the resolver.
    ///
    /// - Parameter files: what says how names are looked up.
    /// - Throws: `IOError` when the process has no file descriptor left.
    package convenience init(files: NameServiceFiles = NameServiceFiles()) throws {
        self.init(files: files, lookups: try NameLookups(files))
    }

    /// Makes a resolver around other lookups, bounds, patience and another clock, for tests.
    init(
        files: NameServiceFiles = NameServiceFiles(), lookups: any NameLookupRunner,
        limits: LookupPlaces.Limits = .init(), patience: TimeAmount = SystemResolver.patience,
        now: @escaping @Sendable () -> NIODeadline = { .now() }
    ) {
        self.files = files
        self.lookups = lookups
        self.patience = patience
        self.now = now
        group = .singleton
        state = Mutex(State(places: LookupPlaces(limits: limits), files: files.state, filesSeenAt: now()))
    }

    package func resolve(
        _ host: String, for caller: LookupCaller, within limit: Duration
    ) async throws(ResolutionError) -> [IPAddress] {
        seeChangedFiles()
        if let answer = answerAtOnce(host, caller) { return try answer.get() }
        let waiter = state.withLock { $0.newID() }
        let answer = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                join(host, caller, as: waiter, continuation, within: TimeAmount(limit))
            }
        } onCancel: {
            leave(host, waiter: waiter, with: .cancelled)
        }
        return try answer.get()
    }

    package func knowledge(of host: String) -> NameKnowledge {
        seeChangedFiles()
        return switch state.withLock({ $0.names.peek(at: host, at: now()) }) {
        case .known: .addresses
        case .failed: .failure
        case .unknown: .nothing
        }
    }

    package func distrust(_ host: String) {
        state.withLock { $0.names.distrust(host, at: now()) }
    }

    /// Ends every lookup and every wait, the latter with ``ResolutionError/unavailable``.
    package func shutdown() {
        let abandoned = state.withLock { state in
            state.isShutDown = true
            defer { state.flights = [:] }
            return state.flights.values.flatMap(\.waiters.values)
        }
        for waiter in abandoned { waiter.finish(.failure(.unavailable)) }
        lookups.shutdown()
    }

    /// What the resolver did so far, and what it is at.
    package var counts: LookupCounts {
        state.withLock { state in
            var counts = state.counts
            counts.running = state.flights.count
            counts.known = state.names.count
            counts.failing = state.names.failingCount(at: now())
            return counts
        }
    }

    private func answerAtOnce(_ host: String, _ caller: LookupCaller) -> Answer? {
        let (answer, started) = state.withLock { state -> (Answer?, UInt64?) in
            self.answer(host, caller, &state)
        }
        if let started { fly(host, started) }
        return answer
    }

    /// What is known already, and the id of a flight to start meanwhile.
    private func answer(_ host: String, _ caller: LookupCaller, _ state: inout State) -> (Answer?, UInt64?) {
        if caller.kind == .save { return (state.names.fresh(host, at: now()).map { .success($0) }, nil) }
        switch state.names.standing(of: host, at: now()) {
        case .failed(let error): return (.failure(error), nil)
        case .unknown: return (nil, nil)
        case .known(let addresses, let refresh):
            let isDue = refresh && state.flights[host] == nil
            return (.success(addresses), isDue ? takeOff(host, caller, &state) : nil)
        }
    }

    /// What follows from a caller's question, outside of the lock.
    private struct Joined {
        /// Nil while the caller waits.
        var answer: Answer?
        var newFlight: UInt64?
        var cut: CutFlight?
    }

    private func join(
        _ host: String, _ caller: LookupCaller, as waiter: UInt64,
        _ continuation: CheckedContinuation<Answer, Never>, within limit: TimeAmount
    ) {
        let joined = state.withLock { state in
            // The flight may have landed since the caller looked.
            let (known, started) = self.answer(host, caller, &state)
            if let known { return Joined(answer: known, newFlight: started) }
            // Cancelled before it began: nobody will call `leave` again.
            if Task.isCancelled { return Joined(answer: .failure(.cancelled)) }
            var last: [IPAddress] = []
            if caller.kind != .save, case .unknown(let addresses) = state.names.peek(at: host, at: now()) {
                last = addresses
            }
            var joined = Joined()
            if state.flights[host] == nil {
                joined.cut = makeRoom(for: caller, &state)
                joined.newFlight = takeOff(host, caller, &state)
                guard joined.newFlight != nil else {
                    state.counts.refused += 1
                    state.names.noteHanging(host, at: now())
                    joined.answer = last.isEmpty ? .failure(.unavailable) : .success(last)
                    return joined
                }
            }
            // Under the lock, so that a limit of nothing still finds its waiter in the table.
            let timeout = group.any().scheduleTask(in: last.isEmpty ? limit : min(limit, patience)) {
                self.leave(host, waiter: waiter, with: .timedOut)
            }
            state.flights[host]?.waiters[waiter] = Waiter(continuation: continuation, timeout: timeout, last: last)
            return joined
        }
        joined.cut?.end(lookups)
        if let flight = joined.newFlight { fly(host, flight) }
        if let answer = joined.answer { continuation.resume(returning: answer) }
    }

    /// The id of a new flight; nil when there is no place for one.
    private func takeOff(_ host: String, _ caller: LookupCaller, _ state: inout State) -> UInt64? {
        guard !state.isShutDown, state.places.shortage(for: caller) == nil else { return nil }
        let id = state.newID()
        state.places.take(for: caller)
        state.flights[host] = Flight(id: id, caller: caller, began: now())
        return id
    }

    private func fly(_ host: String, _ id: UInt64) {
        lookups.start(id, host, until: .now() + Self.lookupTime) { self.land(host, id, $0) }
    }

    private func land(_ host: String, _ id: UInt64, _ answer: Answer) {
        let waiters = state.withLock { state in
            state.flights[host]?.id == id ? finish(host, answer, &state) : []
        }
        for waiter in waiters { waiter.finish(answer) }
    }

    /// Takes a flight out of the table, keeps what it learned, and gives those who wait for it.
    private func finish(_ host: String, _ answer: Answer, _ state: inout State) -> [Waiter] {
        guard let flight = state.flights.removeValue(forKey: host) else { return [] }
        state.places.giveBack(of: flight.caller)
        if answer == .failure(.unavailable) {
            state.counts.refused += 1
            state.names.noteHanging(host, at: now())
        } else {
            state.counts.count(answer)
            state.names.store(answer, for: host, account: flight.caller.account, at: now())
        }
        return Array(flight.waiters.values)
    }

    private func leave(_ host: String, waiter: UInt64, with error: ResolutionError) {
        // The emptied flight stays in the table until it lands: what it learns is for the next who asks.
        let left = state.withLock { state in
            let left = state.flights[host]?.waiters.removeValue(forKey: waiter)
            if let left, !left.last.isEmpty, error == .timedOut { state.names.noteHanging(host, at: now()) }
            return left
        }
        left?.finish(.failure(error))
    }
}

// Places.
extension SystemResolver {
    private struct CutFlight {
        let id: UInt64
        let waiters: [Waiter]

        func end(_ lookups: any NameLookupRunner) {
            lookups.cancel(id)
            for waiter in waiters { waiter.finish(.failure(.timedOut)) }
        }
    }

    /// Ends the oldest lookup that hangs where the caller has no place, if there is one.
    private func makeRoom(for caller: LookupCaller, _ state: inout State) -> CutFlight? {
        guard let shortage = state.places.shortage(for: caller) else { return nil }
        let time = now()
        let hangingTime = Self.hangingTime(caller.kind)
        if let end = state.noneHangsUntil[caller.kind], time < end { return nil }
        let latest = time - hangingTime
        let oldest = state.flights.lazy.filter { _, flight in
            guard flight.caller.kind == caller.kind else { return false }
            return switch shortage {
            case .endpoint: flight.caller.endpoint == caller.endpoint
            case .account: flight.caller.account == caller.account
            case .all: true
            }
        }.min { $0.value.began < $1.value.began }
        guard let oldest else { return nil }
        guard oldest.value.began <= latest else {
            if shortage == .all { state.noneHangsUntil[caller.kind] = oldest.value.began + hangingTime }
            return nil
        }
        return CutFlight(id: oldest.value.id, waiters: finish(oldest.key, .failure(.timedOut), &state))
    }

    /// Looks at the files once a second at most: who repaired them does not wait for names that failed before.
    private func seeChangedFiles() {
        let time = now()
        let isDue = state.withLock { state in
            guard time >= state.filesSeenAt + .seconds(1) else { return false }
            state.filesSeenAt = time
            return true
        }
        guard isDue else { return }
        let present = files.state
        state.withLock { state in
            guard state.files != present else { return }
            state.files = present
            state.names.forgetFailures(at: time)
        }
    }
}
