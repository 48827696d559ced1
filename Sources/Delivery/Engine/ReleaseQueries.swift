import Storage
import Timestamps

/// The statements by which what was held at an endpoint is let go: in order, one at a time, at its pace.
enum ReleaseQueries {
    /// What a release gave.
    enum Claim: Sendable {
        /// The next delivery, which goes now, or one that cannot be read and has failed.
        case taken(DeliveryQueries.Taken)
        /// The one before it is on its way, from whichever node, or the pace asks for a pause.
        case waiting
        /// Nothing of it may go now, and newer deliveries need not wait for the rest, which waits for a retry.
        case over
    }

    /// Takes the oldest of what was held at `endpoint` and may go at `now`.
    ///
    /// The row of the endpoint is locked and says which delivery went last and when the next may, so that all nodes together
    /// keep the order and the pace.
    static func claim(
        _ endpoint: Endpoint, _ release: Release, lease: Lease, at now: Timestamp, in tx: any Transaction
    ) throws -> Claim {
        let row = try tx.rows(
            "SELECT release_delivery_id, release_next_at FROM endpoint WHERE id = \(endpoint.id) \(.forUpdate)"
        ).first
        guard let row else { return .waiting }
        if let next: Timestamp = try row.find("release_next_at"), next > now { return .waiting }
        if let last: DeliveryID = try row.find("release_delivery_id") {
            let state: DeliveryState? = try tx.value("SELECT state AS value FROM delivery WHERE id = \(last)")
            if state == .leased { return .waiting }
        }
        let held = try claimHeld(endpoint: endpoint, through: release.through, lease: lease, at: now, in: tx)
        guard let next = held.deliveries.first else {
            if !held.unreadable.isEmpty { return .taken(held) }
            try end(of: endpoint.id, in: tx)
            return .over
        }
        let nextAt = release.rate.map { now + .seconds(1 / $0) }
        try tx.run(
            """
            UPDATE endpoint
            SET release_delivery_id = \(next.id), release_next_at = \(nextAt)
            WHERE id = \(endpoint.id)
            """)
        return .taken(held)
    }

    /// Takes the oldest of what was held until `last` and may go at `now`; nothing when nothing of it may. Index:
    /// `delivery_ready`.
    ///
    /// Each lane is in the order of acceptance but that of retries, whose order is that of their times; of the heads of
    /// all three the oldest goes.
    static func claimHeld(
        endpoint: Endpoint, through last: Int64, lease: Lease, at now: Timestamp, in tx: any Transaction
    ) throws -> DeliveryQueries.Taken {
        func head(_ lane: DeliveryLane) -> SQL {
            """
            SELECT *
            FROM (SELECT d.id, d.sequence \(DeliveryQueries.waiting(endpoint, lane, at: now)) LIMIT 1) AS head
            """
        }
        let rows = try tx.rows(
            DeliveryQueries.take(lease) + """
                WHERE id IN (
                    SELECT id
                    FROM (\(head(.first)) UNION ALL \(head(.retry)) UNION ALL \(head(.replay))) AS heads
                    WHERE sequence <= \(last)
                    ORDER BY sequence
                    LIMIT 1)
                \(DeliveryQueries.claimed)
                """)
        return try DeliveryQueries.taken(rows, in: tx)
    }

    /// Notes that what was held is gone: newer deliveries are made as usual again.
    private static func end(of endpoint: EndpointID, in tx: any Transaction) throws {
        try tx.run(
            """
            UPDATE endpoint
            SET release_rate = NULL, release_through = NULL, release_delivery_id = NULL, release_next_at = NULL
            WHERE id = \(endpoint)
            """)
    }
}
