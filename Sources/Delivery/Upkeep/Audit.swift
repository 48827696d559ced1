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
            FROM tally_now t
            LEFT JOIN endpoint e ON e.id = t.endpoint_id
            ORDER BY t.endpoint_id
            """
        ).map { row in
            let endpoint: EndpointID = try row.get("endpoint_id")
            let isActive = try row.find("status", as: Int.self) == EndpointStatus.active.rawValue
            let waiting = pending[endpoint] ?? 0
            return Account(
                endpoint: endpoint, accepted: try row.get("accepted") + (unnumbered[endpoint] ?? 0),
                succeeded: try row.get("succeeded"),
                failed: try row.get("failed"), cancelled: try row.get("cancelled"), pruned: try row.get("pruned"),
                pending: isActive ? waiting : 0, held: isActive ? 0 : waiting, delivering: leased[endpoint] ?? 0)
        }
    }

    /// Compares at most 10,000 of an endpoint's sequences after `cursor` with its rows: all behind the first that is left must
    /// be there, and all that were not pruned. Index: `delivery_log`.
    ///
    /// - Returns: What does not fit, nil when all does; and the cursor of the next slice, nil at the end.
    package static func slice(
        of endpoint: EndpointID, after cursor: Int64, in tx: any Transaction
    ) throws -> (mismatch: Mismatch?, next: Int64?) {
        guard let stretch = try stretch(of: endpoint, after: cursor, in: tx) else { return (nil, nil) }
        if cursor == 0, let mismatch = stretch.prunedMismatch { return (mismatch, stretch.first) }
        guard stretch.last > stretch.first else { return (nil, nil) }
        let found: Int64 =
            try tx.value(
                """
                SELECT COUNT(*) AS value
                FROM delivery
                WHERE endpoint_id = \(endpoint) AND sequence > \(stretch.first) AND sequence <= \(stretch.last)
                """) ?? 0
        return (stretch.mismatch(found: found), stretch.last)
    }

    /// A part of an endpoint's sequence, of at most 10,000.
    struct Stretch: Sendable {
        let endpoint: EndpointID
        /// The rows are after this one,
        let first: Int64
        /// and up to this one.
        let last: Int64
        /// How many were pruned, by the counter.
        let pruned: Int64
        /// The sequence before the first row that is left.
        let front: Int64

        /// More cannot have been pruned than there is room before the first row. (Fewer is found as rows that are missing.)
        var prunedMismatch: Mismatch? {
            pruned <= front ? nil : Mismatch(endpoint: endpoint, subject: "pruned", expected: pruned, found: front)
        }

        /// What `found` rows in it say.
        func mismatch(found: Int64) -> Mismatch? {
            let expected = last.clampedSubtracting(first)
            if found == expected { return nil }
            let (from, to) = (first.clampedAdding(1), last)
            return Mismatch(
                endpoint: endpoint, subject: "deliveries \(from) to \(to)", expected: expected, found: found)
        }
    }

    /// The part of the sequence after `cursor`, 0 for its beginning; nil when there is no such account. What the counter calls
    /// pruned is not believed where rows are. Index: `delivery_log`.
    static func stretch(of endpoint: EndpointID, after cursor: Int64, in tx: any Transaction) throws -> Stretch? {
        let tally = try tx.rows(
            """
            SELECT accepted, pruned, (SELECT MIN(sequence) FROM delivery WHERE endpoint_id = \(endpoint)) AS front
            FROM tally_now
            WHERE endpoint_id = \(endpoint)
            """
        ).first
        guard let tally else { return nil }
        let (accepted, pruned): (Int64, Int64) = (try tally.get("accepted"), try tally.get("pruned"))
        let front = try tally.find("front", as: Int64.self)?.clampedSubtracting(1) ?? accepted
        let first = max(cursor, min(pruned, front))
        return Stretch(
            endpoint: endpoint, first: first, last: max(first, min(first.clampedAdding(10_000), accepted)),
            pruned: pruned, front: front)
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
