import Storage

extension EndpointQueries {
    /// Has the filters of `userID`'s endpoints that ask for times of the day read them in `zone`. Index: `endpoint_user`.
    package func setZone(_ zone: String, of userID: UserID, in tx: any Transaction) throws {
        let rows = try tx.rows(
            """
            SELECT id, filter
            FROM endpoint
            WHERE user_id = \(userID) AND filter IS NOT NULL
                AND status <> \(literal: EndpointStatus.deleted.rawValue)
            ORDER BY id
            """)
        for row in rows {
            // One that cannot be read is noted where its endpoint is used.
            guard var filter = try? EventFilter(row: row), filter.times != nil, filter.zone != zone else { continue }
            filter.zone = zone
            let id: EndpointID = try row.get("id")
            try tx.run("UPDATE endpoint SET filter = \(try filter.stored) WHERE id = \(id)")
        }
    }
}
