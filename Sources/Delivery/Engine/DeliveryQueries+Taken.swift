import Storage

extension DeliveryQueries {
    /// What a claim gave.
    struct Taken: Sendable {
        /// These are ours now.
        var deliveries: [ClaimedDelivery] = []
        /// These could not be read, and have failed: which, and why.
        var unreadable: [String] = []
    }

    /// Reads what was claimed, row by row: one that cannot be read keeps none of the others, which are ours by now.
    ///
    /// It fails, and does not wait for somebody to repair it: it would keep the later events of its message, and there is
    /// nothing to send. It may be replayed once it can be read again.
    static func taken(_ rows: [Row], in tx: any Transaction) throws -> Taken {
        var taken = Taken()
        for row in rows {
            do {
                taken.deliveries.append(try ClaimedDelivery(row: row))
            } catch StorageError.corrupt(let reason) {
                let id: DeliveryID = try row.get("id")
                try fail(id, of: try row.get("endpoint_id"), in: tx)
                taken.unreadable.append("\(id): \(reason)")
            }
        }
        return taken
    }

    /// Ends a claim that was not attempted, and never can be.
    private static func fail(_ id: DeliveryID, of endpoint: EndpointID, in tx: any Transaction) throws {
        try tx.runBatch([
            """
            UPDATE delivery
            SET state = \(literal: DeliveryState.failed.rawValue), completed_at = \(tx.now), lease = NULL,
                attempt = attempt - 1, last_error = \(AttemptFailure.Code.eventUnreadable.rawValue)
            WHERE id = \(id)
            """,
            "UPDATE tally SET failed = failed + 1 WHERE endpoint_id = \(endpoint)",
            HourlyCounts.add(succeeded: 0, failed: 1, of: endpoint, hour: HourlyCounts.hour(of: tx.now)),
        ])
    }
}
