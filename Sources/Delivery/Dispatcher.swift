import Logging
import ServiceLifecycle
import Storage
import Synchronization
import Timestamps

/// Claims due deliveries, has each attempted, and stores what came of it.
///
/// One loop owns the ``ReadySet``; attempts are its child tasks; one recorder stores results, as many in a transaction as
/// came in during the one before. A slot is free again only when its result is stored, so that a store that cannot
/// write stops the sending instead of letting results pile up.
package struct Dispatcher: Service {
    private let store: any Store
    private let endpoints: EndpointQueries
    private let runner: AttemptRunner
    private let lease: OwnLease
    private let clock: any WallClock
    private let limits: ReadySet.Limits
    private let scanInterval: Duration
    private let metrics: DeliveryMetrics
    private let logger: Logger
    private let cursors = ClaimCursors()
    private let shortageReport = Occasionally(every: .seconds(60))
    private let nameWaits = NameWaits()

    /// - Parameters:
    ///   - store: Where the outbox is.
    ///   - endpoints: Reads endpoints and their keys.
    ///   - runner: Makes attempts.
    ///   - lease: What this process claims under, and for how long it surely holds.
    ///   - clock: What due times are compared with.
    ///   - limits: How much may be in flight.
    ///   - scanInterval: How often the store itself is looked at: hints are lost with a process, rows are not.
    ///   - metrics: Counts attempts.
    ///   - logger: Told of failed deliveries and of a store that does not take results.
    package init(
        store: any Store, endpoints: EndpointQueries, runner: AttemptRunner, lease: OwnLease, clock: any WallClock,
        limits: ReadySet.Limits = .init(), scanInterval: Duration = .seconds(1),
        metrics: DeliveryMetrics = DeliveryMetrics(), logger: Logger
    ) {
        self.store = store
        self.endpoints = endpoints
        self.runner = runner
        self.lease = lease
        self.clock = clock
        self.limits = limits
        self.scanInterval = scanInterval
        self.metrics = metrics
        self.logger = logger
    }

    /// Delivers until graceful shutdown; then ends what is in flight (5 s at most), stores it and returns.
    ///
    /// Cancellation ends attempts at once: their deliveries stay leased, and the next start frees them.
    package func run() async throws {
        let recorder = AttemptRecorder(store: store, metrics: metrics, logger: logger)
        let wakeups = store.wakeups
        await withGracefulShutdownHandler {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await recorder.run() }
                await withDiscardingTaskGroup { attempts in
                    await dispatch(recorder) { task in
                        switch task {
                        case .attempt(let claim, let endpoint):
                            attempts.addTask { await attempt(claim, to: endpoint, recorder) }
                        case .lookup(let endpoint, let lane):
                            attempts.addTask { await lookUp(endpoint, lane) }
                        }
                    }
                }
                recorder.finish()
            }
        } onGracefulShutdown: {
            wakeups.signal(.deliveries)
        }
    }

    /// What runs beside the loop.
    private enum Errand {
        case attempt(ClaimedDelivery, Endpoint)
        /// The name is looked up, and the lane then looked at again.
        case lookup(Endpoint, DeliveryLane)
    }

    private func dispatch(_ recorder: AttemptRecorder, start: (Errand) -> Void) async {
        var ready = ReadySet(limits: limits)
        var nextScan = ContinuousClock.now
        var nextRepair = ContinuousClock.now + Self.repairInterval
        var held: Set<DeliveryID> = []
        var isFailing = false
        while !Task.isShuttingDownGracefully && !Task.isCancelled {
            for done in recorder.takeStored() {
                held.remove(done.id)
                ready.finished(done.endpoint, done.signal, retryAt: done.retryAt, at: clock.now())
            }
            do {
                for key in store.wakeups.takeKeys(.deliveries) {
                    ready.add(EndpointID(trusted: key), lane: .first, dueAt: clock.now())
                }
                for ended in nameWaits.takeEnded() {
                    ready.add(ended.endpoint, lane: ended.lane, dueAt: clock.now())
                }
                if nextScan <= .now {
                    nextScan = .now + scanInterval
                    if try await cancelForDeletedEndpoints() { nextScan = .now }
                    let backlogs = try await backlogs()
                    for backlog in backlogs where backlog.isOrphaned { try await cancelOrphans(of: backlog.endpoint) }
                    ready.replace(with: backlogs, at: clock.now())
                }
                if nextRepair <= .now {
                    nextRepair = .now + Self.repairInterval
                    try await repair(held)
                }
                let canClaim = lease.outlives(Self.leaseNeeded, lease: lease.current)
                let requests = canClaim ? ready.plan(at: clock.now()) : []
                for endpoint in ready.unserved { store.wakeups.share(.deliveries, key: endpoint.text) }
                if requests.isEmpty {
                    let untilDue = canClaim ? ready.nextDue.map { $0 - clock.now() } ?? scanInterval : scanInterval
                    await store.wakeups.wait(
                        for: .deliveries, atMost: min(max(untilDue, .zero), ContinuousClock.now.duration(to: nextScan)))
                    continue
                }
                try await claim(requests, &ready) { errand in
                    if case .attempt(let delivery, _) = errand { held.insert(delivery.id) }
                    start(errand)
                }
                isFailing = false
            } catch {
                if !isFailing { logger.error("deliveries cannot be claimed", metadata: ["error": "\(error)"]) }
                isFailing = true
                await store.wakeups.wait(for: .deliveries, atMost: scanInterval)
            }
        }
    }

    private func claim(
        _ requests: [ReadySet.Request], _ ready: inout ReadySet, _ start: (Errand) -> Void
    ) async throws {
        let claims: [Claims]
        do {
            claims = try await store.write(.engine) { [self] tx in
                try requests.map { request in
                    do {
                        return try claim(request, in: tx)
                    } catch StorageError.corrupt(let reason) {
                        return .unreadable(reason)
                    }
                }
            }
        } catch {
            for request in requests { ready.claimed(request, count: 0, at: clock.now()) }
            throw error
        }
        for (request, claim) in zip(requests, claims) {
            switch claim {
            case .taken(let endpoint, let deliveries):
                ready.claimed(request, count: deliveries.count, of: endpoint, at: clock.now())
                for delivery in deliveries { start(.attempt(delivery, endpoint)) }
            case .notActive:
                ready.claimed(request, count: 0, at: clock.now())
            case .nameUnknown(let endpoint):
                ready.claimed(request, count: 0, at: clock.now())
                if nameWaits.begin(endpoint.id) { start(.lookup(endpoint, request.lane)) }
            case .unreadable(let reason):
                ready.claimed(request, count: 0, at: clock.now())
                logger.error(
                    "deliveries cannot be read",
                    metadata: ["webhook_id": "\(request.endpoint)", "error": "\(reason)"])
            case .disabled:
                ready.claimed(request, count: 0, at: clock.now())
                logger.error(
                    "webhook disabled",
                    metadata: ["webhook_id": "\(request.endpoint)", "reason": "signing_key_unreadable"])
            }
        }
    }

    private enum Claims: Sendable {
        case taken(Endpoint, [ClaimedDelivery])
        case notActive
        /// Nothing is claimed before the name is looked up: the lookup may hang.
        case nameUnknown(Endpoint)
        case disabled
        /// A row holds what it should not; other endpoints are served all the same.
        case unreadable(String)
    }

    /// A webhook whose signing key cannot be read is never sent unsigned: it holds its deliveries until it is mended.
    private func claim(_ request: ReadySet.Request, in tx: any Transaction) throws -> Claims {
        guard let row = try DeliveryQueries.activeEndpoint(request.endpoint, in: tx) else { return .notActive }
        var endpoint = try endpoints.endpoint(row: row)
        if endpoint.unreadableKey != nil {
            try DeliveryQueries.disable(request.endpoint, because: EndpointQueries.unreadableKey, in: tx)
            return .disabled
        }
        guard runner.isPrepared(for: endpoint) else { return .nameUnknown(endpoint) }
        if let release = endpoint.release {
            switch try ReleaseQueries.claim(endpoint, release, lease: lease.current, at: clock.now(), in: tx) {
            case .taken(let held): return .taken(endpoint, [held])
            case .waiting: return .taken(endpoint, [])
            case .over: endpoint.release = nil
            }
        }
        let deliveries = try DeliveryQueries.claim(
            endpoint: endpoint, lane: request.lane, limit: request.limit, lease: lease.current, at: clock.now(),
            cursors: cursors, in: tx)
        return .taken(endpoint, deliveries)
    }

    /// Attempts until one is made: a machine that is short of sockets keeps its slots, and so claims no more. After
    /// ``shortageTries`` the delivery is handed back, so that no endpoint keeps a slot for ever.
    private func attempt(_ claim: ClaimedDelivery, to endpoint: Endpoint, _ recorder: AttemptRecorder) async {
        for _ in 0..<Self.shortageTries {
            // A process that stood still may have lost the lease meanwhile, and others have the delivery.
            guard lease.outlives(AttemptRunner.timeLimit, lease: claim.lease) else { return recorder.giveBack(claim) }
            switch await runner.attempt(claim, to: endpoint) {
            case .made(let result): return recorder.append(result)
            case .notMade(let reason):
                guard !Task.isCancelled else { return }
                metrics.notMade()
                // Without a place for a lookup there is no attempt, and nothing to hold a slot for.
                guard runner.isPrepared(for: endpoint) else { return recorder.giveBack(claim) }
                if shortageReport.isDue() {
                    logger.error("deliveries wait: no socket can be opened", metadata: ["reason": "\(reason)"])
                }
                guard !Task.isShuttingDownGracefully else { return recorder.giveBack(claim) }
                // Ends early when the task is cancelled; the delivery then stays leased, as any other.
                try? await Task.sleep(for: Self.shortageWait)
                if Task.isCancelled { return }
            }
        }
        recorder.giveBack(claim)
    }

    private func lookUp(_ endpoint: Endpoint, _ lane: DeliveryLane) async {
        await cancelWhenGracefulShutdown { await runner.prepare(for: endpoint) }
        // Without a place for the lookup, the next scan asks again.
        nameWaits.end(endpoint.id, lane, isKnown: runner.isPrepared(for: endpoint))
        store.wakeups.signal(.deliveries)
    }

    /// Frees deliveries that are leased to us but not in our hands: nothing should leave one, and if something does, it is
    /// tried again instead of being stuck.
    private func repair(_ held: Set<DeliveryID>) async throws {
        let lease = lease.current
        let freed = try await store.write(.maintenance) { tx in
            let orphans = try DeliveryQueries.leased(by: lease, in: tx).filter { !held.contains($0) }
            try DeliveryQueries.free(orphans, lease: lease, in: tx)
            return orphans
        }
        if freed.isEmpty { return }
        metrics.repaired(freed.count)
        for id in freed { logger.error("orphaned lease freed", metadata: ["delivery_id": "\(id)"]) }
    }

    private func backlogs() async throws -> [DeliveryQueries.Backlog] {
        try await store.read { tx in
            var backlogs: [DeliveryQueries.Backlog] = []
            while true {
                let page = try DeliveryQueries.backlogs(after: backlogs.last?.endpoint.text ?? "", in: tx)
                backlogs += page
                if page.count < 500 { return backlogs }
            }
        }
    }

    /// Cancels a batch, so that a deleted endpoint's backlog of any length delays nobody; true when there may be more.
    private func cancelForDeletedEndpoints() async throws -> Bool {
        try await store.write(.maintenance) { tx in
            try DeliveryQueries.cancelForDeletedEndpoints(limit: 500, in: tx)
        }
    }

    /// What was made for an endpoint in the moment of its deletion is nobody's: it is cancelled, too.
    private func cancelOrphans(of endpoint: EndpointID) async throws {
        _ = try await store.write(.maintenance) { tx in
            try DeliveryQueries.cancelPending(of: endpoint, limit: 500, in: tx)
        }
    }

    /// What is claimed must be attempted and stored while the lease holds: 5 s and a second for the store.
    private static let leaseNeeded: Duration = AttemptRunner.timeLimit + .seconds(1)

    /// How long a delivery waits for a socket: a second, as for a receiver.
    private static let shortageWait: Duration = .seconds(1)
    /// Half a minute of them, longer than most shortages of open files last.
    private static let shortageTries = 30

    /// How often leases are compared with what is in flight.
    private static let repairInterval: Duration = .seconds(60)
}
