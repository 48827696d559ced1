import Storage
import Timestamps

/// The dispatcher's transactions, each a body that runs whole or not at all.
struct DispatcherWork: Sendable {
    /// Reads endpoints and their keys.
    let endpoints: EndpointQueries
    /// What is known of the endpoint's name.
    let knowledge: @Sendable (Endpoint) -> NameKnowledge
    /// Where claims ended before.
    private let cursors = ClaimCursors()

    init(endpoints: EndpointQueries, knowledge: @escaping @Sendable (Endpoint) -> NameKnowledge = { _ in .addresses }) {
        self.endpoints = endpoints
        self.knowledge = knowledge
    }

    /// What one request of a claim gave.
    enum Claimed: Sendable {
        /// These are ours now, perhaps beside others that cannot be read and have failed: which, and why.
        case taken(Endpoint, [ClaimedDelivery], unreadable: [String] = [])
        /// The endpoint was paused, disabled or deleted.
        case notActive
        /// Nothing is claimed before the name is looked up: a name server that is silent holds no slot and no lease.
        case nameUnknown(Endpoint)
        /// One of its secrets does not open: it is disabled now, for this reason.
        case disabled(String)
        /// The endpoint cannot be read; others are served all the same.
        case unreadable(String)
    }

    /// Takes deliveries for each of `requests` under `lease`, and says what each gave, in their order.
    func claim(
        _ requests: [ReadySet.Request], lease: Lease, at now: Timestamp, in tx: any Transaction
    ) throws -> [Claimed] {
        try requests.map { request in
            do {
                return try claim(request, lease: lease, at: now, in: tx)
            } catch StorageError.corrupt(let reason) {
                return .unreadable(reason)
            }
        }
    }

    /// A webhook whose signing key cannot be read is never sent unsigned: it holds its deliveries until it is fixed.
    private func claim(
        _ request: ReadySet.Request, lease: Lease, at now: Timestamp, in tx: any Transaction
    ) throws -> Claimed {
        guard let row = try DeliveryQueries.activeEndpoint(request.endpoint, in: tx) else { return .notActive }
        var endpoint = try endpoints.endpoint(row: row)
        if let reason = endpoint.unreadableSecret {
            try DeliveryQueries.disable(endpoint.id, version: endpoint.version, because: reason, in: tx)
            return .disabled(reason)
        }
        if endpoint.pace.hold(at: now) != nil { return .taken(endpoint, []) }
        if endpoint.fallbackUse(at: now) != nil { endpoint.route = .fallback }
        let knowledge = knowledge(endpoint)
        guard knowledge != .nothing else { return .nameUnknown(endpoint) }
        endpoint.recentRate = request.recentRate
        // A dead name fails each attempt at once: one at each scan is enough, and leaves the others their turn.
        let limit = knowledge == .failure ? 1 : request.limit
        guard endpoint.pace.interval != nil || endpoint.plan.isLimited else {
            let taken = try take(request.lane, limit, from: &endpoint, lease: lease, at: now, in: tx)
            return .taken(endpoint, taken.deliveries, unreadable: taken.unreadable)
        }
        return try claimAtPace(request.lane, limit, from: &endpoint, lease: lease, at: now, in: tx)
    }

    /// Takes as many deliveries as have a place now by what was heard and what the owner set, for all nodes together; the
    /// endpoint says when the next place is.
    private func claimAtPace(
        _ lane: DeliveryLane, _ limit: Int, from endpoint: inout Endpoint, lease: Lease, at now: Timestamp,
        in tx: any Transaction
    ) throws -> Claimed {
        guard let pace = try DeliveryQueries.lockedPace(of: endpoint, in: tx) else {
            endpoint.pace.wait(at: now)
            return .taken(endpoint, [])
        }
        endpoint.pace = pace
        if pace.hold(at: now) != nil { return .taken(endpoint, []) }
        let own = endpoint.plan.interval
        var limit = min(limit, pace.burst(every: own) ?? limit)
        if let most = endpoint.plan.maxInFlight {
            limit = min(limit, most - (try DeliveryQueries.countLeased(of: endpoint.id, in: tx)))
            guard limit > 0 else {
                endpoint.pace.wait(at: now)
                return .taken(endpoint, [])
            }
        }
        let taken = try take(lane, limit, from: &endpoint, lease: lease, at: now, in: tx)
        if !taken.deliveries.isEmpty, pace.interval != nil || own != nil {
            endpoint.pace.book(taken.deliveries.count, every: own, at: now)
            try tx.run(DeliveryQueries.setPace(endpoint.pace, of: endpoint.id))
        }
        return .taken(endpoint, taken.deliveries, unreadable: taken.unreadable)
    }

    /// Takes at most `limit` deliveries: of what is let go one at a time, or else whatever waits.
    private func take(
        _ lane: DeliveryLane, _ limit: Int, from endpoint: inout Endpoint, lease: Lease, at now: Timestamp,
        in tx: any Transaction
    ) throws -> DeliveryQueries.Taken {
        let withTrial = try needsTrial(endpoint, lane, at: now, in: tx)
        if let release = endpoint.release {
            switch try ReleaseQueries.claim(endpoint, release, lease: lease, at: now, in: tx) {
            case .taken(var held):
                held.choose(endpoint.route, withTrial: withTrial)
                return held
            case .waiting: return DeliveryQueries.Taken()
            case .over: endpoint.release = nil
            }
        }
        var taken = try DeliveryQueries.claim(
            endpoint: endpoint, lane: lane, limit: limit, lease: lease, at: now, cursors: cursors, in: tx)
        if endpoint.route != .own { taken.choose(endpoint.route, withTrial: withTrial) }
        return taken
    }

    /// Whether one of what is taken now is to try the endpoint's own URL.
    private func needsTrial(
        _ endpoint: Endpoint, _ lane: DeliveryLane, at now: Timestamp, in tx: any Transaction
    ) throws -> Bool {
        guard endpoint.route == .fallback, lane != .retry, endpoint.outage.isTrialDue(at: now) else { return false }
        return try DeliveryQueries.bookTrial(of: endpoint, at: now, in: tx)
    }

    /// All that waits at active endpoints, and endpoints that are gone.
    static func scan(in tx: any Transaction) throws -> [DeliveryQueries.Backlog] {
        var backlogs: [DeliveryQueries.Backlog] = []
        while true {
            let page = try DeliveryQueries.backlogs(after: backlogs.last?.endpoint.text ?? "", in: tx)
            backlogs += page
            if page.count < 500 { return backlogs }
        }
    }

    /// Cancels a batch for deleted endpoints, so that a backlog of any length delays nobody; true when there may be more.
    static func clearDeleted(in tx: any Transaction) throws -> Bool {
        try DeliveryQueries.cancelForDeletedEndpoints(limit: batch, in: tx)
    }

    /// Cancels what was made for an endpoint in the moment of its deletion, which is nobody's.
    static func clearOrphans(of endpoint: EndpointID, in tx: any Transaction) throws {
        _ = try DeliveryQueries.cancelPending(of: endpoint, limit: batch, in: tx)
    }

    /// Frees what is leased under `lease` and not among `held`, and gives their ids.
    static func repair(keeping held: Set<DeliveryID>, lease: Lease, in tx: any Transaction) throws -> [DeliveryID] {
        let orphans = try DeliveryQueries.leased(by: lease, in: tx).filter { !held.contains($0) }
        try DeliveryQueries.free(orphans, lease: lease, in: tx)
        return orphans
    }

    private static let batch = 500
}
