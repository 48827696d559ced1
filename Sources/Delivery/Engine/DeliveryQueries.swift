import HTTPSMSWebhooks
import Storage
import Timestamps

/// The statements of the dispatcher.
package enum DeliveryQueries {
    /// What waits at an endpoint.
    package struct Backlog: Sendable, Hashable {
        /// The endpoint.
        package let endpoint: EndpointID
        /// Whose endpoint it is; nil for one that is gone.
        package var userID: UserID?
        /// When the first pending delivery of each lane is due; a lane without one is absent.
        package let dueAt: [DeliveryLane: Timestamp]
        /// The endpoint's version while what was held is let go; nil at other times.
        package var releaseVersion: Int64?
        /// The endpoint's version; 0 for one that is gone.
        package var version: Int64 = 0
        /// How often the endpoint is sent to, and from when on.
        package var pace = Pace()
        /// Whether its last attempt failed.
        package var isFailing = false
        /// Whether it ever took an event.
        package var hasSucceeded = false
        /// Whether the endpoint is gone: it was deleted while the deliveries were made.
        package var isOrphaned = false
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
                e.user_id, e.status, e.version, e.hold_until, e.pace_interval, e.refused_at, e.refusals, e.rate_next_at,
                h.failing_since, h.last_success_at,
                CASE WHEN e.release_through IS NOT NULL THEN e.version END AS release_version
            FROM waiting w
            LEFT JOIN endpoint e ON e.id = w.endpoint_id
            LEFT JOIN endpoint_health h ON h.endpoint_id = w.endpoint_id
            WHERE w.endpoint_id IS NOT NULL
            LIMIT 500
            """
        ).map { row in
            var dueAt: [DeliveryLane: Timestamp] = [:]
            // A status that nobody knows is none that is delivered to; the others must not wait for it.
            let status: Int? = try row.find("status")
            if status == EndpointStatus.active.rawValue {
                dueAt[.first] = try row.find("first_due_at")
                dueAt[.retry] = try row.find("retry_due_at")
                dueAt[.replay] = try row.find("replay_due_at")
            }
            return Backlog(
                endpoint: try row.get("endpoint_id"), userID: try row.find("user_id"), dueAt: dueAt,
                releaseVersion: try row.find("release_version"), version: try row.find("version") ?? 0,
                pace: try Pace(row: row), isFailing: try row.find("failing_since", as: Timestamp.self) != nil,
                hasSucceeded: try row.find("last_success_at", as: Timestamp.self) != nil, isOrphaned: status == nil)
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
    ///
    /// Beside old snapshots it begins behind what is known to be done: see ``ClaimCursors``.
    ///
    /// A delivery that cannot be read has failed: see ``taken(_:in:)``.
    static func claim(
        endpoint: Endpoint, lane: DeliveryLane, limit: Int, lease: Lease, at now: Timestamp,
        cursors: ClaimCursors? = nil, in tx: any Transaction
    ) throws -> Taken {
        // What an order holds back stays behind the cursor. And where writes are one at a time, nothing dead is read.
        let cursor = tx.isSerial || endpoint.ordering == .message ? nil : cursors
        let start = cursor?.start(endpoint.id, lane, time: lane == .retry ? now : tx.now)
        // The rows are picked once, before any is changed: joined instead, they may be picked again for each.
        let rows = try tx.rows(
            """
            WITH picked AS MATERIALIZED (
                SELECT d.id AS picked_id
                \(waiting(endpoint, lane, from: start, at: now))
                LIMIT \(limit)
                \(.forUpdateSkipLocked))

            """ + take(lease) + """
                FROM picked
                WHERE id = picked_id
                \(claimed)
                """)
        if let cursor, let last = try rows.map({ try $0.get("due_at", as: Timestamp.self) }).max() {
            let mayHaveMore = rows.count == limit
            tx.afterCommit { cursor.claimed(through: last, mayHaveMore: mayHaveMore, of: endpoint.id, lane) }
        }
        return try taken(rows, in: tx)
    }

    /// The beginning of a claim; its `WHERE` follows.
    static func take(_ lease: Lease) -> SQL {
        """
        UPDATE delivery
        SET state = \(literal: DeliveryState.leased.rawValue), lease = \(lease), attempt = attempt + 1

        """
    }

    /// What may be claimed from one lane, in its order; of what was due before `start`, nothing.
    static func waiting(
        _ endpoint: Endpoint, _ lane: DeliveryLane, from start: Timestamp? = nil, at now: Timestamp
    ) -> SQL {
        let pending = DeliveryState.pending.rawValue
        let isDue: SQL = lane == .retry ? "AND d.due_at <= \(now)" : ""
        let isAhead: SQL = start.map { "AND d.due_at >= \($0)" } ?? ""
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
                \(isDue) \(isAhead) \(endpoint.ordering == .message ? isFirst : "")
            ORDER BY d.due_at, d.id
            """
    }

    /// The end of a claim: what ``ClaimedDelivery`` reads.
    static let claimed: SQL = """
        RETURNING id, lease, event_id, endpoint_id, sequence, attempt, returned, step, created_at, due_at,
            (SELECT type FROM event WHERE event.id = delivery.event_id) AS event_type,
            (SELECT body FROM event_body WHERE event_body.event_id = delivery.event_id) AS body
        """

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

    /// When the delivery was due that has waited longest of those of `userID`; nil when none is overdue. What waits at an
    /// endpoint that is not active does not count. Indexes: `endpoint_user`, `delivery_ready`.
    package static func oldestDue(userID: UserID, in tx: any Transaction) throws -> Timestamp? {
        let earliest = try DeliveryLane.allCases.compactMap { lane -> Timestamp? in
            try tx.value(
                """
                SELECT MIN((
                    SELECT MIN(d.due_at)
                    FROM delivery d
                    WHERE d.state = \(literal: DeliveryState.pending.rawValue) AND d.endpoint_id = e.id
                        AND d.lane = \(literal: lane.rawValue))) AS value
                FROM endpoint e
                WHERE e.user_id = \(userID) AND e.status = \(literal: EndpointStatus.active.rawValue)
                """)
        }.min()
        return earliest.flatMap { $0 <= tx.now ? $0 : nil }
    }

    /// Makes a waiting delivery due at once, with the whole schedule before it again.
    package static func hasten(_ id: DeliveryID, in tx: any Transaction) throws {
        try tx.run(
            """
            UPDATE delivery
            SET due_at = CASE WHEN due_at < \(tx.now) THEN due_at ELSE \(tx.now) END, step = 0
            WHERE id = \(id) AND state = \(literal: DeliveryState.pending.rawValue)
            """)
        tx.wake(.deliveries)
    }

    /// Stops deliveries to an active endpoint, for `reason`; false when it has another version by now.
    @discardableResult
    static func disable(
        _ endpoint: EndpointID, version: Int64, because reason: String, in tx: any Transaction
    ) throws -> Bool {
        try tx.run(
            """
            UPDATE endpoint
            SET status = \(literal: EndpointStatus.disabled.rawValue), status_reason = \(reason), version = version + 1
            WHERE id = \(endpoint) AND version = \(version) AND status = \(literal: EndpointStatus.active.rawValue)
            """) == 1
    }

    /// Stores how often an endpoint is sent to. Its row is locked, or the only writer is this one.
    static func setPace(_ pace: Pace, of endpoint: EndpointID) -> SQL {
        "UPDATE endpoint SET \(pace.assignments) WHERE id = \(endpoint)"
    }

    /// What results may change.
    struct Learned: Sendable {
        let version: Int64
        let pace: Pace
        let outage: Outage
    }

    /// The version of an endpoint, how often it is sent to and how its URL does, locked; nil when it is gone.
    static func locked(_ endpoint: EndpointID, in tx: any Transaction) throws -> Learned? {
        try tx.rows(
            """
            SELECT version, hold_until, pace_interval, refused_at, refusals, rate_next_at, url_out_since, url_tried_at
            FROM endpoint
            WHERE id = \(endpoint)
            \(.forUpdate)
            """
        ).first.map { row in
            Learned(version: try row.get("version"), pace: try Pace(row: row), outage: try Outage(row: row))
        }
    }

    /// The pace of `endpoint`, locked for as long as places are taken; nil when it has another version or another node is
    /// at it, which is not waited for: it may wait for us at another endpoint.
    static func lockedPace(of endpoint: Endpoint, in tx: any Transaction) throws -> Pace? {
        if tx.isSerial { return endpoint.pace }
        return try tx.rows(
            """
            SELECT hold_until, pace_interval, refused_at, refusals, rate_next_at
            FROM endpoint
            WHERE id = \(endpoint.id) AND version = \(endpoint.version)
            \(.forUpdateSkipLocked)
            """
        ).first.map(Pace.init)
    }

    /// How many deliveries of `endpoint` are under way, on all nodes. Index: `delivery_leased`, which has no more rows than all
    /// nodes have slots.
    static func countLeased(of endpoint: EndpointID, in tx: any Transaction) throws -> Int {
        try tx.value(
            """
            SELECT COUNT(*) AS value
            FROM delivery
            WHERE state = \(literal: DeliveryState.leased.rawValue) AND endpoint_id = \(endpoint)
            """) ?? 0
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
                WHERE \(isHeld(id, under: lease))
                """)
        }
    }

    /// That the delivery `id` is claimed under `lease`: a condition, by the primary key alone.
    ///
    /// Its terms are written so that no other index serves them. PostgreSQL would take `delivery_leased`, which looks small to
    /// it, and read every entry that others left there: beside an old snapshot there is one for each claim since then.
    static func isHeld(_ id: DeliveryID, under lease: Lease) -> SQL {
        """
        id = \(id) AND COALESCE(lease, '') = \(lease) AND state + 0 = \(literal: DeliveryState.leased.rawValue)
        """
    }

    /// Makes claims wait again that were not attempted, and count as none; those that others have by now stay theirs, and so
    /// does a later claim of ours when this is repeated because its answer was lost. They are locked in the order of their birth.
    static func giveBack(_ claims: [ClaimedDelivery], in tx: any Transaction) throws {
        try tx.runBatch(
            claims.sorted { ($0.createdAt, $0.id) < ($1.createdAt, $1.id) }.map { claim in
                """
                UPDATE delivery
                SET state = \(literal: DeliveryState.pending.rawValue), lease = NULL, returned = returned + 1
                WHERE \(isHeld(claim.id, under: claim.lease)) AND attempt = \(claim.claimNumber)
                """
            })
    }

    /// Cancels at most `limit` open deliveries of an endpoint that was deleted, and forgets it once there is none.
    ///
    /// Indexes: `endpoint_deleted`, `delivery_ready`. False when no endpoint waits for that, or others see to them.
    static func cancelForDeletedEndpoints(limit: Int, in tx: any Transaction) throws -> Bool {
        let deleted: EndpointID? = try tx.value(
            """
            SELECT id AS value
            FROM endpoint
            WHERE status = \(literal: EndpointStatus.deleted.rawValue)
            ORDER BY id
            LIMIT 1
            \(.forUpdateSkipLocked)
            """)
        guard let deleted else { return false }
        let cancelled = try cancelPending(of: deleted, limit: limit, in: tx)
        guard cancelled < limit else { return true }
        let leased = try cancelLeased(of: deleted, in: tx)
        try tx.run("UPDATE tally SET cancelled = cancelled + \(leased) WHERE endpoint_id = \(deleted)")
        try tx.run("DELETE FROM endpoint WHERE id = \(deleted)")
        try tx.run("DELETE FROM endpoint_health WHERE endpoint_id = \(deleted)")
        try tx.run("DELETE FROM endpoint_hour WHERE endpoint_id = \(deleted)")
        return true
    }

    /// Cancels at most `limit` deliveries that wait for `endpoint`, and gives their number. Index: `delivery_ready`.
    static func cancelPending(of endpoint: EndpointID, limit: Int, in tx: any Transaction) throws -> Int {
        let cancelled = try tx.run(
            """
            UPDATE delivery
            SET state = \(literal: DeliveryState.cancelled.rawValue), completed_at = \(tx.now)
            WHERE id IN (
                SELECT id
                FROM delivery
                WHERE endpoint_id = \(endpoint) AND state = \(literal: DeliveryState.pending.rawValue)
                ORDER BY lane, due_at, id
                LIMIT \(limit)
                \(.forUpdateSkipLocked))
            """)
        guard cancelled > 0 else { return 0 }
        // Also of an endpoint that retention looks at no more.
        try tx.run(
            """
            UPDATE tally
            SET cancelled = cancelled + \(cancelled), front_at = COALESCE(front_at, 0)
            WHERE endpoint_id = \(endpoint)
            """)
        return cancelled
    }

    /// Cancels what is in flight to `endpoint`; its result will be refused. Index: `delivery_leased`, which holds no more
    /// rows than all nodes have slots.
    private static func cancelLeased(of endpoint: EndpointID, in tx: any Transaction) throws -> Int {
        let leased = try tx.rows(
            """
            SELECT id, endpoint_id
            FROM delivery
            WHERE state = \(literal: DeliveryState.leased.rawValue)
            ORDER BY lease, id
            """)
        var count = 0
        for row in leased where try row.get("endpoint_id") == endpoint {
            count += try tx.run(
                """
                UPDATE delivery
                SET state = \(literal: DeliveryState.cancelled.rawValue), completed_at = \(tx.now), lease = NULL
                WHERE id = \(try row.get("id", as: DeliveryID.self))
                    AND state = \(literal: DeliveryState.leased.rawValue)
                """)
        }
        return count
    }
}
