import Storage
import Timestamps

/// Deletes what is older than the retention time, a bounded number of rows in a transaction.
///
/// Deliveries go from the front of each endpoint's sequence, so that what is left is contiguous and a missing row can be
/// told from a pruned one. A delivery that is being attempted stops it there. Held ones are pruned like others: that is
/// how long they are kept.
package enum Retention {
    /// One transaction: prunes deliveries of one endpoint, or events, accepted before `cutoff`.
    ///
    /// - Returns: Whether there may be more.
    package static func prune(before cutoff: Timestamp, in tx: any Transaction) throws -> Bool {
        let oldest = try tx.rows("SELECT endpoint_id FROM tally ORDER BY endpoint_id")
        for row in oldest {
            if try pruneDeliveries(of: row.get("endpoint_id"), before: cutoff, in: tx) { return true }
        }
        // A day behind, so that no delivery outlives its event.
        return try pruneEvents(before: cutoff - .seconds(86_400), in: tx)
    }

    /// Index: `delivery_log`. False when the front of the sequence is younger, or being attempted.
    static func pruneDeliveries(
        of endpoint: EndpointID, before cutoff: Timestamp, in tx: any Transaction
    ) throws -> Bool {
        let front = try tx.rows(
            """
            SELECT id, state, created_at
            FROM delivery
            WHERE endpoint_id = \(endpoint)
            ORDER BY sequence
            LIMIT \(batch)
            """)
        var counts: [DeliveryState: Int] = [:]
        var ids: [DeliveryID] = []
        for row in front {
            let state: DeliveryState = try row.get("state")
            if try row.get("created_at") >= cutoff || state == .leased { break }
            counts[state, default: 0] += 1
            ids.append(try row.get("id"))
        }
        if ids.isEmpty { return false }
        try tx.run("DELETE FROM attempt WHERE delivery_id IN \(list: ids)")
        try tx.run("DELETE FROM delivery WHERE id IN \(list: ids)")
        try tx.run(
            """
            UPDATE tally
            SET succeeded = succeeded - \(counts[.succeeded] ?? 0), failed = failed - \(counts[.failed] ?? 0),
                cancelled = cancelled - \(counts[.cancelled] ?? 0), pruned = pruned + \(ids.count)
            WHERE endpoint_id = \(endpoint)
            """)
        return true
    }

    /// Index: `event_position`.
    private static func pruneEvents(before cutoff: Timestamp, in tx: any Transaction) throws -> Bool {
        let old = try tx.rows(
            """
            SELECT id
            FROM event
            WHERE position < (
                    SELECT COALESCE(MIN(position), 0) + \(scanned) FROM event)
                AND created_at < \(cutoff) AND retained_from < \(cutoff)
            ORDER BY position
            LIMIT \(batch)
            """)
        if old.isEmpty { return false }
        let ids: [EventID] = try old.map { try $0.get("id") }
        try tx.run("DELETE FROM event_body WHERE event_id IN \(list: ids)")
        try tx.run("DELETE FROM event WHERE id IN \(list: ids)")
        return true
    }

    /// Rows in one transaction: about 10 ms, which is what a request may have to wait for it.
    private static let batch = 500
    /// Positions looked at for events to prune; replayed ones among them are left for later.
    private static let scanned = 5_000
}
