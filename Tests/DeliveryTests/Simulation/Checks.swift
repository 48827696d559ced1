import Storage
import Timestamps

@testable import Delivery

/// Watches the invariants: fed by the simulation as it goes on. The first violation ends a run.
final class Checks {
    private(set) var violation: Violation?
    private(set) var requests: [SimulatedRequest] = []
    var ordered: Set<EndpointID> = []
    var healthy: EndpointID?
    /// How many events each message has.
    var orderNumbers: [String: Int] = [:]
    /// Events whose bytes were destroyed.
    var spoilt: Set<EventID> = []
    /// Deliveries that were deleted for their age when they were over.
    var pruned: Set<DeliveryID> = []

    private struct Accepted {
        let key: String
        let number: Int
        let at: Duration
        let body: [UInt8]
        /// How many events the healthy receiver had got before.
        let tried: Int
        let deliveries: [DeliveryID]
    }

    private var events: [EventID: Accepted] = [:]
    /// Events that were sent to the healthy receiver.
    private var triedByHealthy = 0
    private var lastRequest: [DeliveryID: SimulatedRequest] = [:]
    /// Failed attempts that are stored.
    private var failures: [DeliveryID: Int] = [:]
    private var stored: Set<DeliveryID> = []
    private var taken: Set<DeliveryID> = []
    /// Those whose last attempt disabled their webhook: they go again when a user says so, which may be at once.
    private var disabling: Set<DeliveryID> = []
    /// When processes ended, and with them their connections.
    private var endedAt: [String: Duration] = [:]
    private var delivered: [EndpointID: [String: Int]] = [:]

    /// Ends the run.
    func fail(_ invariant: Invariant, _ words: @autoclosure () -> String) {
        if violation == nil { violation = Violation(invariant: invariant, words: words()) }
    }

    /// An event is in the store, with a delivery for each webhook that is there.
    func accepted(_ event: OutgoingEvent, at time: Duration, in tx: any Transaction) throws {
        let endpoints: [EndpointID] = try tx.rows(
            "SELECT id FROM endpoint WHERE status <> \(literal: EndpointStatus.deleted.rawValue)"
        ).map { try $0.get("id") }
        let body: [UInt8]? = try tx.value("SELECT body AS value FROM event_body WHERE event_id = \(event.id)")
        events[event.id] = Accepted(
            key: event.order?.key ?? "", number: event.order?.number ?? 0, at: time, body: body ?? [],
            tried: triedByHealthy,
            deliveries: endpoints.map { DeliveryID(event: event.id, endpoint: $0, at: tx.now) })
    }

    /// A process ended.
    func ended(_ node: SimulatedNode, at time: Duration) {
        endedAt[node.name] = endedAt[node.name] ?? time
    }

    /// After a claim, in its transaction.
    func claimed(_ claims: [DispatcherWork.Claimed], in tx: any Transaction) throws {
        for case .taken(let endpoint, let deliveries, _) in claims where !deliveries.isEmpty {
            let status: EndpointStatus? = try tx.value("SELECT status AS value FROM endpoint WHERE id = \(endpoint.id)")
            if status != .active { fail(.activeOnly, "\(deliveries.count) claimed of \(endpoint.id)") }
        }
        for case .taken(let endpoint, _, let unreadable) in claims where spoilt.isEmpty && !unreadable.isEmpty {
            fail(.youngStays, "events of \(endpoint.id) are gone: \(unreadable)")
        }
    }

    /// A request is on its way.
    func sent(_ request: SimulatedRequest, _ world: Simulation) {
        let id = request.delivery
        defer {
            requests.append(request)
            lastRequest[id] = request
            if request.isTaken { taken.insert(id) }
        }
        if stored.contains(id) { fail(.onceDone, "\(id) is sent again after its success was stored") }
        if let last = lastRequest[id] {
            let lastEnd = min(last.end, endedAt[last.sender] ?? last.end)
            if lastEnd > request.start {
                fail(.oneSender, "\(id) is sent by \(request.sender) while \(last.sender) sends it")
            }
            if last.attempt >= request.attempt {
                fail(.onceDone, "attempt \(request.attempt) of \(id) repeats its number")
            }
            // Nodes whose clocks differ are beyond what is promised.
            let isExcused = last.machine != request.machine && world.faults.clockSteps || disabling.contains(id)
            if !isExcused, request.start - lastEnd < .seconds(1) {
                fail(.secondApart, "\(id) is sent again after \((request.start - lastEnd).seconds) s")
            }
        }
        if let event = events[request.event], event.body != request.body {
            fail(.sameBytes, "\(id) carries other bytes than its event")
        }
        checkOrder(of: request)
        checkHealthy(request, world)
    }

    /// Results are stored that were not refused.
    func recorded(_ results: [RecordedAttempt]) {
        for result in results {
            let id = result.claim.id
            switch result.verdict {
            case .succeeded:
                if !stored.insert(id).inserted { fail(.onceDone, "\(id) succeeded twice") }
            case .disabled: disabling.insert(id)
            case .retry, .failed:
                disabling.remove(id)
                let count = failures[id, default: 0] + 1
                failures[id] = count
                if count > 5 { fail(.fiveTries, "\(id) was tried \(count) times") }
            }
        }
    }

    /// Between events: the accounts fit the rows.
    func atRest(_ world: Simulation) throws {
        guard let node = world.nodes.first else { return }
        let mismatches = try world.transact(node) { tx in
            try Audit.accounts(in: tx).filter { $0.unaccounted != 0 }.map { "\($0)" }
                + world.endpoints.compactMap { try Audit.slice(of: $0, after: 0, in: tx).mismatch?.description }
        }
        if let mismatch = mismatches.first { fail(.accountsFit, mismatch) }
    }

    /// When the calm is over: all that was accepted is delivered, or says why not.
    func atEnd(_ world: Simulation) throws {
        try atRest(world)
        guard let node = world.nodes.last(where: \.isAlive) else { return fail(.done, "no process runs") }
        let rows = try world.transact(node) { tx in
            try tx.rows(
                """
                SELECT d.id, d.endpoint_id, d.state, d.lane, d.due_at, d.last_error, e.status, e.hold_until, e.release_through,
                    e.release_next_at
                FROM delivery d
                LEFT JOIN endpoint e ON e.id = d.endpoint_id
                ORDER BY d.id
                """)
        }
        var missing = Set(events.values.flatMap(\.deliveries)).subtracting(pruned)
        for row in rows {
            let id: DeliveryID = try row.get("id")
            missing.remove(id)
            try judge(id, row, by: node, world)
        }
        if let first = missing.min() { fail(.accountsFit, "\(missing.count) are missing, such as \(first)") }
    }

    private func judge(_ id: DeliveryID, _ row: Row, by node: SimulatedNode, _ world: Simulation) throws {
        let isActive = try row.find("status", as: EndpointStatus.self) == .active
        switch try row.get("state", as: DeliveryState.self) {
        case .succeeded:
            if !taken.contains(id) { fail(.truthful, "\(id) is called delivered, and no receiver took it") }
        case .failed:
            if try row.find("last_error", as: String.self) == nil { fail(.truthful, "\(id) failed for no reason") }
        case .cancelled:
            if isActive { fail(.truthful, "\(id) was cancelled, and its webhook is active") }
        case .pending:
            let lane = try row.get("lane", as: DeliveryLane.self)
            let dueAt: Timestamp = lane == .retry ? try row.get("due_at") : node.clock.now()
            let ahead = max(dueAt, try row.find("hold_until") ?? dueAt) - node.clock.now()
            // Where a clock was set back while no process looked, nobody can tell a wrong time from a long Retry-After; and
            // where there is an order, others wait behind that.
            let isUnsure = node.incarnation > 1 && world.machines[node.number].wasSetBack
            let isBehind = ordered.contains(try row.get("endpoint_id"))
            let isExcused = isUnsure && (isBehind || .zero < ahead && ahead <= .seconds(3_700))
            if isActive && !isExcused {
                let through = try row.find("release_through", as: Int64.self)
                let next = try row.find("release_next_at", as: Timestamp.self).map { $0 - node.clock.now() }
                fail(
                    .done,
                    """
                    \(id) still waits: lane \(lane), due in \(ahead.seconds) s by \(node.name), let go through \(through ?? 0) \
                    in \(next?.seconds ?? "-") s
                    """)
            }
        case .leased: fail(.done, "\(id) is still in somebody's hands")
        }
    }

    private func checkOrder(of request: SimulatedRequest) {
        guard ordered.contains(request.endpoint), let event = events[request.event] else { return }
        let last = delivered[request.endpoint]?[event.key] ?? 0
        if event.number < last { fail(.inOrder, "event \(event.number) of \(event.key) comes after \(last)") }
        delivered[request.endpoint, default: [:]][event.key] = event.number
    }

    /// Where no fault of ours excuses it, an event of a healthy receiver is tried soon, whatever other receivers do.
    private func checkHealthy(_ request: SimulatedRequest, _ world: Simulation) {
        guard request.endpoint == healthy, lastRequest[request.delivery] == nil, let event = events[request.event]
        else { return }
        triedByHealthy += 1
        let waited = request.start - event.at
        // It answers within 0.4 s, may get one request at a time, and others go first after the clock was set back.
        let bound = Duration.seconds(5) + .milliseconds(500) * (triedByHealthy - event.tried)
        if waited > bound, !world.faults.excuseLateness {
            fail(.soon, "an event of a healthy receiver waits for \(waited.seconds) s")
        }
    }
}
