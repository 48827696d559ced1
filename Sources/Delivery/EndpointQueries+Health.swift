import Storage

extension EndpointQueries {
    /// Forgets the failures of an endpoint: one that is active again is judged by what follows.
    package func forgiveFailures(of id: EndpointID, in tx: any Transaction) throws {
        try tx.run("UPDATE endpoint_health SET failing_since = NULL, failure_count = 0 WHERE endpoint_id = \(id)")
    }
}
