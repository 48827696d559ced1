import Storage
import Timestamps

/// Sets right the counters of endpoints whose rows say otherwise, and keeps a record of it: for `doctor --repair`.
///
/// The rows decide: `succeeded`, `failed` and `cancelled` become the number of rows in these states, `pruned` what lies before
/// the first row. Rows that are missing behind it stay unaccounted for; no counter is made to hide them.
package enum TallyRepair {
    /// What was set right, once.
    package struct Record: Sendable, RowDecodable, CustomStringConvertible {
        /// Whose counters.
        package let endpoint: EndpointID
        /// When.
        package let repairedAt: Timestamp
        /// What the counters were.
        package let was: String
        /// What they became.
        package let became: String

        /// Reads a row of `tally_repair`.
        package init(row: Row) throws {
            endpoint = try row.get("endpoint_id")
            repairedAt = try row.get("repaired_at")
            was = try row.get("was")
            became = try row.get("became")
        }

        package var description: String { "webhook \(endpoint) at \(repairedAt): was \(was); became \(became)" }
    }

    /// What came of one endpoint.
    package enum Outcome: Sendable {
        /// Its counters were right.
        case right
        case repaired(Record)
        /// Its counters moved each time while its rows were counted.
        case busy
    }

    /// Repairs one endpoint. The rows are counted in slices; the counters are set only if they are what they were while that
    /// was done, which is tried five times.
    ///
    /// - Throws: `StorageError`.
    package static func repair(_ endpoint: EndpointID, in store: any Store) async throws -> Outcome {
        for _ in 0..<5 {
            let count = try await AuditWalk(store).count(endpoint)
            guard let was = count.counters else { return .right }
            guard count.isExact else { continue }
            var became = was
            became.succeeded = count.rows(.succeeded)
            became.failed = count.rows(.failed)
            became.cancelled = count.rows(.cancelled)
            became.pruned = count.front
            if became == was { return .right }
            let result = became
            let record = try await store.write(.maintenance) { tx in try set(endpoint, result, from: was, in: tx) }
            if let record { return .repaired(record) }
        }
        return .busy
    }

    /// The last 100 repairs, newest first.
    package static func records(in tx: any Transaction) throws -> [Record] {
        try tx.all(Record.self, "SELECT * FROM tally_repair ORDER BY repaired_at DESC, endpoint_id LIMIT 100")
    }

    private static func set(
        _ endpoint: EndpointID, _ new: Counters, from old: Counters, in tx: any Transaction
    ) throws -> Record? {
        try EndpointSlots.fold(endpoint, in: tx)
        let changed = try tx.run(
            """
            UPDATE tally
            SET succeeded = \(new.succeeded), failed = \(new.failed), cancelled = \(new.cancelled),
                pruned = \(new.pruned), front_at = 0, retired_at = NULL
            WHERE endpoint_id = \(endpoint) AND succeeded = \(old.succeeded) AND failed = \(old.failed)
                AND cancelled = \(old.cancelled) AND pruned = \(old.pruned)
            """)
        guard changed == 1 else { return nil }
        return try tx.first(
            Record.self,
            """
            INSERT INTO tally_repair (endpoint_id, repaired_at, was, became)
            VALUES (\(endpoint), \(tx.now), \(old.text), \(new.text))
            RETURNING *
            """)
    }
}

extension Counters {
    fileprivate var text: String {
        "succeeded \(succeeded), failed \(failed), cancelled \(cancelled), pruned \(pruned)"
    }
}
