import HTTPSMSWebhooks
import Storage
import Timestamps

/// The statements of the dispatcher.
package enum DeliveryQueries {
    /// What waits at an endpoint.
    package struct Backlog: Sendable, Hashable {
        /// The endpoint.
        package let endpoint: EndpointID
        /// When the first pending delivery of each lane is due; a lane without one is absent.
        package let dueAt: [DeliveryLane: Timestamp]
        /// The endpoint's version while what was held is let go; nil at other times.
        package var releaseVersion: Int64?
    }

    /// A page of at most 500 active endpoints with pending deliveries, after `cursor`, in the order of their ids.
    ///
    /// Index: `delivery_ready`, by a loose scan: it steps from endpoint to endpoint, so a backlog of a million rows at
    /// one of them costs no more than one row. An empty page is the end.
    package static func backlogs(after cursor: String, in tx: any Transaction) throws -> [Backlog] {
        let pending = DeliveryState.pending.rawValue
        return try tx.rows(
            """
            WITH RECURSIVE waiting (endpoint_id) AS (
                SELECT MIN(endpoint_id) FROM delivery
                WHERE state = \(literal: pending) AND endpoint_id > \(cursor)
                UNION ALL
                SELECT (SELECT MIN(d.endpoint_id) FROM delivery d
                        WHERE d.state = \(literal: pending) AND d.endpoint_id > waiting.endpoint_id)
                FROM waiting
                WHERE waiting.endpoint_id IS NOT NULL
            )
            SELECT w.endpoint_id,
                (SELECT MIN(due_at) FROM delivery
                 WHERE state = \(literal: pending) AND endpoint_id = w.endpoint_id
                     AND lane = \(literal: DeliveryLane.first.rawValue)) AS first_due_at,
                (SELECT MIN(due_at) FROM delivery
                 WHERE state = \(literal: pending) AND endpoint_id = w.endpoint_id
                     AND lane = \(literal: DeliveryLane.retry.rawValue)) AS retry_due_at,
                (SELECT MIN(due_at) FROM delivery
                 WHERE state = \(literal: pending) AND endpoint_id = w.endpoint_id
                     AND lane = \(literal: DeliveryLane.replay.rawValue)) AS replay_due_at,
                e.status, CASE WHEN e.release_through IS NOT NULL THEN e.version END AS release_version
            FROM waiting w
            LEFT JOIN endpoint e ON e.id = w.endpoint_id
            WHERE w.endpoint_id IS NOT NULL
            LIMIT 500
            """
        ).map { row in
            var dueAt: [DeliveryLane: Timestamp] = [:]
            if try row.find("status", as: EndpointStatus.self) == .active {
                dueAt[.first] = try row.find("first_due_at")
                dueAt[.retry] = try row.find("retry_due_at")
                dueAt[.replay] = try row.find("replay_due_at")
            }
            return Backlog(
                endpoint: try row.get("endpoint_id"), dueAt: dueAt, releaseVersion: try row.find("release_version"))
        }
    }

    /// The endpoint `id` as a row for ``EndpointQueries/endpoint(row:)``, when deliveries may be made to it.
    static func activeEndpoint(_ id: EndpointID, in tx: any Transaction) throws -> Row? {
        try tx.rows(
            "SELECT * FROM endpoint WHERE id = \(id) AND status = \(literal: EndpointStatus.active.rawValue)"
        ).first
    }

    /// Takes at most `limit` deliveries of one lane under `lease`, oldest due first; retries only when they are due at
    /// `now`, the others are due from their birth on. Index: `delivery_ready`.
    ///
    /// Due times are compared with the clock that they were made by. The time of the transaction stands still after that
    /// clock was set back, and a retry would be due as soon as it is planned.
    ///
    /// Where the events of a message are ordered, one that is behind an open one of its message is left.
    static func claim(
        endpoint: Endpoint, lane: DeliveryLane, limit: Int, lease: Lease, at now: Timestamp, in tx: any Transaction
    ) throws -> [ClaimedDelivery] {
        try tx.all(
            ClaimedDelivery.self,
            take(lease) + """
                WHERE id IN (
                    SELECT d.id
                    \(waiting(endpoint, lane, at: now))
                    LIMIT \(limit)
                    \(.forUpdateSkipLocked))
                \(claimed)
                """)
    }

    /// Takes the oldest of what was held until `last` and may go at `now`; nil when nothing of it may. Index:
    /// `delivery_ready`.
    ///
    /// Each lane is in the order of acceptance but that of retries, whose order is that of their times; of the heads of
    /// all three the oldest goes.
    static func claimHeld(
        endpoint: Endpoint, through last: Int64, lease: Lease, at now: Timestamp, in tx: any Transaction
    ) throws -> ClaimedDelivery? {
        func head(_ lane: DeliveryLane) -> SQL {
            "SELECT * FROM (SELECT d.id, d.sequence \(waiting(endpoint, lane, at: now)) LIMIT 1) AS head"
        }
        return try tx.first(
            ClaimedDelivery.self,
            take(lease) + """
                WHERE id IN (
                    SELECT id
                    FROM (\(head(.first)) UNION ALL \(head(.retry)) UNION ALL \(head(.replay))) AS heads
                    WHERE sequence <= \(last)
                    ORDER BY sequence
                    LIMIT 1)
                \(claimed)
                """)
    }

    private static func take(_ lease: Lease) -> SQL {
        """
        UPDATE delivery
        SET state = \(literal: DeliveryState.leased.rawValue), lease = \(lease), attempt = attempt + 1

        """
    }

    /// What may be claimed from one lane, in its order.
    private static func waiting(_ endpoint: Endpoint, _ lane: DeliveryLane, at now: Timestamp) -> SQL {
        let pending = DeliveryState.pending.rawValue
        let isDue: SQL = lane == .retry ? "AND d.due_at <= \(now)" : ""
        let isFirst: SQL = """
            AND NOT EXISTS (
                SELECT 1
                FROM delivery o
                WHERE o.order_key = d.order_key AND o.endpoint_id = d.endpoint_id AND o.order_no < d.order_no
                    AND o.state IN (\(literal: pending), \(literal: DeliveryState.leased.rawValue)))
            """
        return """
            FROM delivery d
            WHERE d.endpoint_id = \(endpoint.id) AND d.state = \(literal: pending) AND d.lane = \(lane)
                \(isDue) \(endpoint.ordering == .message ? isFirst : "")
            ORDER BY d.due_at, d.id
            """
    }

    private static let claimed: SQL = """
        RETURNING id, event_id, endpoint_id, sequence, attempt, step, created_at,
            (SELECT type FROM event WHERE event.id = delivery.event_id) AS event_type,
            (SELECT body FROM event_body WHERE event_body.event_id = delivery.event_id) AS body
        """

    /// Notes that what was held is gone: newer deliveries are made as usual again.
    static func endRelease(of endpoint: EndpointID, in tx: any Transaction) throws {
        try tx.run("UPDATE endpoint SET release_rate = NULL, release_through = NULL WHERE id = \(endpoint)")
    }

    /// When the delivery became due that has waited longest at an active endpoint; nil when none is due.
    package static func oldestDue(in tx: any Transaction) throws -> Timestamp? {
        var oldest: Timestamp?
        var cursor = ""
        while true {
            let page = try backlogs(after: cursor, in: tx)
            for backlog in page {
                guard let due = backlog.dueAt.values.min(), due <= tx.now else { continue }
                oldest = min(oldest ?? due, due)
            }
            guard page.count == 500, let last = page.last else { return oldest }
            cursor = last.endpoint.text
        }
    }

    /// Makes a waiting delivery due at once, with the whole schedule before it again.
    package static func hasten(_ id: DeliveryID, in tx: any Transaction) throws {
        try tx.run(
            """
            UPDATE delivery
            SET due_at = CASE WHEN due_at < \(tx.now) THEN due_at ELSE \(tx.now) END, step = 0
            WHERE id = \(id) AND state = \(literal: DeliveryState.pending.rawValue)
            """)
        let wakeups = tx.wakeups
        tx.afterCommit { wakeups.signal(.deliveries) }
    }

    /// Stops deliveries to an active endpoint, for `reason`.
    static func disable(_ endpoint: EndpointID, because reason: String, in tx: any Transaction) throws {
        try tx.run(
            """
            UPDATE endpoint
            SET status = \(literal: EndpointStatus.disabled.rawValue), status_reason = \(reason), version = version + 1
            WHERE id = \(endpoint) AND status = \(literal: EndpointStatus.active.rawValue)
            """)
    }

    /// The deliveries under `lease`. Index: `delivery_leased`; never more rows than there are slots.
    static func leased(by lease: Lease, in tx: any Transaction) throws -> [DeliveryID] {
        try tx.rows(
            """
            SELECT id
            FROM delivery
            WHERE state = \(literal: DeliveryState.leased.rawValue) AND lease = \(lease)
            ORDER BY id
            """
        ).map { try $0.get("id") }
    }

    /// Makes deliveries under `lease` wait again.
    static func free(_ ids: [DeliveryID], lease: Lease, in tx: any Transaction) throws {
        for id in ids {
            try tx.run(
                """
                UPDATE delivery
                SET state = \(literal: DeliveryState.pending.rawValue), lease = NULL
                WHERE id = \(id) AND lease = \(lease) AND state = \(literal: DeliveryState.leased.rawValue)
                """)
        }
    }

    /// Frees at most `limit` deliveries whose lease is not `lease`: their process is gone. Index: `delivery_leased`.
    ///
    /// The attempt stays counted, for it may have been made. Gives the number of freed deliveries.
    package static func voidForeignLeases(except lease: Lease, limit: Int, in tx: any Transaction) throws -> Int {
        try tx.run(
            """
            UPDATE delivery
            SET state = \(literal: DeliveryState.pending.rawValue), lease = NULL
            WHERE id IN (
                SELECT id
                FROM delivery
                WHERE state = \(literal: DeliveryState.leased.rawValue) AND lease <> \(lease)
                ORDER BY lease, id
                LIMIT \(limit))
            """)
    }

    /// Cancels at most `limit` open deliveries of endpoints that were deleted, then the endpoints without any.
    ///
    /// Indexes: `endpoint_deleted`, `delivery_ready`. Gives the number of cancelled deliveries; 0 is the end.
    static func cancelForDeletedEndpoints(limit: Int, in tx: any Transaction) throws -> Int {
        let endpoints = try tx.rows(
            "SELECT id FROM endpoint WHERE status = \(literal: EndpointStatus.deleted.rawValue) ORDER BY id LIMIT 1")
        guard let endpoint: EndpointID = try endpoints.first?.get("id") else { return 0 }
        let cancelled = try tx.run(
            """
            UPDATE delivery
            SET state = \(literal: DeliveryState.cancelled.rawValue), completed_at = \(tx.now)
            WHERE id IN (
                SELECT id
                FROM delivery
                WHERE endpoint_id = \(endpoint) AND state = \(literal: DeliveryState.pending.rawValue)
                ORDER BY lane, due_at, id
                LIMIT \(limit))
            """)
        var leased = 0
        if cancelled < limit {
            leased = try cancelLeased(of: endpoint, in: tx)
            try tx.run("DELETE FROM endpoint WHERE id = \(endpoint)")
            try tx.run("DELETE FROM endpoint_health WHERE endpoint_id = \(endpoint)")
        }
        try tx.run("UPDATE tally SET cancelled = cancelled + \(cancelled + leased) WHERE endpoint_id = \(endpoint)")
        return max(cancelled, 1)
    }
    /// Cancels what is in flight to `endpoint`; its result will be refused. Index: `delivery_leased`, which holds no more
    /// rows than there are slots.
    private static func cancelLeased(of endpoint: EndpointID, in tx: any Transaction) throws -> Int {
        let leased = try tx.rows(
            "SELECT id, endpoint_id FROM delivery WHERE state = \(literal: DeliveryState.leased.rawValue) ORDER BY lease"
        )
        var count = 0
        for row in leased where try row.get("endpoint_id") == endpoint {
            count += 1
            try tx.run(
                """
                UPDATE delivery
                SET state = \(literal: DeliveryState.cancelled.rawValue), completed_at = \(tx.now), lease = NULL
                WHERE id = \(try row.get("id", as: DeliveryID.self))
                """)
        }
        return count
    }
}
