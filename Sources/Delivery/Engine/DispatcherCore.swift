import Storage
import Timestamps

/// Decides what the dispatcher does next: a value without tasks, locks, clocks or chance.
///
/// ``Dispatcher`` carries out its actions and tells it what came of them; the simulation does the same under its own clock.
/// Work on the store is of four kinds, at most one of each at a time. None waits for another but where both would
/// move the same rows, and one that fails is tried again a scan's interval later and stops no other.
struct DispatcherCore: Sendable {
    /// A kind of work on the store.
    enum Job: String, Sendable, CaseIterable {
        /// Takes due deliveries.
        case claim
        /// Looks what waits where: hints are lost with a process, rows are not.
        case scan
        /// Cancels what waits for endpoints that are deleted.
        case clear
        /// Compares the leases in the store with what is in hand. Never beside a claim, whose rows it would free.
        case repair
    }

    /// What is to be done now.
    enum Action: Sendable {
        /// To be answered by `claimed`, or `failed`.
        case claim([ReadySet.Request])
        /// To be answered by `scanned`, or `failed`.
        case scan
        /// To be answered by `cleared`, or `failed`: endpoints that are gone, besides those that are being deleted.
        case clear([EndpointID])
        /// To be answered by `repaired`, or `failed`: all that may be leased to this process.
        case repair(keeping: Set<DeliveryID>)
        /// To be answered by `stored`, once the result is.
        case attempt(ClaimedDelivery, Endpoint)
        /// The same after a wait: the last attempt is not a second old.
        case attemptLater(ClaimedDelivery, Endpoint, after: Duration)
        /// Looks the endpoint's name up; to be answered by `lookedUp`.
        case lookUp(Endpoint, DeliveryLane)
        /// Hands back what was claimed and will not be tried; to be answered by `stored`.
        case giveBack(ClaimedDelivery)
        /// Other nodes may have slots for this endpoint.
        case share(EndpointID)
        /// Says what an operator should know.
        case report(Report)
    }

    /// What an operator should know.
    enum Report: Sendable {
        /// A kind of work fails; said once each time it begins.
        case failing(Job, any Error)
        /// An endpoint has a row that cannot be read; others are served all the same.
        case unreadable(EndpointID, String)
        /// An endpoint was disabled, as its signing key or its headers do not open: which, in words.
        case disabled(EndpointID, String)
        /// Deliveries were leased to us and not in our hands. `isExplained` when the answer to a claim was lost before.
        case orphans([DeliveryID], isExplained: Bool)
    }

    /// What happened.
    enum Input: Sendable {
        /// A commit says that an endpoint has work.
        case hinted(EndpointID)
        /// A result is in the store, or a claim was handed back.
        case stored(AttemptRecorder.Stored)
        /// What each request of a claim gave, in their order.
        case claimed([DispatcherWork.Claimed])
        /// All that waits, a complete look.
        case scanned([DeliveryQueries.Backlog])
        /// A batch was cancelled; there may be more.
        case cleared(mayHaveMore: Bool)
        /// What was leased to us and not in our hands, which is free now.
        case repaired([DeliveryID])
        /// The lookup of an endpoint's name is over; without a place for it the name is not known.
        case lookedUp(EndpointID, DeliveryLane, isKnown: Bool)
        /// Nothing came of it, or nobody knows what.
        case failed(Job, any Error)
        /// Nothing more is to be claimed.
        case stopping
    }

    private struct Waiting: Hashable {
        let endpoint: EndpointID
        let lane: DeliveryLane
    }

    private let scanInterval: Duration
    private var ready: ReadySet
    /// What is or may be in our hands: claimed, and its result not stored yet.
    private(set) var held: Set<DeliveryID> = []
    private var running: Set<Job> = []
    private var failing: Set<Job> = []
    /// When each kind of work may begin again, by the clock that nobody can set.
    private var notBefore: [Job: ContinuousClock.Instant] = [:]
    /// The requests of the claim that runs.
    private var requests: [ReadySet.Request] = []
    /// What became due while a scan or a claim ran, which may have looked before it did.
    private var meanwhile: [Job: [Waiting: Timestamp]] = [:]
    private var orphans: [EndpointID] = []
    private var retries: RecentRetries
    /// The endpoints whose names are being looked up.
    private var lookups: Set<EndpointID> = []
    private var lastLook: Instants?
    private var isStopping = false
    private var isClaimUnanswered = false

    /// Begins with a look at the store.
    init(limits: ReadySet.Limits, scanInterval: Duration, at now: ContinuousClock.Instant) {
        self.scanInterval = scanInterval
        ready = ReadySet(limits: limits)
        notBefore = [.repair: now + Self.repairInterval]
        retries = RecentRetries(since: now)
    }

    /// Whether nothing is left to be waited for after `stopping` but the attempts.
    var isOver: Bool { isStopping && !running.contains(.claim) }

    /// Notes what happened.
    mutating func handle(_ input: Input, at now: Instants) -> [Action] {
        switch input {
        case .hinted(let endpoint):
            add(endpoint, .first, dueAt: now.wall)
        case .stored(let done):
            held.remove(done.id)
            if done.retryAt != nil { retries.note(done.id, endedAt: done.endedAt ?? now.boot, at: now.boot) }
            ready.finished(done.endpoint, done.signal, took: done.took, retryAt: done.retryAt, at: now.wall)
            if let retryAt = done.retryAt { note(done.endpoint, .retry, dueAt: retryAt) }
        case .claimed(let claims):
            return claimed(claims, at: now)
        case .scanned(let backlogs):
            end(.scan, before: notBefore[.scan])
            ready.replace(with: backlogs, at: now.wall)
            recall(.scan)
            orphans = backlogs.filter(\.isOrphaned).map(\.endpoint)
            if !orphans.isEmpty { notBefore[.clear] = nil }
        case .cleared(let mayHaveMore):
            end(.clear, before: mayHaveMore ? nil : notBefore[.clear])
        case .repaired(let freed):
            end(.repair, before: notBefore[.repair])
            defer { isClaimUnanswered = false }
            return freed.isEmpty ? [] : [.report(.orphans(freed, isExplained: isClaimUnanswered))]
        case .lookedUp(let endpoint, let lane, let isKnown):
            lookups.remove(endpoint)
            // Else the next scan asks again.
            if isKnown { add(endpoint, lane, dueAt: now.wall) }
        case .failed(let job, let error):
            return failed(job, error, at: now)
        case .stopping:
            isStopping = true
        }
        return []
    }

    /// What is to be begun now.
    ///
    /// - Parameters:
    ///   - now: Both clocks.
    ///   - term: What deliveries are claimed under, and for how long it surely holds.
    /// - Returns: The actions, to be carried out in their order.
    mutating func next(at now: Instants, under term: OwnLease.Term) -> [Action] {
        if isStopping { return [] }
        noticeStep(now)
        var actions: [Action] = []
        if begin(.scan, at: now, again: scanInterval) { actions.append(.scan) }
        if begin(.clear, at: now, again: scanInterval) {
            actions.append(.clear(orphans))
            orphans = []
        }
        if !running.contains(.claim), begin(.repair, at: now, again: Self.repairInterval) {
            actions.append(.repair(keeping: held))
        }
        return actions + claim(at: now, under: term)
    }

    /// How long nothing is to be begun unless something happens.
    func pause(at now: Instants, under term: OwnLease.Term) -> Duration {
        // What was due already and could begin has begun.
        let times = Job.allCases.filter { !running.contains($0) }.compactMap { notBefore[$0] }.filter { $0 > now.boot }
        var pauses = times.map { now.boot.duration(to: $0) }
        if canClaim(at: now, under: term), let due = ready.nextDue { pauses.append(due - now.wall) }
        return min(max(pauses.min() ?? scanInterval, .zero), scanInterval)
    }

    /// What was reckoned by a clock that was set back would wait for as long as it was set back by.
    private mutating func noticeStep(_ now: Instants) {
        defer { lastLook = now }
        guard let lastLook else { return }
        let step = (now.wall - lastLook.wall) - lastLook.boot.duration(to: now.boot)
        if step <= .zero - ClockGuard.smallestStep { ready.clockWasSetBack(to: now.wall) }
    }

    private mutating func claim(at now: Instants, under term: OwnLease.Term) -> [Action] {
        guard canClaim(at: now, under: term) else { return [] }
        requests = ready.plan(at: now.wall)
        let shared = ready.unserved.map(Action.share)
        if requests.isEmpty { return shared }
        running.insert(.claim)
        return shared + [.claim(requests)]
    }

    private func canClaim(at now: Instants, under term: OwnLease.Term) -> Bool {
        !running.contains(.claim) && !running.contains(.repair) && now.boot >= notBefore[.claim] ?? now.boot
            && term.holds(for: Self.leaseNeeded, at: now.boot)
    }

    private mutating func claimed(_ claims: [DispatcherWork.Claimed], at now: Instants) -> [Action] {
        end(.claim, before: nil)
        defer {
            requests = []
            recall(.claim)
        }
        return zip(requests, claims).flatMap { request, claim -> [Action] in
            switch claim {
            case .taken(let endpoint, let deliveries, let unreadable):
                return unreadable.map { .report(.unreadable(request.endpoint, $0)) }
                    + taken(deliveries, of: endpoint, request, at: now)
            case .notActive:
                ready.claimed(request, count: 0, at: now.wall)
                return []
            case .nameUnknown(let endpoint):
                ready.claimed(request, count: 0, at: now.wall)
                return lookups.insert(endpoint.id).inserted ? [.lookUp(endpoint, request.lane)] : []
            case .unreadable(let reason):
                ready.claimed(request, count: 0, at: now.wall)
                return [.report(.unreadable(request.endpoint, reason))]
            case .disabled(let reason):
                ready.claimed(request, count: 0, at: now.wall)
                return [.report(.disabled(request.endpoint, reason))]
            }
        }
    }

    private mutating func failed(_ job: Job, _ error: any Error, at now: Instants) -> [Action] {
        running.remove(job)
        notBefore[job] = now.boot + scanInterval
        if job == .scan { recall(.scan) }
        if job == .claim {
            for request in requests { ready.claimed(request, count: 0, at: now.wall) }
            requests = []
            recall(.claim)
            // Its commit may have been made: what it took is leased to us, and nobody else would free it.
            isClaimUnanswered = true
            notBefore[.repair] = now.boot + scanInterval
        }
        return failing.insert(job).inserted ? [.report(.failing(job, error))] : []
    }

    private mutating func taken(
        _ deliveries: [ClaimedDelivery], of endpoint: Endpoint, _ request: ReadySet.Request, at now: Instants
    ) -> [Action] {
        ready.claimed(request, count: deliveries.count, of: endpoint, at: now.wall)
        held.formUnion(deliveries.map(\.id))
        return deliveries.map { delivery in
            if isStopping { return .giveBack(delivery) }
            let wait = retries.wait(before: delivery, at: now.boot)
            return wait > .zero ? .attemptLater(delivery, endpoint, after: wait) : .attempt(delivery, endpoint)
        }
    }

    private mutating func begin(_ job: Job, at now: Instants, again interval: Duration) -> Bool {
        guard !running.contains(job), now.boot >= notBefore[job] ?? now.boot else { return false }
        running.insert(job)
        notBefore[job] = now.boot + interval
        return true
    }

    private mutating func end(_ job: Job, before: ContinuousClock.Instant?) {
        running.remove(job)
        failing.remove(job)
        notBefore[job] = before
    }

    private mutating func add(_ endpoint: EndpointID, _ lane: DeliveryLane, dueAt: Timestamp) {
        ready.add(endpoint, lane: lane, dueAt: dueAt)
        note(endpoint, lane, dueAt: dueAt)
    }

    /// At most as many as hints are kept: what is dropped is found by the next scan.
    private mutating func note(_ endpoint: EndpointID, _ lane: DeliveryLane, dueAt: Timestamp) {
        let waiting = Waiting(endpoint: endpoint, lane: lane)
        for job in [Job.scan, .claim] where running.contains(job) && meanwhile[job, default: [:]].count < 10_000 {
            let known = meanwhile[job, default: [:]][waiting] ?? dueAt
            meanwhile[job, default: [:]][waiting] = min(known, dueAt)
        }
    }

    private mutating func recall(_ job: Job) {
        for (waiting, dueAt) in meanwhile.removeValue(forKey: job) ?? [:] {
            ready.add(waiting.endpoint, lane: waiting.lane, dueAt: dueAt)
        }
    }

    /// What is claimed must be attempted and stored while the lease holds: 5 s and a second for the store.
    private static let leaseNeeded: Duration = AttemptRunner.timeLimit + .seconds(1)
    /// How often leases are compared with what is in flight.
    private static let repairInterval: Duration = .seconds(60)
}
