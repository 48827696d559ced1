import HTTPSMSWebhooks
import Storage
import Timestamps

@testable import Delivery
@testable import Storage

/// The shell of a process: carries out what its cores decide, as `Dispatcher`, `AttemptRecorder` and `NodeMembership` do.
extension Simulation {
    /// Starts a process on a machine.
    func boot(_ number: Int) throws {
        let before = nodes.last { $0.number == number }
        before?.isAlive = false
        if let before { checks.ended(before, at: now) }
        var limits = ReadySet.Limits()
        limits.slots = 64
        let node = SimulatedNode(
            number: number, incarnation: (before?.incarnation ?? 0) + 1, clock: machines[number].clock, limits: limits)
        nodes.removeAll { $0.number == number }
        nodes.append(node)
        note(node, "starts")
        let lease = node.lease.current
        try enter(lease, node)
        if isAlone { try transact(node) { tx in try NodeQueries.fenceOthers(than: lease, in: tx) } }
        try free(node)
        try pullIn(by: nil, node)
        plan(after: .milliseconds(1), on: node) { try $0.dispatch(node) }
        plan(after: .seconds(1), on: node) { try $0.keepLease(node) }
    }

    /// Ends a process at once.
    func crash(_ node: SimulatedNode) {
        guard node.isAlive else { return }
        node.isAlive = false
        note(node, "crashes")
        count("crash")
        checks.ended(node, at: now)
        let pause = chaos.duration(0.1...15)
        plan(after: pause) { world in
            guard world.nodes.contains(where: { $0 === node }) else { return }
            try world.boot(node.number)
        }
    }

    /// Has the dispatcher of `node` look soon.
    func wake(_ node: SimulatedNode) {
        node.stepNumber += 1
        let number = node.stepNumber
        plan(after: .microseconds(50), on: node) { world in
            guard number == node.stepNumber else { return }
            try world.dispatch(node)
        }
    }

    private func dispatch(_ node: SimulatedNode) throws {
        node.stepNumber += 1
        let number = node.stepNumber
        let keys = node.wakeups.takeKeys(.deliveries).sorted()
        let inputs = keys.map { DispatcherCore.Input.hinted(EndpointID(trusted: $0)) } + node.inbox
        node.inbox = []
        let at = node.clock.instants()
        var actions = inputs.flatMap { node.core.handle($0, at: at) }
        let term = twin == .noLeaseMargin ? .init(lease: node.lease.current, end: nil) : node.lease.term
        actions += node.core.next(at: at, under: term)
        for action in actions { perform(action, node) }
        if node.core.isOver { return try leave(node) }
        plan(after: max(node.core.pause(at: at, under: term), .microseconds(100)), on: node) { world in
            guard number == node.stepNumber else { return }
            try world.dispatch(node)
        }
    }

    private func perform(_ action: DispatcherCore.Action, _ node: SimulatedNode) {
        switch action {
        case .attempt(let claim, let endpoint): attempt(claim, endpoint, node)
        case .attemptLater(let claim, let endpoint, let wait):
            plan(after: twin == .noSecond ? .zero : wait, on: node) { $0.attempt(claim, endpoint, node) }
        case .giveBack(let claim):
            node.returned.append(claim)
            record(node)
        case .share: break
        case .lookUp(let endpoint, let lane): lookUp(endpoint, lane, node)
        case .report(let report): note(node, "\(report)")
        case .claim(let requests):
            job(.claim, node) { [endpointQueries, twin] tx, at in
                let known = Set(node.names.filter { $0.value > self.now }.keys)
                let failing = Set(self.receivers.filter { $0.value == .silentName }.keys)
                let work = DispatcherWork(
                    endpoints: endpointQueries,
                    knowledge: { !known.contains($0.id) ? .nothing : failing.contains($0.id) ? .failure : .addresses })
                let claims = try work.claim(requests, lease: node.lease.current, at: at.wall, in: tx)
                try self.checks.claimed(claims, in: tx)
                return .claimed(twin == .oneRowStopsAll ? claims.map(\.allOrNothing) : claims)
            }
        case .scan:
            job(.scan, node) { [twin] tx, _ in .scanned(twin == .noScan ? [] : try DispatcherWork.scan(in: tx)) }
        case .clear(let orphans):
            job(.clear, node) { tx, _ in
                let mayHaveMore = try DispatcherWork.clearDeleted(in: tx)
                for endpoint in orphans { try DispatcherWork.clearOrphans(of: endpoint, in: tx) }
                return .cleared(mayHaveMore: mayHaveMore)
            }
        case .repair(let held):
            job(.repair, node) { [twin] tx, _ in
                if twin == .noRepair { return .repaired([]) }
                return .repaired(try DispatcherWork.repair(keeping: held, lease: node.lease.current, in: tx))
            }
        }
    }

    /// A silent name server is known to be silent after 5 s; that of the healthy receiver is always quick.
    private func lookUp(_ endpoint: Endpoint, _ lane: DeliveryLane, _ node: SimulatedNode) {
        let isSlow = faults.slowNames && isStorming && endpoint.id != checks.healthy
        let isSilent = receivers[endpoint.id] == .silentName
        let duration = isSilent ? .seconds(5) : chaos.duration(isSlow ? 0.01...5 : 0.001...0.05)
        plan(after: duration, on: node) { world in
            node.names[endpoint.id] = world.now + world.chaos.duration(5...60)
            node.inbox.append(.lookedUp(endpoint.id, lane, isKnown: true))
            world.wake(node)
        }
    }

    /// Work on the store, with all that may happen to it.
    private func job(
        _ job: DispatcherCore.Job, _ node: SimulatedNode,
        _ body: @escaping (any Transaction, Instants) throws -> DispatcherCore.Input
    ) {
        write("\(job)", node) { tx in
            try body(tx, node.clock.instants())
        } done: { world, result in
            switch result {
            case .success(let input): node.inbox.append(input)
            case .failure(let error): node.inbox.append(.failed(job, error))
            }
            world.wake(node)
        }
    }

    private func write<T>(
        _ name: String, _ node: SimulatedNode, _ body: @escaping (any Transaction) throws -> T,
        done: @escaping (Simulation, Result<T, any Error>) throws -> Void
    ) {
        let isSlow = isStorming && faults.slowStore && chaos.chance(0.05)
        plan(after: isSlow ? chaos.duration(1...9) : chaos.duration(0.0002...0.005), on: node) { world in
            if world.isStorming, world.faults.refusals, world.chaos.chance(0.02) {
                world.count("refusal")
                return try done(world, .failure(StorageError.unavailable("the simulation wants it so")))
            }
            if world.isStorming, world.faults.crashes, world.chaos.chance(0.0008) { return world.crash(node) }
            let result = Result { try world.transact(node, body) }
            if case .failure(let error) = result, !(error is StorageError) { throw error }
            if world.isStorming, world.faults.crashes, world.chaos.chance(0.0008) { return world.crash(node) }
            let isLost = world.isStorming && world.faults.lostAnswers && world.chaos.chance(0.02)
            if isLost {
                world.count("lost answer")
                world.note(node, "the answer to \(name) is lost")
            }
            let delay = isSlow ? world.chaos.duration(0.1...9) : world.chaos.duration(0.0001...0.002)
            world.plan(after: delay, on: node) { world in
                try done(world, isLost ? .failure(StorageError.unavailable("the answer was lost")) : result)
            }
        }
    }

    private func attempt(_ claim: ClaimedDelivery, _ endpoint: Endpoint, _ node: SimulatedNode) {
        guard twin == .noLeaseMargin || node.lease.outlives(AttemptRunner.timeLimit, lease: claim.lease) else {
            node.returned.append(claim)
            return record(node)
        }
        let startedAt = node.clock.now()
        let recent = checks.requests.suffix(200).count { $0.endpoint == endpoint.id && $0.start > now - .seconds(1) }
        let (outcome, duration) = (receivers[endpoint.id] ?? .dead).answer(&world, recent: recent)
        note(
            node,
            "to \(endpoint.id.text.suffix(6)) sends \(claim.id.text.suffix(6)) attempt \(claim.attempt): \(outcome) after \(duration.seconds)"
        )
        checks.sent(
            SimulatedRequest(
                delivery: claim.id, event: claim.eventID, endpoint: endpoint.id, sender: node.name,
                machine: node.number, attempt: claim.attempt, start: now, end: now + duration, outcome: outcome,
                body: claim.body), self)
        plan(after: duration, on: node) { world in
            let result = AttemptResult(outcome: outcome, duration: duration)
            let (ended, jitter) = (node.clock.instants(), node.clock.drawFraction())
            var schedule = Self.schedule
            if world.twin == .retriesAtOnce { schedule = .impatient }
            let step = world.twin == .retriesForEver ? 0 : claim.step
            var verdict = Verdict(
                of: result, step: step, at: ended.wall, schedule: schedule, jitter: jitter)
            if world.twin == .retriesAtOnce, case .retry = verdict { verdict = .retry(at: ended.wall) }
            node.results.append(
                RecordedAttempt(
                    claim: claim, endpointVersion: endpoint.version, startedAt: startedAt, result: result,
                    verdict: verdict, hold: Hold(of: result, at: ended.wall, schedule: schedule, jitter: jitter),
                    judgedAt: world.twin == .noRedating ? nil : ended,
                    isPaced: endpoint.pace.isAdapting, rate: endpoint.recentRate, schedule: schedule, jitter: jitter))
            world.record(node)
        }
    }

    /// Stores what came in, a batch at a time, until it is taken.
    private func record(_ node: SimulatedNode) {
        guard !node.isRecording, !node.results.isEmpty || !node.returned.isEmpty else { return }
        node.isRecording = true
        let results = node.results.sorted { ($0.claim.createdAt, $0.claim.id) < ($1.claim.createdAt, $1.claim.id) }
        store(results, returned: node.returned, node)
        node.results = []
        node.returned = []
    }

    private func store(_ results: [RecordedAttempt], returned: [ClaimedDelivery], _ node: SimulatedNode) {
        write("results", node) { tx in
            try DeliveryQueries.giveBack(returned, in: tx)
            let now = node.clock.instants()
            let stored = try ResultQueries.record(results.map { $0.redated(at: now) }, in: tx)
            let refused = Set(stored.refused)
            self.checks.recorded(stored.results.filter { !refused.contains($0.claim.id) })
        } done: { world, outcome in
            if case .failure(let error) = outcome, world.twin != .recorderDrops {
                world.note(node, "results not stored: \(error)")
                return world.plan(after: .milliseconds(100), on: node) { $0.store(results, returned: returned, node) }
            }
            node.isRecording = false
            let stored = results.map { result in
                var retryAt: Timestamp?
                if case .retry(let at) = result.verdict { retryAt = at }
                return AttemptRecorder.Stored(
                    id: result.claim.id, endpoint: result.claim.endpointID, signal: ReadySet.Signal(result),
                    took: result.result.duration,
                    retryAt: retryAt)
            }
            let handedBack = returned.map {
                AttemptRecorder.Stored(id: $0.id, endpoint: $0.endpointID, signal: .neutral, retryAt: nil)
            }
            node.inbox += (stored + handedBack).map(DispatcherCore.Input.stored)
            world.record(node)
            world.wake(node)
        }
    }

    // The membership.

    private func enter(_ lease: Lease, _ node: SimulatedNode) throws {
        let end = node.clock.boot() + Self.life
        try transact(node) { tx in
            try NodeQueries.insert(lease, name: node.name, version: "1", life: Self.life, in: tx)
        }
        node.lease.set(lease, until: isAlone ? nil : end)
        node.nextRenewal = node.clock.boot() + Self.life / 4
    }

    private func keepLease(_ node: SimulatedNode) throws {
        plan(after: .seconds(1), on: node) { try $0.keepLease(node) }
        if isStorming, faults.refusals, chaos.chance(0.2) { return }
        if node.nextRenewal <= node.clock.boot() {
            let lease = node.lease.current
            let end = node.clock.boot() + Self.life
            if try transact(node, { tx in try NodeQueries.renew(lease, life: Self.life, in: tx) }) {
                node.lease.set(lease, until: isAlone ? nil : end)
                node.nextRenewal = node.clock.boot() + Self.life / 4
            } else {
                note(node, "was taken for dead")
                try enter(Lease(from: node.clock), node)
            }
        }
        let own = node.lease.current
        if twin == .fencesItself {
            _ = try transact(node) { tx in
                try tx.run("UPDATE node SET fenced = 1 WHERE fenced = 0 AND alive_until < \(.databaseTime)")
            }
        } else if !isAlone {
            let others = try transact(node) { tx in try NodeQueries.others(than: own, in: tx) }
            let dead = node.watch.dead(others, at: node.clock.boot())
            if !dead.isEmpty {
                _ = try transact(node) { tx in try dead.compactMap { try NodeQueries.fence($0, in: tx) } }
            }
        }
        try free(node)
    }

    private func free(_ node: SimulatedNode) throws {
        if twin == .noFreeing { return }
        _ = try transact(node) { tx in try NodeQueries.freeOrphans(limit: 500, in: tx) }
    }

    private func leave(_ node: SimulatedNode) throws {
        guard node.isAlive else { return }
        guard node.core.held.isEmpty else {
            return plan(after: .milliseconds(100), on: node) { try $0.dispatch(node) }
        }
        note(node, "leaves")
        let lease = node.lease.current
        try transact(node) { tx in try NodeQueries.fence(lease, in: tx) }
        node.isAlive = false
        checks.ended(node, at: now)
        plan(after: chaos.duration(0.1...5)) { world in
            guard world.nodes.contains(where: { $0 === node }) else { return }
            try world.boot(node.number)
        }
    }
}

extension DispatcherWork.Claimed {
    fileprivate var allOrNothing: DispatcherWork.Claimed {
        if case .taken(_, _, let unreadable) = self, let reason = unreadable.first { .unreadable(reason) } else { self }
    }
}

extension RetrySchedule {
    /// One second each, which a twin then does not even wait for.
    fileprivate static var impatient: RetrySchedule {
        RetrySchedule([.seconds(1), .seconds(1), .seconds(1), .seconds(1)]) ?? .standard
    }
}
