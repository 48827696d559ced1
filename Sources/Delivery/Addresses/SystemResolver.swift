import NIOCore
import NIOPosix
import Synchronization

/// Resolves names with the system's resolver on threads of its own.
///
/// `getaddrinfo` may block for ten seconds and more and cannot be interrupted. Callers therefore wait for a *flight*,
/// one per host however many ask, and leave it at their own deadline; the flight goes on and fills the cache. Answers
/// live 30 s, failures 5 s. Thread-safe.
///
/// The system's own patience is set from outside: start the process with `RES_OPTIONS="timeout:2 attempts:1"`.
package final class SystemResolver: AddressResolver {
    /// 16 threads: dead names must not keep healthy ones waiting, and an idle thread costs little.
    package static let defaultThreadCount = 16

    /// 1,024 hosts under way at once; beyond it a lookup fails instead of queueing behind blocked threads.
    private static let maximumFlights = 1_024

    private struct State {
        var cache = ResolutionCache()
        var flights: [String: [UInt64: Waiter]] = [:]
        var nextWaiter: UInt64 = 0
        var isShutDown = false
    }

    private struct Waiter {
        let continuation: CheckedContinuation<ResolutionCache.Answer, Never>
        let timeout: Scheduled<Void>

        func finish(_ answer: ResolutionCache.Answer) {
            timeout.cancel()
            continuation.resume(returning: answer)
        }
    }

    private let state = Mutex(State())
    private let pool: NIOThreadPool
    private let group: MultiThreadedEventLoopGroup
    private let lookup: @Sendable (String) -> Result<[IPAddress], ResolutionError>
    private let now: @Sendable () -> NIODeadline

    /// Starts the threads; call ``shutdown()`` before letting go of the resolver.
    package convenience init() {
        self.init(threadCount: Self.defaultThreadCount, lookup: SystemLookup.addresses(of:))
    }

    /// Makes a resolver around another blocking lookup and clock, for tests.
    init(
        threadCount: Int, lookup: @escaping @Sendable (String) -> Result<[IPAddress], ResolutionError>,
        now: @escaping @Sendable () -> NIODeadline = { .now() }
    ) {
        self.lookup = lookup
        self.now = now
        group = .singleton
        pool = NIOThreadPool(numberOfThreads: threadCount)
        pool.start()
    }

    package func resolve(_ host: String, within limit: Duration) async throws(ResolutionError) -> [IPAddress] {
        if let cached = state.withLock({ $0.cache.answer(for: host, at: now()) }) {
            return try cached.get()
        }
        let waiter = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        let answer = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                join(host, as: waiter, continuation: continuation, limit: limit)
            }
        } onCancel: {
            leave(host, waiter: waiter, with: .cancelled)
        }
        return try answer.get()
    }

    /// Ends every wait with ``ResolutionError/unavailable`` and lets the threads go; blocked lookups end on their own.
    package func shutdown() {
        let abandoned = state.withLock { state in
            state.isShutDown = true
            defer { state.flights = [:] }
            return state.flights.values.flatMap(\.values)
        }
        for waiter in abandoned { waiter.finish(.failure(.unavailable)) }
        // Not awaited: a blocked getaddrinfo would hold the whole shutdown up.
        pool.shutdownGracefully { _ in }
    }

    private enum Joined {
        case waiting(startsFlight: Bool)
        case answered(ResolutionCache.Answer)
    }

    private func join(
        _ host: String, as waiter: UInt64, continuation: CheckedContinuation<ResolutionCache.Answer, Never>,
        limit: Duration
    ) {
        let joined: Joined = state.withLock { state in
            // The flight may have landed since the caller looked.
            if let cached = state.cache.answer(for: host, at: now()) { return .answered(cached) }
            // Cancelled before it began: nobody will call `leave` again.
            if Task.isCancelled { return .answered(.failure(.cancelled)) }
            let isFlying = state.flights[host] != nil
            guard !state.isShutDown, isFlying || state.flights.count < Self.maximumFlights else {
                return .answered(.failure(.unavailable))
            }
            // Under the lock, so that a limit of nothing still finds its waiter in the table.
            let timeout = group.any().scheduleTask(in: TimeAmount(limit)) {
                self.leave(host, waiter: waiter, with: .timedOut)
            }
            state.flights[host, default: [:]][waiter] = Waiter(continuation: continuation, timeout: timeout)
            return .waiting(startsFlight: !isFlying)
        }
        switch joined {
        case .waiting(startsFlight: true): fly(host)
        case .waiting(startsFlight: false): break
        case .answered(let answer): continuation.resume(returning: answer)
        }
    }

    private func fly(_ host: String) {
        pool.submit { poolState in
            guard case .active = poolState else { return }
            let answer = self.lookup(host)
            let waiters = self.state.withLock { state in
                state.cache.store(answer, for: host, at: self.now())
                return state.flights.removeValue(forKey: host) ?? [:]
            }
            for waiter in waiters.values { waiter.finish(answer) }
        }
    }

    private func leave(_ host: String, waiter: UInt64, with error: ResolutionError) {
        // The emptied flight stays in the table until its thread returns, so that no second one starts.
        let left = state.withLock { $0.flights[host]?.removeValue(forKey: waiter) }
        left?.finish(.failure(error))
    }
}
