import Storage
import Timestamps

/// Decides which endpoint's deliveries are claimed next; a value without clocks, locks or input and output.
///
/// Endpoints with due work stand in a ring. Each turn gives the one in front at most ``Limits/quantum`` slots and sends
/// it to the back, so that a backlog at one of them never delays another. What it knows comes from hints and from the
/// scan of the store, which is the truth.
package struct ReadySet: Sendable {
    /// The bounds of the dispatcher.
    package struct Limits: Sendable {
        /// Attempts in flight, all endpoints together; results that are not stored yet count too.
        package var slots = 256
        /// Attempts in flight to one endpoint.
        package var window = 32
        /// Deliveries claimed for one endpoint while others wait.
        package var quantum = 16
        /// Slots that endpoints may hold together whose last attempt timed out: a quarter, so that tarpits leave room.
        package var slowSlots: Int { slots / 4 }

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

    private struct Entry {
        var dueAt: [DeliveryLane: Timestamp] = [:]
        var inFlight = 0
        var turns = 0
        var isSlow = false
        var isInRing = false
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
        var entry = entries[endpoint, default: Entry()]
        entry.dueAt[lane] = min(entry.dueAt[lane] ?? dueAt, dueAt)
        entries[endpoint] = entry
        if !entry.isInRing { check(at: dueAt) }
    }

    /// Replaces what is known of what waits where by a complete scan of the store.
    package mutating func replace(with backlogs: [DeliveryQueries.Backlog]) {
        for endpoint in Array(entries.keys) { entries[endpoint]?.dueAt = [:] }
        for backlog in backlogs where !backlog.dueAt.isEmpty {
            entries[backlog.endpoint, default: Entry()].dueAt = backlog.dueAt
        }
        entries = entries.filter { !$0.value.dueAt.isEmpty || $0.value.inFlight > 0 }
        ring.removeAll { entries[$0]?.isInRing != true }
        nextCheck = entries.values.filter { !$0.isInRing }.flatMap(\.dueAt.values).min()
    }

    /// Takes slots for what is due, endpoint by endpoint; call ``claimed(_:count:)`` for every request of the answer.
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
            let room = room(for: entry)
            guard room > 0 else {
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

    /// Notes how many deliveries a request of the plan gave; fewer than asked for means that none is left there.
    package mutating func claimed(_ request: Request, count: Int) {
        free(request.endpoint, slots: request.limit - count)
        if count < request.limit { entries[request.endpoint]?.dueAt[request.lane] = nil }
    }

    /// Notes that an attempt ended and its result is stored.
    ///
    /// - Parameters:
    ///   - endpoint: Where it went.
    ///   - timedOut: Whether it used up its time, which makes the endpoint a slow one until an attempt does not.
    ///   - retryAt: When the delivery is due again; nil when it is not.
    package mutating func finished(_ endpoint: EndpointID, timedOut: Bool, retryAt: Timestamp?) {
        free(endpoint, slots: 1)
        if let entry = entries[endpoint], entry.isSlow != timedOut {
            slowInFlight += timedOut ? entry.inFlight : -entry.inFlight
            entries[endpoint]?.isSlow = timedOut
        }
        if let retryAt { add(endpoint, lane: .retry, dueAt: retryAt) }
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

    private func room(for entry: Entry) -> Int {
        let forAll = min(freeSlots, limits.window - entry.inFlight)
        return entry.isSlow ? min(forAll, limits.slowSlots - slowInFlight) : forAll
    }

    /// First attempts go first, but one turn in eight is a retry's, and so is every turn once a retry waited for 5 s.
    private func lane(of entry: Entry, at now: Timestamp) -> DeliveryLane? {
        let due = entry.dueAt.filter { $0.value <= now }
        guard let first = due[.first] else { return due[.retry].map { _ in .retry } }
        guard let retry = due[.retry] else { return .first }
        return entry.turns % 8 == 7 || (now - retry >= .seconds(5) && retry < first) ? .retry : .first
    }

    private mutating func free(_ endpoint: EndpointID, slots: Int) {
        guard slots > 0, let entry = entries[endpoint] else { return }
        entries[endpoint]?.inFlight -= slots
        inFlight -= slots
        if entry.isSlow { slowInFlight -= slots }
    }
}
