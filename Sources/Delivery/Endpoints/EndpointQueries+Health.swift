import Storage

extension EndpointQueries {
    /// Forgets the failures of an endpoint: they were those of an earlier version.
    func forgiveFailures(of id: EndpointID, in tx: any Transaction) throws {
        try EndpointSlots.fold(id, in: tx)
        try tx.run("UPDATE endpoint_health SET failing_since = NULL, failure_count = 0 WHERE endpoint_id = \(id)")
    }
}
