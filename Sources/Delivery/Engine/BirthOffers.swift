import Storage
import Timestamps

/// Of which endpoints deliveries may be claimed at their birth, and how many: what ``DispatcherCore`` has ``BirthClaims`` told.
///
/// An endpoint is offered once it was claimed from, while nothing waits there and its window has room: see
/// ``ReadySet/birthRoom(of:at:)``. One that is sent to at a pace or in an order, lets go what was held, or has its URL out, never is:
/// what a claim of it may take only the store says.
struct BirthOffers: Sendable {
    /// As they were claimed from last.
    private var endpoints: [EndpointID: Endpoint] = [:]
    private var told: [EndpointID: BirthClaims.Offer] = [:]
    private var toldRoom = 0
    /// Of which the room may be another now.
    private var touched: Set<EndpointID> = []

    /// Notes how an endpoint is that was claimed from.
    mutating func learn(_ endpoint: Endpoint) {
        touched.insert(endpoint.id)
        let isKnown = endpoints[endpoint.id] != nil || endpoints.count < Self.remembered
        endpoints[endpoint.id] = isKnown && endpoint.isUnimpeded ? endpoint : nil
    }

    /// Notes that nobody knows how an endpoint is, or that it takes nothing.
    mutating func forget(_ endpoint: EndpointID) {
        touched.insert(endpoint)
        endpoints[endpoint] = nil
    }

    /// Notes that something happened at an endpoint.
    mutating func touch(_ endpoint: EndpointID) {
        touched.insert(endpoint)
    }

    /// Notes that something may have happened at any endpoint, and forgets those that `ready` does not remember.
    mutating func touchAll(in ready: ReadySet) {
        endpoints = endpoints.filter { ready.entries[$0.key] != nil }
        touched.formUnion(endpoints.keys)
        touched.formUnion(told.keys)
    }

    /// Notes that a delivery was claimed of what ``BirthClaims`` was told, which counts it as well.
    mutating func born(_ endpoint: EndpointID) {
        touched.insert(endpoint)
        told[endpoint]?.room -= 1
        toldRoom -= 1
    }

    /// What ``BirthClaims`` has to be told.
    mutating func changes(in ready: ReadySet, at now: Timestamp) -> [DispatcherCore.Action] {
        var actions: [DispatcherCore.Action] = []
        for id in touched {
            var offer: BirthClaims.Offer?
            let room = ready.birthRoom(of: id, at: now)
            if room > 0, let endpoint = endpoints[id] { offer = BirthClaims.Offer(endpoint: endpoint, room: room) }
            let last = told[id]
            if last?.room == offer?.room, last?.endpoint.version == offer?.endpoint.version { continue }
            told[id] = offer
            actions.append(.offer(id, offer))
        }
        touched = []
        let room = told.isEmpty ? toldRoom : ready.birthRoom
        if room != toldRoom { actions.append(.offerAtMost(room)) }
        toldRoom = room
        return actions
    }

    /// 2,000 endpoints of about a kilobyte; beyond them deliveries are claimed as ever.
    private static let remembered = 2_000
}

extension Endpoint {
    /// Whether nothing has to be looked at in the store before a delivery of this version is claimed, but what ``EventMatch`` looks at.
    fileprivate var isUnimpeded: Bool {
        ordering == .none && release == nil && pace == Pace() && !plan.isLimited && route == .own && outage.since == nil
    }
}
