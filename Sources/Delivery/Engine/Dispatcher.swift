import Logging
import ServiceLifecycle
import Storage
import Synchronization
import Timestamps

/// Claims due deliveries, has each attempted, and stores what came of it.
///
/// ``DispatcherCore`` decides; this is what carries it out. Claims, looks at the store and attempts are child tasks, so that
/// the loop waits for none of them; one recorder stores results, as many in a transaction as came in during the one
/// before. A slot is free again only when its result is stored, so that a store that cannot write stops the sending
/// instead of letting results pile up.
package struct Dispatcher: Service {
    private let store: any Store
    private let work: DispatcherWork
    private let runner: AttemptRunner
    private let lease: OwnLease
    private let clock: any WallClock
    private let limits: ReadySet.Limits
    private let scanInterval: Duration
    private let metrics: DeliveryMetrics
    private let logger: Logger
    private let shortageReport: Occasionally

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
        work = DispatcherWork(endpoints: endpoints, knowledge: runner.knowledge(of:))
        self.runner = runner
        self.lease = lease
        self.clock = clock
        self.limits = limits
        self.scanInterval = scanInterval
        self.metrics = metrics
        self.logger = logger
        shortageReport = Occasionally(every: .seconds(60), clock: clock)
    }

    /// Delivers until graceful shutdown; then ends what is in flight (5 s at most), stores it and returns.
    ///
    /// Cancellation ends attempts at once: the deliveries whose results are not stored by then stay leased, and the next start
    /// frees them.
    package func run() async throws {
        let recorder = AttemptRecorder(store: store, clock: clock, metrics: metrics, logger: logger)
        let wakeups = store.wakeups
        await withGracefulShutdownHandler {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await recorder.run() }
                await withDiscardingTaskGroup { attempts in
                    await withDiscardingTaskGroup { jobs in
                        await dispatch(recorder, attempts: &attempts, jobs: &jobs)
                        jobs.cancelAll()  // A look at the store is not worth waiting for at shutdown.
                    }
                }
                recorder.finish()
            }
        } onGracefulShutdown: {
            wakeups.signal(.deliveries)
        }
    }

    private func dispatch(
        _ recorder: AttemptRecorder, attempts: inout DiscardingTaskGroup, jobs: inout DiscardingTaskGroup
    ) async {
        let inbox = Inbox()
        var core = DispatcherCore(limits: limits, scanInterval: scanInterval, at: clock.boot())
        while !core.isOver && !Task.isCancelled {
            let inputs =
                recorder.takeStored().map(DispatcherCore.Input.stored)
                + store.wakeups.takeKeys(.deliveries).map { .hinted(EndpointID(trusted: $0)) } + inbox.take()
                + (Task.isShuttingDownGracefully ? [.stopping] : [])
            var actions = inputs.flatMap { core.handle($0, at: instants) }
            actions += core.next(at: instants, under: lease.term)
            for action in actions { perform(action, recorder, inbox, attempts: &attempts, jobs: &jobs) }
            if core.isOver { return }
            await store.wakeups.wait(for: .deliveries, atMost: core.pause(at: instants, under: lease.term))
        }
    }

    /// By the clock that also measures waits.
    private var instants: Instants { Instants(wall: clock.now(), boot: clock.boot()) }

    private func perform(
        _ action: DispatcherCore.Action, _ recorder: AttemptRecorder, _ inbox: Inbox,
        attempts: inout DiscardingTaskGroup, jobs: inout DiscardingTaskGroup
    ) {
        switch action {
        case .attempt(let claim, let endpoint):
            attempts.addTask { await attempt(claim, to: endpoint, recorder) }
        case .attemptLater(let claim, let endpoint, let wait):
            attempts.addTask {
                // Cancelled: the attempt ends as soon as it begins.
                try? await clock.sleep(for: wait)
                await attempt(claim, to: endpoint, recorder)
            }
        case .lookUp(let endpoint, let lane):
            jobs.addTask { [runner, wakeups = store.wakeups] in
                await runner.prepare(for: endpoint)
                inbox.add(.lookedUp(endpoint.id, lane, isKnown: runner.knowledge(of: endpoint) != .nothing))
                wakeups.signal(.deliveries)
            }
        case .giveBack(let claim): recorder.giveBack(claim)
        case .share(let endpoint): store.wakeups.share(.deliveries, key: endpoint.text)
        case .report(let report): log(report)
        case .claim(let requests):
            start(.claim, inbox, &jobs) { [work, lease, clock] store in
                .claimed(
                    try await store.write(.engine) { tx in
                        try work.claim(requests, lease: lease.current, at: clock.now(), in: tx)
                    })
            }
        case .scan:
            start(.scan, inbox, &jobs) { store in
                .scanned(try await store.read(.engine) { tx in try DispatcherWork.scan(in: tx) })
            }
        case .clear(let orphans):
            start(.clear, inbox, &jobs) { store in
                let mayHaveMore = try await store.write(.maintenance) { tx in try DispatcherWork.clearDeleted(in: tx) }
                for endpoint in orphans {
                    try await store.write(.maintenance) { tx in try DispatcherWork.clearOrphans(of: endpoint, in: tx) }
                }
                return .cleared(mayHaveMore: mayHaveMore)
            }
        case .repair(let held):
            start(.repair, inbox, &jobs) { [lease] store in
                .repaired(
                    try await store.write(.engine) { tx in
                        try DispatcherWork.repair(keeping: held, lease: lease.current, in: tx)
                    })
            }
        }
    }

    /// Runs work on the store beside the loop, which is told what came of it.
    private func start(
        _ job: DispatcherCore.Job, _ inbox: Inbox, _ jobs: inout DiscardingTaskGroup,
        _ body: @escaping @Sendable (any Store) async throws -> DispatcherCore.Input
    ) {
        let store = store
        jobs.addTask {
            do {
                inbox.add(try await body(store))
            } catch {
                inbox.add(.failed(job, error))
            }
            store.wakeups.signal(.deliveries)
        }
    }

    private func log(_ report: DispatcherCore.Report) {
        switch report {
        case .failing(let job, let error):
            logger.error("the dispatcher's work on the store fails", metadata: ["job": "\(job)", "error": "\(error)"])
        case .unreadable(let endpoint, let reason):
            logger.error(
                "deliveries cannot be read", metadata: ["webhook_id": "\(endpoint)", "error": "\(reason)"])
        case .disabled(let endpoint, let reason):
            logger.error(
                "webhook disabled",
                metadata: ["webhook_id": "\(endpoint)", "reason": "\(reason.prefix { $0 != ":" })"])
        case .orphans(let ids, isExplained: true):
            logger.notice("the answer to a claim was lost", metadata: ["freed": "\(ids.count)"])
        case .orphans(let ids, isExplained: false):
            metrics.repaired(ids.count)
            for id in ids { logger.error("orphaned lease freed", metadata: ["delivery_id": "\(id)"]) }
        }
    }

    /// What the tasks beside the loop have to tell it.
    private final class Inbox: Sendable {
        private let inputs = Mutex<[DispatcherCore.Input]>([])

        func add(_ input: DispatcherCore.Input) {
            inputs.withLock { $0.append(input) }
        }

        func take() -> [DispatcherCore.Input] {
            inputs.withLock { inputs in
                defer { inputs = [] }
                return inputs
            }
        }
    }

    /// Attempts until one is made: a machine that is short of sockets keeps its slots, and so claims no more. After
    /// ``shortageTries`` the delivery is handed back, so that no endpoint keeps a slot forever.
    private func attempt(_ claim: ClaimedDelivery, to endpoint: Endpoint, _ recorder: AttemptRecorder) async {
        for _ in 0..<Self.shortageTries {
            // A process that stood still may have lost the lease meanwhile, and others have the delivery.
            guard lease.outlives(AttemptRunner.timeLimit, lease: claim.lease) else { return recorder.giveBack(claim) }
            switch await attemptOnce(claim, to: endpoint) {
            case nil:
                if !Task.isCancelled { recorder.giveBack(claim) }  // Else there is no time: the next start frees it.
                return
            case .made(let result): return recorder.append(result)
            case .notMade(let reason):
                guard !Task.isCancelled else { return }
                metrics.notMade()
                // Without a place for a lookup there is no attempt, and nothing to hold a slot for.
                guard runner.knowledge(of: endpoint) != .nothing else { return recorder.giveBack(claim) }
                if shortageReport.isDue() {
                    logger.error("deliveries wait: no socket can be opened", metadata: ["reason": "\(reason)"])
                }
                guard !Task.isShuttingDownGracefully else { return recorder.giveBack(claim) }
                // Ends early when the task is cancelled; the delivery then stays leased, as any other.
                try? await clock.sleep(for: Self.shortageWait)
                if Task.isCancelled { return }
            }
        }
        recorder.giveBack(claim)
    }

    /// Makes an attempt. One that may take longer than others is given up with its lease, unless that is renewed meanwhile, and at
    /// shutdown when the others have to end. It has failed then, as its receiver may have read it; nil when no request was
    /// written yet.
    private func attemptOnce(_ claim: ClaimedDelivery, to endpoint: Endpoint) async -> AttemptRunner.Run? {
        guard endpoint.plan.isPatient else { return await runner.attempt(claim, to: endpoint) }
        return await withTaskGroup(of: AttemptRunner.Run?.self) { group in
            group.addTask { await runner.attempt(claim, to: endpoint) }
            group.addTask {
                await lease.end(of: claim.lease)
                return nil
            }
            group.addTask {
                // Cancelled: the attempt has ended.
                try? await gracefulShutdown()
                try? await clock.sleep(for: AttemptRunner.timeLimit)
                return nil
            }
            var isGivenUp = false
            for await run in group {
                group.cancelAll()
                guard let run else {
                    // The attempt ends at once, and says how far it came.
                    isGivenUp = true
                    continue
                }
                if isGivenUp, case .notMade = run { return nil }
                return run
            }
            return nil
        }
    }

    /// How long a delivery waits for a socket: a second, as for a receiver.
    private static let shortageWait: Duration = .seconds(1)
    /// Half a minute of them, longer than most shortages of open files last.
    private static let shortageTries = 30
}
