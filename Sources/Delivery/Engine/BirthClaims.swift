import Storage
import Synchronization
import Timestamps

/// Claims deliveries at their birth: the transaction that makes one of a quiet endpoint stores it as leased to this process, and
/// hands it to the dispatcher once it is durable. No transaction follows that claims it, and nobody reads its body.
///
/// The dispatcher says which endpoints have room. A claim is noted here before its row is written, and until the dispatcher has
/// taken it in or the transaction has ended without, so that its row is never mistaken for one that nobody has. Where nobody knows
/// whether a transaction was kept, as the answer to its COMMIT was lost, the dispatcher's look for such rows finds it.
///
/// Transactions find it by `Wakeups.attached(_:)`. Thread-safe; holds no more claims than it was told, which is 32.
final class BirthClaims: Sendable {
    /// An endpoint of which deliveries may be claimed.
    struct Offer: Sendable {
        /// As it was claimed from last.
        let endpoint: Endpoint
        /// How many.
        var room: Int
    }

    private struct Claim {
        let delivery: DeliveryID
        let endpoint: EndpointID
    }

    private struct State {
        var offers: [EndpointID: Offer] = [:]
        var room = 0
        /// Those of transactions that have not ended.
        var open: [Int: Claim] = [:]
        var nextNumber = 0
        /// Handed over, and not taken in yet.
        var born: [(delivery: ClaimedDelivery, endpoint: Endpoint)] = []
        var hasLost = false
        var isClosed = false

        func room(of endpoint: EndpointID) -> Int {
            let under = open.values.count { $0.endpoint == endpoint } + born.count { $0.endpoint.id == endpoint }
            return min((offers[endpoint]?.room ?? 0) - under, room - open.count - born.count)
        }
    }

    private let lease: OwnLease
    private let clock: any WallClock
    private let knowledge: @Sendable (Endpoint) -> NameKnowledge
    private let state = Mutex(State())

    /// - Parameters:
    ///   - lease: What is claimed under, while it surely holds for an attempt.
    ///   - clock: What the end of the lease is compared with.
    ///   - knowledge: What is known of an endpoint's name: nothing is claimed that would have to wait for a lookup.
    init(lease: OwnLease, clock: any WallClock, knowledge: @escaping @Sendable (Endpoint) -> NameKnowledge) {
        self.lease = lease
        self.clock = clock
        self.knowledge = knowledge
    }

    // For transactions.

    /// Claims `delivery`, which is about to be written, if there is room for one more of `endpoint` and that still has `version`.
    ///
    /// - Returns: The claim, to be handed over after the commit; it ends with its last reference. Nil for a delivery that is to wait.
    func claim(_ delivery: DeliveryID, of endpoint: EndpointID, version: Int64) -> BirthClaim? {
        let offer = state.withLock { $0.room(of: endpoint) > 0 ? $0.offers[endpoint]?.endpoint : nil }
        guard let offer, offer.version == version else { return nil }
        let term = lease.term
        guard term.holds(for: DispatcherCore.leaseNeeded, at: clock.boot()), knowledge(offer) == .addresses else {
            return nil
        }
        let number = state.withLock { state -> Int? in
            guard state.room(of: endpoint) > 0 else { return nil }
            state.nextNumber += 1
            state.open[state.nextNumber] = Claim(delivery: delivery, endpoint: endpoint)
            return state.nextNumber
        }
        return number.map { BirthClaim(number: $0, lease: term.lease, endpoint: offer, claims: self) }
    }

    fileprivate func handOver(_ number: Int, _ delivery: ClaimedDelivery, _ endpoint: Endpoint) {
        state.withLock { state in
            guard state.open.removeValue(forKey: number) != nil, !state.isClosed else { return }
            state.born.append((delivery, endpoint))
        }
    }

    fileprivate func end(_ number: Int) {
        state.withLock { state in
            if state.open.removeValue(forKey: number) != nil { state.hasLost = true }
        }
    }

    // For the dispatcher.

    /// Offers `endpoint` instead of what was offered of it before; nil for nothing.
    func offer(_ endpoint: EndpointID, _ offer: Offer?) {
        state.withLock { $0.offers[endpoint] = offer }
    }

    /// Claims at most `room`, of all endpoints together.
    func offerAtMost(_ room: Int) {
        state.withLock { $0.room = room }
    }

    /// What was handed over since the last call, which leaves that much less room, and whether claims ended otherwise.
    func take() -> [DispatcherCore.Input] {
        state.withLock { state in
            let inputs = state.born.map { DispatcherCore.Input.born($0.delivery, $0.endpoint) }
            for birth in state.born { state.offers[birth.endpoint.id]?.room -= 1 }
            state.room -= state.born.count
            state.born = []
            defer { state.hasLost = false }
            return inputs + (state.hasLost ? [.birthLost] : [])
        }
    }

    /// Whose rows may be in the store, or may come there, without the dispatcher knowing of them.
    var unborn: Set<DeliveryID> {
        state.withLock { Set($0.open.values.map(\.delivery) + $0.born.map(\.delivery.id)) }
    }

    /// Claims nothing more, and gives what was handed over and not taken in. What is handed over later is freed with the lease.
    func close() -> [ClaimedDelivery] {
        state.withLock { state in
            state.isClosed = true
            state.offers = [:]
            defer { state.born = [] }
            return state.born.map(\.delivery)
        }
    }

    /// How many more deliveries of `endpoint` may be claimed now.
    func room(of endpoint: EndpointID) -> Int { state.withLock { $0.room(of: endpoint) } }
}

/// One claim of a delivery at its birth, which ends without a delivery when it is let go before ``handOver(_:)``: with a transaction
/// that was rolled back, or of which nobody knows.
final class BirthClaim: Sendable {
    /// What the delivery is claimed under.
    let lease: Lease
    private let number: Int
    private let endpoint: Endpoint
    private let claims: BirthClaims

    fileprivate init(number: Int, lease: Lease, endpoint: Endpoint, claims: BirthClaims) {
        self.number = number
        self.lease = lease
        self.endpoint = endpoint
        self.claims = claims
    }

    deinit {
        claims.end(number)
    }

    /// Hands the delivery, which is durable now, to the dispatcher.
    func handOver(_ delivery: ClaimedDelivery) {
        claims.handOver(number, delivery, endpoint)
    }
}
