import Storage
import Timestamps

extension DeliveryQueries {
    /// Takes the turn to try the own URL of `endpoint`, which is out; false when another node has it, or the endpoint has
    /// another version. Before deliveries are claimed, as their rows are locked after the endpoint's everywhere.
    static func bookTrial(of endpoint: Endpoint, at now: Timestamp, in tx: any Transaction) throws -> Bool {
        let rows = try tx.rows(
            """
            SELECT url_out_since, url_tried_at
            FROM endpoint
            WHERE id = \(endpoint.id) AND version = \(endpoint.version)
            \(.forUpdateSkipLocked)
            """)
        guard let outage = try rows.first.map(Outage.init(row:)), outage.isTrialDue(at: now) else { return false }
        try tx.run("UPDATE endpoint SET url_tried_at = \(now) WHERE id = \(endpoint.id)")
        return true
    }

    /// Stores how the own URL of an endpoint does.
    static func setOutage(_ outage: Outage, of endpoint: EndpointID) -> SQL {
        """
        UPDATE endpoint
        SET url_out_since = \(outage.since), url_tried_at = \(outage.triedAt)
        WHERE id = \(endpoint)
        """
    }
}

extension DeliveryQueries.Taken {
    /// Says where what was claimed goes: to the fallback while that is used, but for one that is to try the own URL and has
    /// retries left.
    mutating func choose(_ route: Route, withTrial: Bool) {
        for index in deliveries.indices { deliveries[index].route = route }
        guard withTrial, let index = deliveries.firstIndex(where: { $0.step == 0 }) else { return }
        deliveries[index].route = .trial
    }
}

extension Outage {
    /// Reads the columns of `endpoint`.
    init(row: Row) throws {
        self.init(since: try row.find("url_out_since"), triedAt: try row.find("url_tried_at"))
    }
}
