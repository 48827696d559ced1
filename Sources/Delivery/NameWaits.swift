import Synchronization

/// The endpoints whose names are looked up before anything is claimed for them: a name server that is silent holds no slot
/// and no lease.
final class NameWaits: Sendable {
    /// An endpoint whose name is known by now.
    struct Ended: Sendable {
        let endpoint: EndpointID
        let lane: DeliveryLane
    }

    private struct State {
        var waiting: Set<EndpointID> = []
        var ended: [Ended] = []
    }

    private let state = Mutex(State())

    /// Notes that a lookup begins; false when one runs for this endpoint already.
    func begin(_ endpoint: EndpointID) -> Bool {
        state.withLock { $0.waiting.insert(endpoint).inserted }
    }

    /// Notes that the lookup is over; `lane` is worth another look if the name is known now.
    func end(_ endpoint: EndpointID, _ lane: DeliveryLane, isKnown: Bool) {
        state.withLock { state in
            state.waiting.remove(endpoint)
            if isKnown { state.ended.append(Ended(endpoint: endpoint, lane: lane)) }
        }
    }

    /// The endpoints to look at again, since the last call.
    func takeEnded() -> [Ended] {
        state.withLock { state in
            defer { state.ended = [] }
            return state.ended
        }
    }
}
