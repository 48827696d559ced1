import Secrets
import Storage
import Timestamps

/// Names an event: the CloudEvent's `id`.
package typealias EventID = ID<LoggedEvent>

/// Names a delivery.
package typealias DeliveryID = ID<Delivery>

/// The tag of ``EventID``: an event in the log.
package enum LoggedEvent {}

/// The tag of ``DeliveryID``: one event on its way to one endpoint.
package enum Delivery {}

/// Where a delivery stands.
///
/// | from | to | when |
/// |---|---|---|
/// | - | pending | its event was accepted (`Outbox`) |
/// | pending | leased | a worker claimed it, and `attempt` grows (`DeliveryQueries.claim`) |
/// | leased | succeeded | the endpoint answered 2xx (`ResultQueries`) |
/// | leased | pending | the attempt failed and the schedule has a step left, or the endpoint was switched off by its answer (`ResultQueries`) |
/// | leased | pending | it was handed back undialled (`DeliveryQueries.giveBack`), or its lease was lost (`DeliveryQueries.free`, `NodeQueries`) |
/// | leased | failed | the attempt failed for good (`ResultQueries`), or its row or event cannot be read (`DeliveryQueries.taken`) |
/// | succeeded, failed | pending | its owner asked for it again (`ReplayQueries`, and `DeliveryRetry` in `Gateway`) |
/// | pending, leased | cancelled | the endpoint was deleted |
package enum DeliveryState: Int, Sendable, SQLEnum, CaseIterable {
    case pending = 0
    case leased = 1
    case succeeded = 2
    case failed = 3
    case cancelled = 4
}

/// Which queue of its endpoint a pending delivery waits in.
package enum DeliveryLane: Int, Sendable, SQLEnum, CaseIterable {
    /// Due from its birth on: not tried yet, or tried and put back when its endpoint was switched off.
    case first = 0
    /// Due at a time: tried and failed, or asked for again one by one.
    case retry = 1
    /// Asked for again by a replay.
    case replay = 2
}

extension ID where Entity == Delivery {
    /// The id of the delivery of `event` to `endpoint`: the event's time, the rest from a digest of both.
    ///
    /// The same pair always has the same id, so that a delivery cannot be made twice and needs no second index.
    package init(event: EventID, endpoint: EndpointID, at created: Timestamp) {
        let digest = SHA256Digest.of(event.text + endpoint.text)
        self.init(trusted: UUIDText.version7(at: created, high: digest.first, low: digest.second))
    }

    /// Where the ids lie of all deliveries of events that were accepted from `first` to `last`.
    static func range(of first: Timestamp, through last: Timestamp) -> ClosedRange<DeliveryID> {
        let lowest = DeliveryID(trusted: UUIDText.version7(at: first, high: 0, low: 0))
        return lowest...max(lowest, DeliveryID(trusted: UUIDText.version7(at: last, high: .max, low: .max)))
    }
}
