import Storage
import Timestamps

/// Whether every delivery that was ever accepted is accounted for.
///
/// For each endpoint: accepted = succeeded + failed + cancelled + pruned + open, where open is pending, held and being
/// attempted. The left side and the first four are counters that the transactions keep; the rows are counted here.
package struct Audit: Sendable {
    /// One endpoint's account.
    package struct Account: Sendable, Hashable {
        /// The endpoint, which may be deleted.
        package let endpoint: EndpointID
        /// Deliveries ever made for it.
        package let accepted: Int64
        /// By the counters.
        package let succeeded: Int64
        /// By the counters.
        package let failed: Int64
        /// By the counters.
        package let cancelled: Int64
        /// By the counters.
        package let pruned: Int64
        /// Rows that wait at an active endpoint.
        package let pending: Int64
        /// Rows that wait at one that is not active.
        package let held: Int64
        /// Rows that are being attempted.
        package let delivering: Int64

        /// Deliveries that nothing accounts for: 0, or something is wrong.
        package var unaccounted: Int64 {
            [succeeded, failed, cancelled, pruned, pending, held, delivering].reduce(accepted) {
                $0.clampedSubtracting($1)
            }
        }
    }

    /// A stretch of an endpoint's sequence whose rows do not fit its counters.
    package struct Mismatch: Sendable, Hashable, CustomStringConvertible {
        /// The endpoint.
        package let endpoint: EndpointID
        /// What was compared.
        package let subject: String
        /// What the counters say.
        package let expected: Int64
        /// What the rows say.
        package let found: Int64

        package var description: String {
            "webhook \(endpoint): \(subject): expected \(expected), found \(found)"
        }
    }

    /// Every endpoint's account, in the order of their ids. Indexes: `delivery_ready`, `delivery_leased`,
    /// `delivery_fresh`.
    ///
    /// Counts open rows only; run it on a reader.
    package static func accounts(in tx: any Transaction) throws -> [Account] {
        let pending = try open(.pending, in: tx)
        let leased = try open(.leased, in: tx)
        let unnumbered = try EventNumbering.unnumbered(in: tx)
        return try tx.rows(
            """
            SELECT t.*, e.status
            FROM tally t
            LEFT JOIN endpoint e ON e.id = t.endpoint_id
            ORDER BY t.endpoint_id
            """
        ).map { row in
            let endpoint: EndpointID = try row.get("endpoint_id")
            let isActive = try row.find("status", as: EndpointStatus.self) == .active
            let waiting = pending[endpoint] ?? 0
            return Account(
                endpoint: endpoint, accepted: try row.get("accepted") + (unnumbered[endpoint] ?? 0),
                succeeded: try row.get("succeeded"),
                failed: try row.get("failed"), cancelled: try row.get("cancelled"), pruned: try row.get("pruned"),
                pending: isActive ? waiting : 0, held: isActive ? 0 : waiting, delivering: leased[endpoint] ?? 0)
        }
    }

    /// Compares at most 10,000 of an endpoint's sequences after `cursor` with its rows: all that were not pruned must be
    /// there. Index: `delivery_log`.
    ///
    /// - Returns: What does not fit, nil when all does; and the cursor of the next slice, nil at the end.
    package static func slice(
        of endpoint: EndpointID, after cursor: Int64, in tx: any Transaction
    ) throws -> (mismatch: Mismatch?, next: Int64?) {
        let tally = try tx.rows("SELECT accepted, pruned FROM tally WHERE endpoint_id = \(endpoint)").first
        guard let tally else { return (nil, nil) }
        let first = max(cursor, try tally.get("pruned", as: Int64.self))
        let last = min(first + 10_000, try tally.get("accepted", as: Int64.self))
        guard last > first else { return (nil, nil) }
        let found: Int64 =
            try tx.value(
                """
                SELECT COUNT(*) AS value
                FROM delivery
                WHERE endpoint_id = \(endpoint) AND sequence > \(first) AND sequence <= \(last)
                """) ?? 0
        let mismatch = Mismatch(
            endpoint: endpoint, subject: "deliveries \(first + 1) to \(last)", expected: last - first, found: found)
        return (found == last - first ? nil : mismatch, last)
    }

    /// Compares every row with the counters, states included; for a command, as it reads the whole table.
    package static func full(in tx: any Transaction) throws -> [Mismatch] {
        var states: [EndpointID: [DeliveryState: Int64]] = [:]
        for row in try tx.rows("SELECT endpoint_id, state, COUNT(*) AS total FROM delivery GROUP BY endpoint_id, state")
        {
            states[try row.get("endpoint_id"), default: [:]][try row.get("state")] = try row.get("total")
        }
        return try accounts(in: tx).flatMap { account -> [Mismatch] in
            let rows = states[account.endpoint] ?? [:]
            let pairs: [(String, Int64, Int64)] = [
                ("succeeded", account.succeeded, rows[.succeeded] ?? 0), ("failed", account.failed, rows[.failed] ?? 0),
                ("cancelled", account.cancelled, rows[.cancelled] ?? 0), ("unaccounted", 0, account.unaccounted),
            ]
            return pairs.filter { $0.1 != $0.2 }.map {
                Mismatch(endpoint: account.endpoint, subject: $0.0, expected: $0.1, found: $0.2)
            }
        }
    }

    private static func open(_ state: DeliveryState, in tx: any Transaction) throws -> [EndpointID: Int64] {
        let rows = try tx.rows(
            """
            SELECT endpoint_id, COUNT(*) AS total
            FROM delivery
            WHERE state = \(literal: state.rawValue)
            GROUP BY endpoint_id
            """)
        return Dictionary(
            try rows.map { (try $0.get("endpoint_id"), try $0.get("total")) }, uniquingKeysWith: { $1 })
    }
}
