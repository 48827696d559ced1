import Storage
import Timestamps

/// Pulls in what waits for a time that was set back.
///
/// Due times are times of day. When those are set back by an hour, a retry that was due in 2 s would wait for an hour
/// and 2 s. So after such a step each due time that lies further ahead than its schedule allows moves by the step.
package enum DueTimes {
    /// How far the walk is: endpoints go by id, the retries of one by their due times.
    package struct Cursor: Sendable, Hashable {
        /// The last endpoint that was looked at.
        var endpoint: String
        /// Where in that one the transaction before ended; nil when it is done.
        var retry: Retry?

        struct Retry: Sendable, Hashable {
            var dueAt: Timestamp
            var id: String
        }

        /// The beginning.
        package static let start = Cursor(endpoint: "", retry: nil)
    }

    /// One transaction: looks at up to 500 endpoints with their paces, and at up to 500 retries of those that have one too
    /// far ahead. Index: `delivery_ready`, at the end of each endpoint's retries.
    ///
    /// - Parameters:
    ///   - step: By how much the clock was set, negative; nil when a process starts and nobody knows what was set since:
    ///     then what lies further ahead than its schedule and the longest `Retry-After` is due in a second.
    ///   - cursor: Where the transaction before it ended; ``Cursor/start`` for the first.
    ///   - now: The time of day as it is now.
    ///   - schedule: The waits before retries.
    ///   - tx: The transaction.
    /// - Returns: The cursor of the next transaction; nil at the end.
    /// - Throws: `StorageError`.
    package static func pullIn(
        by step: Duration?, after cursor: Cursor, at now: Timestamp, schedule: RetrySchedule, in tx: any Transaction
    ) throws -> Cursor? {
        let walk = Walk(step: step, now: now, schedule: schedule)
        var room = batch
        if cursor == .start { try walk.pullInLeased(in: tx) }
        if let retry = cursor.retry {
            let own = try ownSchedule(of: cursor.endpoint, in: tx)
            let last = try walk.following(own).pullInRetries(of: cursor.endpoint, after: retry, limit: &room, in: tx)
            return Cursor(endpoint: cursor.endpoint, retry: last)
        }
        let page = try tx.rows(
            """
            SELECT e.id, e.release_rate, e.release_next_at, e.hold_until, e.pace_interval, e.refused_at, e.refusals, e.rate_next_at,
                e.retry_delays, (
                SELECT MAX(d.due_at)
                FROM delivery d
                WHERE d.endpoint_id = e.id AND d.state = \(literal: DeliveryState.pending.rawValue)
                    AND d.lane = \(literal: DeliveryLane.retry.rawValue)) AS last_due_at
            FROM endpoint e
            WHERE e.id > \(cursor.endpoint)
            ORDER BY e.id
            LIMIT \(batch)
            """)
        for row in page {
            let endpoint: String = try row.get("id")
            try walk.pullInRelease(of: endpoint, row, in: tx)
            try walk.pullInPace(of: endpoint, row, in: tx)
            let own = walk.following(Walk.schedule(row: row))
            guard let last: Timestamp = try row.find("last_due_at"), last - now > own.shortest else { continue }
            let start = Cursor.Retry(dueAt: now, id: "")
            let end = try own.pullInRetries(of: endpoint, after: start, limit: &room, in: tx)
            if end != nil || room == 0 { return Cursor(endpoint: endpoint, retry: end) }
        }
        return page.count < batch ? nil : try page.last.map { Cursor(endpoint: try $0.get("id"), retry: nil) }
    }

    /// Walks all endpoints, a bounded transaction after the other: after a step back, and with nil at a start.
    package static func pullIn(
        by step: Duration?, store: any Store, clock: any WallClock, schedule: RetrySchedule
    ) async throws {
        if let step, step >= .zero { return }
        var cursor: Cursor? = .start
        while let from = cursor {
            cursor = try await store.write(.maintenance) { tx in
                try pullIn(by: step, after: from, at: clock.now(), schedule: schedule, in: tx)
            }
        }
        store.wakeups.signal(.deliveries)
    }

    private static func ownSchedule(of endpoint: String, in tx: any Transaction) throws -> RetrySchedule? {
        try tx.rows("SELECT retry_delays FROM endpoint WHERE id = \(endpoint)").first.flatMap(Walk.schedule)
    }

    /// What a transaction goes by.
    private struct Walk {
        let step: Duration?
        let now: Timestamp
        var schedule: RetrySchedule

        /// One that cannot be read stops no other: its endpoint is not sent to.
        static func schedule(row: Row) -> RetrySchedule? { (try? EndpointPlan.schedule(row: row)) ?? nil }

        /// The same for an endpoint with waits of its own, if it has any.
        func following(_ own: RetrySchedule?) -> Walk {
            var walk = self
            walk.schedule = own ?? schedule
            return walk
        }

        /// What no schedule waits for is further ahead than this.
        var shortest: Duration {
            schedule.delays.indices.map { longest(beforeStep: $0 + 1) }.min() ?? longest(beforeStep: 0)
        }

        private func longest(beforeStep number: Int) -> Duration {
            schedule.longestWait(beforeStep: number) + (step == nil ? longestRetryAfter : .zero)
        }

        /// Looks at the retries of `endpoint` behind `start`, at most `limit`, which is lowered by as many; gives the last one
        /// when there may be more.
        func pullInRetries(
            of endpoint: String, after start: Cursor.Retry, limit: inout Int, in tx: any Transaction
        ) throws -> Cursor.Retry? {
            let rows = try tx.rows(
                """
                SELECT id, due_at, step
                FROM delivery
                WHERE endpoint_id = \(endpoint) AND state = \(literal: DeliveryState.pending.rawValue)
                    AND lane = \(literal: DeliveryLane.retry.rawValue) AND due_at >= \(start.dueAt)
                    AND (due_at > \(start.dueAt) OR id > \(start.id))
                ORDER BY due_at, id
                LIMIT \(limit)
                """)
            var last: Cursor.Retry?
            for row in rows {
                let retry = Cursor.Retry(dueAt: try row.get("due_at"), id: try row.get("id"))
                last = retry
                try pullIn(retry, .pending, number: try row.get("step"), in: tx)
            }
            let isFull = rows.count == limit
            limit -= rows.count
            return isFull ? last : nil
        }

        /// Moves the due time of one delivery when it lies further ahead than its schedule allows.
        private func pullIn(
            _ retry: Cursor.Retry, _ state: DeliveryState, number: Int, in tx: any Transaction
        ) throws {
            guard retry.dueAt - now > longest(beforeStep: number) else { return }
            let moved = step.map { max(retry.dueAt + $0, now + .seconds(1)) } ?? now + .seconds(1)
            try tx.run(
                """
                UPDATE delivery
                SET due_at = \(moved)
                WHERE id = \(retry.id) AND due_at = \(retry.dueAt) AND state = \(literal: state.rawValue)
                """)
        }

        /// What is being attempted: one that is handed back waits for the same time again. Index: `delivery_leased`, which
        /// has no more rows than all nodes have slots.
        func pullInLeased(in tx: any Transaction) throws {
            let rows = try tx.rows(
                """
                SELECT d.id, d.due_at, d.step, e.retry_delays
                FROM delivery d
                LEFT JOIN endpoint e ON e.id = d.endpoint_id
                WHERE d.state = \(literal: DeliveryState.leased.rawValue)
                ORDER BY d.lease, d.id
                """)
            for row in rows {
                let retry = Cursor.Retry(dueAt: try row.get("due_at"), id: try row.get("id"))
                let own = following(Self.schedule(row: row))
                try own.pullIn(retry, .leased, number: try row.get("step"), in: tx)
            }
        }

        /// The row that was read tells who needs it; only that one's is locked and read again.
        func pullInPace(of endpoint: String, _ row: Row, in tx: any Transaction) throws {
            var pace = try Pace(row: row)
            let read = pace
            pace.pullIn(by: step, at: now)
            let id = EndpointID(trusted: endpoint)
            guard pace != read, let known = try DeliveryQueries.locked(id, in: tx)?.pace else { return }
            pace = known
            pace.pullIn(by: step, at: now)
            if pace != known { try tx.run(DeliveryQueries.setPace(pace, of: id)) }
        }

        func pullInRelease(of endpoint: String, _ row: Row, in tx: any Transaction) throws {
            guard let rate: Double = try row.find("release_rate"), let next: Timestamp = try row.find("release_next_at")
            else { return }
            let latest = now + .seconds(1 / rate)
            guard next > latest else { return }
            try tx.run(
                """
                UPDATE endpoint
                SET release_next_at = \(latest)
                WHERE id = \(endpoint) AND release_next_at = \(next)
                """)
        }
    }

    private static let batch = 500
    /// An hour, as ``RetryAfter`` allows.
    private static let longestRetryAfter: Duration = .seconds(3_600)
}

extension RetrySchedule {
    /// The longest wait before the attempt that follows `step` failures, jitter included and a second for what the clocks
    /// of nodes differ by; `Retry-After` aside.
    func longestWait(beforeStep step: Int) -> Duration {
        (delay(afterStep: max(step - 1, 0), jitter: 1) ?? .zero) + .seconds(1)
    }
}
