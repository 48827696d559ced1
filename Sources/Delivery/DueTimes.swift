import Storage
import Timestamps

/// Pulls in what waits for a time that was set back.
///
/// Due times are times of day. When those are set back by an hour, a retry that was due in 2 s would wait for an hour
/// and 2 s. So after such a step each due time that lies further ahead than its schedule allows moves by the step, and so
/// does the end of each hold that an endpoint asked for.
package enum DueTimes {
    /// How far the walk is.
    package struct Cursor: Sendable, Hashable {
        var endpoint: String
        var dueAt: Timestamp
        var id: String

        /// The beginning.
        package static let start = Cursor(endpoint: "", dueAt: .first, id: "")
    }

    /// One transaction: moves at most 500 retries of one endpoint, the pace of its release, and its hold. Index:
    /// `delivery_ready`.
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
        if cursor == .start { try pullInLeased(by: step, at: now, schedule: schedule, in: tx) }
        let endpoint: String? = try tx.value(
            """
            SELECT MIN(id) AS value
            FROM endpoint
            WHERE id >= \(cursor.endpoint)
            """)
        guard let endpoint else { return nil }
        let isSame = endpoint == cursor.endpoint
        if !isSame {
            try pullInRelease(of: endpoint, at: now, in: tx)
            try pullInHold(of: EndpointID(trusted: endpoint), by: step, at: now, in: tx)
        }
        let from = isSame ? cursor : Cursor(endpoint: endpoint, dueAt: now, id: "")
        let rows = try tx.rows(
            """
            SELECT id, due_at, step
            FROM delivery
            WHERE endpoint_id = \(endpoint) AND state = \(literal: DeliveryState.pending.rawValue)
                AND lane = \(literal: DeliveryLane.retry.rawValue) AND due_at >= \(from.dueAt)
                AND (due_at > \(from.dueAt) OR id > \(from.id))
            ORDER BY due_at, id
            LIMIT \(batch)
            """)
        var last = from
        for row in rows {
            last = Cursor(endpoint: endpoint, dueAt: try row.get("due_at"), id: try row.get("id"))
            try pullIn(row, .pending, by: step, at: now, schedule: schedule, in: tx)
        }
        if rows.count == batch { return last }
        return Cursor(endpoint: endpoint + "\u{1}", dueAt: .first, id: "")
    }

    /// Those that are being attempted: one that is handed back waits for the same time again. Index: `delivery_leased`, which
    /// has no more rows than all nodes have slots.
    private static func pullInLeased(
        by step: Duration?, at now: Timestamp, schedule: RetrySchedule, in tx: any Transaction
    ) throws {
        let rows = try tx.rows(
            """
            SELECT id, due_at, step
            FROM delivery
            WHERE state = \(literal: DeliveryState.leased.rawValue)
            ORDER BY lease, id
            """)
        for row in rows { try pullIn(row, .leased, by: step, at: now, schedule: schedule, in: tx) }
    }

    /// Moves the due time of one delivery when it lies further ahead than its schedule allows.
    private static func pullIn(
        _ row: Row, _ state: DeliveryState, by step: Duration?, at now: Timestamp, schedule: RetrySchedule,
        in tx: any Transaction
    ) throws {
        let dueAt: Timestamp = try row.get("due_at")
        let longest = schedule.longestWait(beforeStep: try row.get("step")) + (step == nil ? longestRetryAfter : .zero)
        guard dueAt - now > longest else { return }
        let moved = step.map { max(dueAt + $0, now + .seconds(1)) } ?? now + .seconds(1)
        try tx.run(
            """
            UPDATE delivery
            SET due_at = \(moved)
            WHERE id = \(try row.get("id", as: DeliveryID.self)) AND due_at = \(dueAt)
                AND state = \(literal: state.rawValue)
            """)
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

    private static func pullInRelease(of endpoint: String, at now: Timestamp, in tx: any Transaction) throws {
        let row = try tx.rows("SELECT release_rate, release_next_at FROM endpoint WHERE id = \(endpoint)").first
        guard let rate: Double = try row?.find("release_rate"), let next: Timestamp = try row?.find("release_next_at")
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

    private static func pullInHold(
        of endpoint: EndpointID, by step: Duration?, at now: Timestamp, in tx: any Transaction
    ) throws {
        guard let (_, known) = try DeliveryQueries.versionAndPace(of: endpoint, in: tx) else { return }
        var pace = known
        pace.pullIn(by: step, at: now)
        if pace != known { try tx.run(DeliveryQueries.setPace(pace, of: endpoint)) }
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
