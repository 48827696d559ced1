import Storage
import Timestamps

/// Decides which endpoint's deliveries are claimed next; a value without clocks, locks or input and output.
///
/// Endpoints with due work stand in a ring. Each turn gives the one in front at most ``Limits/quantum`` slots and sends
/// it to the back, so that a backlog at one of them never delays another. An endpoint whose oldest first attempt has just
/// become due goes before the ring, in three turns of four: what is new at a quiet endpoint does not wait for backlogs.
///
/// How many attempts an endpoint may have in flight, its window, begins small, grows while its answers take as long as
/// the shortest, and shrinks when they do not, or fail. One that answers 429 or 503 is held, and sent to at a ``Pace``
/// from then on, which the store has. What the set knows comes from hints and from the scan of the store, which is the
/// truth; what it knows of an endpoint without work is kept for ten minutes.
///
/// The last slots are a reserve for endpoints, and accounts, that have few: however wide windows are, those that hang leave
/// the others some, see ``Limits/reservedSlots``.
package struct ReadySet: Sendable {
    /// The bounds of the dispatcher.
    package struct Limits: Sendable {
        /// Attempts in flight, all endpoints together; results that are not stored yet count too.
        package var slots = 256
        /// Attempts in flight to an endpoint of which nothing is known yet.
        package var firstWindow = 2
        /// Attempts in flight to one endpoint at most: half of the slots.
        package var lastWindow = 128
        /// Deliveries claimed for one endpoint while others wait.
        package var quantum = 16
        /// The part of all slots that endpoints may hold together of which nothing is known yet: after a start, hundreds
        /// of them may be tarpits.
        package var newcomers = 0.25
        /// Slots that endpoints may hold together whose last attempt timed out: a quarter, so that tarpits leave room.
        package var slowSlots: Int { max(1, slots / 4) }
        /// Slots that all may hold together that are not known to answer within a second: a quarter is kept for the others.
        package var sluggishSlots: Int { max(1, slots - slots / 4) }
        var newcomerSlots: Int { max(1, Int(Double(slots) * newcomers)) }

        /// The bounds of production.
        package init() {}
    }

    /// Deliveries to claim.
    package struct Request: Sendable, Hashable {
        /// Whose.
        package let endpoint: EndpointID
        /// From which of its queues.
        package let lane: DeliveryLane
        /// At most so many.
        package let limit: Int
        /// Successes of the endpoint in the last second, as far as is known: what it could take.
        package var recentRate = 0
    }

    /// What an attempt tells about its endpoint.
    package enum Signal: Sendable, Hashable {
        /// A success.
        case succeeded
        /// It neither asks for more nor for less.
        case neutral
        /// 5XX or a broken connection: it has too much. After a 503 without a time the store knows whether to wait.
        case overloaded
        /// 429, or 503 with a time: it wants nothing before `until`, and perhaps for longer, which the store knows.
        case refused(until: Timestamp)
        /// It used up the attempt's time: a slow one until an attempt does not.
        case timedOut

        /// Reads the signal of an attempt.
        package init(_ attempt: RecordedAttempt) {
            // It says nothing of the URL that the others go to.
            if attempt.claim.route == .trial {
                self = .neutral
                return
            }
            if let hold = attempt.hold, !hold.isAway {
                self = .refused(until: hold.until)
                return
            }
            if attempt.verdict == .succeeded {
                self = .succeeded
                return
            }
            switch attempt.result.outcome {
            case .response(500...599): self = .overloaded
            case .response: self = .neutral
            case .failure where attempt.result.isGivenUp: self = .neutral
            case .failure(let failure): self = failure.code.isTimeout ? .timedOut : .overloaded
            }
        }
    }

    private let limits: Limits
    private(set) var entries: [EndpointID: Entry] = [:]
    private var ring: [EndpointID] = []
    /// Endpoints that go before the ring.
    private var fresh: [EndpointID] = []
    /// Endpoints with work that is not due yet or may not go: only they are looked through when a time has come.
    private var waiting: Set<EndpointID> = []
    /// Turns of fresh endpoints since the last one of the ring.
    private var freshTurns = 0
    private(set) var taken = TakenSlots()
    /// Nothing of those that wait may go before this.
    private var nextCheck: Timestamp?

    /// Makes a set that knows of nothing.
    package init(limits: Limits) {
        self.limits = limits
    }

    /// Attempts that may start now.
    package var freeSlots: Int { limits.slots - taken.total }

    /// Notes that `lane` of `endpoint` has a delivery due at `dueAt`.
    package mutating func add(_ endpoint: EndpointID, lane: DeliveryLane, dueAt: Timestamp) {
        var entry = entries[endpoint, default: Entry(limits, at: dueAt)]
        entry.dueAt[lane] = min(entry.dueAt[lane] ?? dueAt, dueAt)
        entries[endpoint] = entry
        if !entry.isInRing { wait(endpoint, until: entry.nextAt ?? dueAt) }
    }

    /// Replaces what is known of what waits where by a complete scan of the store, made at `now`.
    ///
    /// Only retries wait for their time. All else is due from its birth on, also when that lies ahead because the clock
    /// was set back.
    package mutating func replace(with backlogs: [DeliveryQueries.Backlog], at now: Timestamp) {
        for endpoint in Array(entries.keys) { entries[endpoint]?.dueAt = [:] }
        for backlog in backlogs where !backlog.dueAt.isEmpty {
            var dueAt = backlog.dueAt
            for (lane, born) in backlog.dueAt where lane != .retry { dueAt[lane] = min(born, now) }
            let known = entries[backlog.endpoint, default: Entry(limits, at: now)]
            var entry = known
            if let version = entry.version, version < backlog.version { entry.forget(limits, at: now) }
            entry.version = backlog.version
            entry.learn(backlog, at: now)
            taken.move(from: known, to: entry)
            entry.dueAt = dueAt
            // Paused and resumed since: another pace holds.
            if entry.releaseVersion != backlog.releaseVersion { entry.releaseAt = nil }
            entries[backlog.endpoint] = entry
        }
        forgetUnused(at: now)
        ring.removeAll { entries[$0]?.isInRing != true }
        fresh.removeAll { entries[$0]?.isInRing != true }
        waiting = Set(entries.lazy.filter { !$1.isInRing && !$1.dueAt.isEmpty }.map(\.key))
        nextCheck = waiting.compactMap { entries[$0]?.nextAt }.min()
    }

    /// Takes slots for what is due, endpoint by endpoint; call ``claimed(_:count:of:at:)`` for every request of the answer.
    package mutating func plan(at now: Timestamp) -> [Request] {
        fillRing(at: now)
        var requests: [Request] = []
        var kept: [EndpointID] = []
        var served: [EndpointID] = []
        var rest = ring[...]
        var first = fresh[...]
        let isAlone = ring.count + fresh.count == 1
        while freeSlots > 0, let endpoint = takeTurn(&first, &rest) {
            guard var entry = entries[endpoint] else { continue }
            // The cheapest question, and the answer to most while few slots are free.
            guard openSlots(for: entry) > 0 else {
                kept.append(endpoint)
                continue
            }
            guard let lane = lane(of: entry, at: now), entry.nextAt.map({ $0 <= now }) ?? false else {
                entries[endpoint]?.isInRing = false
                if let later = entry.nextAt { wait(endpoint, until: later) }
                continue
            }
            entry.narrowAfterPause(at: now)
            let room = room(for: entry, at: now)
            guard room > 0 else {
                kept.append(endpoint)
                continue
            }
            let limit = isAlone ? room : min(room, limits.quantum)
            requests.append(
                Request(endpoint: endpoint, lane: lane, limit: limit, recentRate: entry.recentRate(at: now)))
            entry.turns += 1
            entry.usedAt = now
            entry.inFlight += limit
            entries[endpoint] = entry
            taken.add(limit, of: entry)
            served.append(endpoint)
        }
        ring = kept + rest + served
        fresh = Array(first)
        return requests
    }

    /// Endpoints with due work that the last plan left, for want of slots: other nodes may have some. At most 20.
    package var unserved: [EndpointID] {
        freeSlots > limits.reservedSlots ? [] : Array((fresh + ring).prefix(20))
    }

    /// Notes how many deliveries a request of the plan gave; fewer than asked for means that none is left there.
    ///
    /// - Parameters:
    ///   - request: A request of the plan.
    ///   - count: The deliveries that will be attempted.
    ///   - endpoint: The endpoint as it was claimed from; nil when nothing could be claimed.
    ///   - now: What a release is paced from.
    package mutating func claimed(_ request: Request, count: Int, of endpoint: Endpoint? = nil, at now: Timestamp) {
        free(request.endpoint, slots: request.limit - count)
        entries[request.endpoint]?.isOrdered = endpoint?.ordering == .message
        if let endpoint { learn(request.endpoint, from: endpoint) }
        // It was refused, or its places until then are taken, by whichever node: what is due stays due.
        let hold = endpoint?.pace.hold(at: now)
        if let hold { entries[request.endpoint]?.holdUntil = hold }
        guard let release = endpoint?.release else {
            entries[request.endpoint]?.releaseAt = nil
            if hold == nil, count < request.limit { entries[request.endpoint]?.dueAt[request.lane] = nil }
            return
        }
        // One delivery was asked for, whatever the request's limit was.
        entries[request.endpoint]?.releaseAt = now + .seconds(release.rate.map { 1 / $0 } ?? 0)
        entries[request.endpoint]?.releaseVersion = endpoint?.version
        if hold == nil, count == 0 { entries[request.endpoint]?.dueAt[request.lane] = nil }
    }

    /// Notes that an attempt ended and its result is stored.
    ///
    /// - Parameters:
    ///   - endpoint: Where it went.
    ///   - signal: What it tells about the endpoint.
    ///   - took: How long it took.
    ///   - retryAt: When the delivery is due again; nil when it is not.
    ///   - now: From when a delivery that was behind it in its message's order may go.
    package mutating func finished(
        _ endpoint: EndpointID, _ signal: Signal, took: Duration = .zero, retryAt: Timestamp?, at now: Timestamp
    ) {
        free(endpoint, slots: 1)
        guard let known = entries[endpoint] else { return }
        var entry = known
        entry.learn(signal, took: took, at: now)
        taken.move(from: known, to: entry)
        entries[endpoint] = entry
        if let retryAt { add(endpoint, lane: .retry, dueAt: retryAt) }
        if entry.isOrdered { add(endpoint, lane: .first, dueAt: now) }
    }

    /// Forgets what was reckoned by a clock that was set back since: the store has the pace of releases, and the next scan
    /// the rest.
    package mutating func clockWasSetBack(to now: Timestamp) {
        for endpoint in Array(entries.keys) {
            entries[endpoint]?.releaseAt = nil
            entries[endpoint]?.holdUntil = nil
            for (lane, dueAt) in entries[endpoint]?.dueAt ?? [:] where lane != .retry {
                entries[endpoint]?.dueAt[lane] = min(dueAt, now)
            }
        }
        nextCheck = now
    }

    /// When to plan again for what becomes due by the clock; nil when nothing waits for that.
    package var nextDue: Timestamp? { nextCheck }

    private mutating func wait(_ endpoint: EndpointID, until time: Timestamp) {
        waiting.insert(endpoint)
        nextCheck = min(nextCheck ?? time, time)
    }

    private mutating func fillRing(at now: Timestamp) {
        guard let nextCheck, nextCheck <= now else { return }
        self.nextCheck = nil
        let candidates = waiting
        waiting = []
        for endpoint in candidates {
            guard let entry = entries[endpoint], let next = entry.nextAt else { continue }
            if next <= now {
                entries[endpoint]?.isInRing = true
                let isFresh = entry.dueAt[.first].map { now - $0 <= Self.freshTime } ?? false
                if isFresh { fresh.append(endpoint) } else { ring.append(endpoint) }
            } else {
                wait(endpoint, until: next)
            }
        }
    }

    private func room(for entry: Entry, at now: Timestamp) -> Int {
        let room = min(openSlots(for: entry), entry.allowance(at: now))
        if entry.standing == .quick { return room }
        let shared = limits.sluggishSlots - taken.total + (taken.byStanding[.quick] ?? 0)
        let ofItsLike = taken.byStanding[entry.standing] ?? 0
        return switch entry.standing {
        case .quick: room
        case .sluggish: min(room, shared)
        case .unknown: min(room, shared, limits.newcomerSlots - ofItsLike)
        case .failing: min(room, shared, limits.slowSlots - ofItsLike)
        }
    }

    /// How many of the free slots `entry` may take: the reserve only as long as it has few, and the last half of that only as long
    /// as its account has few. One whose account is not known is an account of its own.
    private func openSlots(for entry: Entry) -> Int {
        let free = freeSlots
        let ofAccount = entry.account.map { taken.byAccount[$0] ?? 0 } ?? entry.inFlight
        let reserved = max(free - limits.reservedForAccounts, limits.fewForAccount - ofAccount)
        return max(free - limits.reservedSlots, min(free, reserved, limits.fewForEndpoint - entry.inFlight))
    }

    /// Who is next: three fresh endpoints, then one of the ring.
    private mutating func takeTurn(
        _ fresh: inout ArraySlice<EndpointID>, _ ring: inout ArraySlice<EndpointID>
    ) -> EndpointID? {
        if !fresh.isEmpty, freshTurns < 3 || ring.isEmpty {
            freshTurns = min(freshTurns + 1, 3)
            return fresh.popFirst()
        }
        freshTurns = 0
        return ring.popFirst()
    }

    /// Forgets endpoints without work that were not used for ``memory``, and at once where there are too many.
    private mutating func forgetUnused(at now: Timestamp) {
        let isFull = entries.count > Self.remembered
        entries = entries.filter { _, entry in
            let age = now - entry.usedAt
            return !entry.dueAt.isEmpty || entry.inFlight > 0
                || !isFull && age < Self.memory && age > .zero - Self.memory
        }
    }

    /// First attempts go first, replays last, but one turn in eight is a retry's and one a replay's; once a retry waited for
    /// 5 s all turns but those two are a retry's, and the first attempts have the one, so that nobody starves.
    private func lane(of entry: Entry, at now: Timestamp) -> DeliveryLane? {
        let due = entry.dueAt.filter { $0.value <= now }
        let turn = entry.turns % 8
        if due[.replay] != nil, turn == 3 { return .replay }
        if let retry = due[.retry], (turn == 7) != (now - retry >= .seconds(5)) { return .retry }
        return DeliveryLane.allCases.first { due[$0] != nil }
    }

    private mutating func learn(_ id: EndpointID, from endpoint: Endpoint) {
        guard let known = entries[id] else { return }
        var entry = known
        entry.most = endpoint.plan.maxInFlight
        // It never has another, and to read it takes a while.
        if entry.account == nil { entry.account = endpoint.userID.account }
        taken.move(from: known, to: entry)
        entries[id] = entry
    }

    private mutating func free(_ endpoint: EndpointID, slots: Int) {
        guard slots > 0, let entry = entries[endpoint] else { return }
        entries[endpoint]?.inFlight -= slots
        taken.add(-slots, of: entry)
    }

    /// A first attempt that became due in the last 2 s is fresh: older ones are a backlog.
    private static let freshTime: Duration = .seconds(2)
    /// Ten minutes: a restart of the receiver, or an hour's worth of events in bursts.
    private static let memory: Duration = .seconds(600)
    /// 10,000 endpoints of some 300 bytes each.
    private static let remembered = 10_000
}
