import Storage
import Timestamps

/// Decides which endpoint's deliveries are claimed next; a value without clocks, locks or input and output.
///
/// Endpoints with due work stand in a ring. Each turn gives the one in front at most ``Limits/quantum`` slots and sends
/// it to the back, so that a backlog at one of them never delays another. How many attempts an endpoint may have in
/// flight, its window, grows while it answers well and halves when it does not. What the set knows comes from hints
/// and from the scan of the store, which is the truth.
package struct ReadySet: Sendable {
    /// The bounds of the dispatcher.
    package struct Limits: Sendable {
        /// Attempts in flight, all endpoints together; results that are not stored yet count too.
        package var slots = 256
        /// Attempts in flight to an endpoint of which nothing is known yet.
        package var firstWindow = 16
        /// Attempts in flight to one endpoint at most: half of the slots, so that two never exclude a third for long.
        package var lastWindow = 128
        /// Deliveries claimed for one endpoint while others wait.
        package var quantum = 16
        /// Slots that endpoints may hold together whose last attempt timed out: a quarter, so that tarpits leave room.
        package var slowSlots: Int { max(1, slots / 4) }

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
    }

    /// What an attempt tells about its endpoint.
    package enum Signal: Sendable, Hashable {
        /// A success within a second: it can take more.
        case fast
        /// It neither asks for more nor for less.
        case neutral
        /// 429, 5XX or a broken connection: it has too much.
        case overloaded
        /// It used up the attempt's time: a slow one until an attempt does not.
        case timedOut

        /// Reads the signal of an attempt.
        package init(_ result: AttemptResult) {
            switch result.outcome {
            case .response(200..<300): self = result.duration < .seconds(1) ? .fast : .neutral
            case .response(429), .response(500...599): self = .overloaded
            case .response: self = .neutral
            case .failure(let failure): self = failure.code.isTimeout ? .timedOut : .overloaded
            }
        }
    }

    private struct Entry {
        var dueAt: [DeliveryLane: Timestamp] = [:]
        var inFlight = 0
        var window: Int
        var turns = 0
        var isSlow = false
        var isInRing = false
        /// Whether deliveries wait for others of their message, so that the end of one may let another go.
        var isOrdered = false
        /// While held deliveries are let go: one at a time, and none before this.
        var releaseAt: Timestamp?
        /// The version of the endpoint that ``releaseAt`` was reckoned by.
        var releaseVersion: Int64?
    }

    private let limits: Limits
    private var entries: [EndpointID: Entry] = [:]
    private var ring: [EndpointID] = []
    private var inFlight = 0
    private var slowInFlight = 0
    /// No endpoint outside the ring has anything due before this.
    private var nextCheck: Timestamp?

    /// Makes a set that knows of nothing.
    package init(limits: Limits) {
        self.limits = limits
    }

    /// Attempts that may start now.
    package var freeSlots: Int { limits.slots - inFlight }

    /// Notes that `lane` of `endpoint` has a delivery due at `dueAt`.
    package mutating func add(_ endpoint: EndpointID, lane: DeliveryLane, dueAt: Timestamp) {
        var entry = entries[endpoint, default: Entry(window: limits.firstWindow)]
        entry.dueAt[lane] = min(entry.dueAt[lane] ?? dueAt, dueAt)
        entries[endpoint] = entry
        if !entry.isInRing { check(at: dueAt) }
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
            var entry = entries[backlog.endpoint, default: Entry(window: limits.firstWindow)]
            entry.dueAt = dueAt
            // Paused and resumed since: another pace holds.
            if entry.releaseVersion != backlog.releaseVersion { entry.releaseAt = nil }
            entries[backlog.endpoint] = entry
        }
        entries = entries.filter { !$0.value.dueAt.isEmpty || $0.value.inFlight > 0 }
        ring.removeAll { entries[$0]?.isInRing != true }
        nextCheck = entries.values.filter { !$0.isInRing }.flatMap(\.dueAt.values).min()
    }

    /// Takes slots for what is due, endpoint by endpoint; call ``claimed(_:count:of:at:)`` for every request of the answer.
    package mutating func plan(at now: Timestamp) -> [Request] {
        fillRing(at: now)
        var requests: [Request] = []
        var kept: [EndpointID] = []
        var served: [EndpointID] = []
        var rest = ring[...]
        while freeSlots > 0, let endpoint = rest.popFirst() {
            guard var entry = entries[endpoint], let lane = lane(of: entry, at: now) else {
                entries[endpoint]?.isInRing = false
                if let later = entries[endpoint]?.dueAt.values.min() { check(at: later) }
                continue
            }
            let room = room(for: entry, at: now)
            guard room > 0 else {
                if let releaseAt = entry.releaseAt, releaseAt > now { check(at: releaseAt) }
                kept.append(endpoint)
                continue
            }
            let limit = ring.count > 1 ? min(room, limits.quantum) : room
            requests.append(Request(endpoint: endpoint, lane: lane, limit: limit))
            entry.turns += 1
            entry.inFlight += limit
            entries[endpoint] = entry
            inFlight += limit
            if entry.isSlow { slowInFlight += limit }
            served.append(endpoint)
        }
        ring = kept + rest + served
        return requests
    }

    /// Endpoints with due work that the last plan left, for want of slots: other nodes may have some. At most 20.
    package var unserved: [EndpointID] { freeSlots > 0 ? [] : Array(ring.prefix(20)) }

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
        guard let release = endpoint?.release else {
            entries[request.endpoint]?.releaseAt = nil
            if count < request.limit { entries[request.endpoint]?.dueAt[request.lane] = nil }
            return
        }
        // One delivery was asked for, whatever the request's limit was.
        entries[request.endpoint]?.releaseAt = now + .seconds(release.rate.map { 1 / $0 } ?? 0)
        entries[request.endpoint]?.releaseVersion = endpoint?.version
        if count == 0 { entries[request.endpoint]?.dueAt[request.lane] = nil }
    }

    /// Notes that an attempt ended and its result is stored.
    ///
    /// - Parameters:
    ///   - endpoint: Where it went.
    ///   - signal: What it tells about the endpoint.
    ///   - retryAt: When the delivery is due again; nil when it is not.
    ///   - now: From when a delivery that was behind it in its message's order may go.
    package mutating func finished(_ endpoint: EndpointID, _ signal: Signal, retryAt: Timestamp?, at now: Timestamp) {
        free(endpoint, slots: 1)
        guard var entry = entries[endpoint] else { return }
        let isSlow = signal == .timedOut
        if entry.isSlow != isSlow { slowInFlight += isSlow ? entry.inFlight : -entry.inFlight }
        entry.isSlow = isSlow
        switch signal {
        case .fast: entry.window = min(entry.window + 1, limits.lastWindow)
        case .neutral: break
        case .overloaded, .timedOut: entry.window = max(entry.window / 2, 1)
        }
        entries[endpoint] = entry
        if let retryAt { add(endpoint, lane: .retry, dueAt: retryAt) }
        if entry.isOrdered { add(endpoint, lane: .first, dueAt: now) }
    }

    /// Forgets what was reckoned by a clock that was set back since: the store has the pace of releases, and the next scan
    /// the rest.
    package mutating func clockWasSetBack(to now: Timestamp) {
        for endpoint in Array(entries.keys) {
            entries[endpoint]?.releaseAt = nil
            for (lane, dueAt) in entries[endpoint]?.dueAt ?? [:] where lane != .retry {
                entries[endpoint]?.dueAt[lane] = min(dueAt, now)
            }
        }
        nextCheck = now
    }

    /// When to plan again for what becomes due by the clock; nil when nothing waits for that.
    package var nextDue: Timestamp? { nextCheck }

    private mutating func check(at dueAt: Timestamp) {
        nextCheck = min(nextCheck ?? dueAt, dueAt)
    }

    private mutating func fillRing(at now: Timestamp) {
        guard let nextCheck, nextCheck <= now else { return }
        self.nextCheck = nil
        for (endpoint, entry) in entries where !entry.isInRing {
            guard let dueAt = entry.dueAt.values.min() else { continue }
            if dueAt <= now {
                entries[endpoint]?.isInRing = true
                ring.append(endpoint)
            } else {
                check(at: dueAt)
            }
        }
    }

    private func room(for entry: Entry, at now: Timestamp) -> Int {
        if let releaseAt = entry.releaseAt { return entry.inFlight == 0 && releaseAt <= now ? 1 : 0 }
        let forAll = min(freeSlots, entry.window - entry.inFlight)
        return entry.isSlow ? min(forAll, limits.slowSlots - slowInFlight) : forAll
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

    private mutating func free(_ endpoint: EndpointID, slots: Int) {
        guard slots > 0, let entry = entries[endpoint] else { return }
        entries[endpoint]?.inFlight -= slots
        inFlight -= slots
        if entry.isSlow { slowInFlight -= slots }
    }
}
