import Delivery
import Storage
import Timestamps

extension WaitingTimes {
    /// Sets the times of a column that lie too far ahead, at most ``batch``; gives how many.
    static func pullIn(_ column: Column, in tx: any Transaction) throws -> Int {
        let limit = tx.now + column.longest + margin
        return try tx.run(
            """
            UPDATE \(column.table)
            SET \(column.name) = \(tx.now + column.reset)
            WHERE \(column.key) IN (
                    SELECT \(column.key)
                    FROM \(column.table)
                    WHERE \(column.name) > \(limit) \(column.condition)
                    ORDER BY \(column.name) DESC, \(column.key) DESC
                    LIMIT \(batch))
                AND \(column.name) > \(limit)
            """)
    }

    /// How far a walk over attempts is.
    struct Place: Sendable {
        let expiresAt: Timestamp
        let id: String

        static let start = Place(expiresAt: .first, id: "")
    }

    /// Each phone gives its attempts a time of its own, so all that run are looked at. Index: `message_expires`.
    static func pullInExpiry(after place: Place, in tx: any Transaction) throws -> Place? {
        let from = max(place.expiresAt, tx.now)
        let rows = try tx.rows(
            """
            SELECT id, expires_at, \(MessageQueries.expiration) AS expiration
            FROM message
            WHERE expires_at IS NOT NULL AND expires_at >= \(from) AND (expires_at > \(from) OR id > \(place.id))
            ORDER BY expires_at, id
            LIMIT \(batch)
            """)
        for row in rows {
            let (expiresAt, end) = (try row.get("expires_at", as: Timestamp.self), tx.now + (try row.get("expiration")))
            guard expiresAt > end + margin else { continue }
            try tx.run(
                """
                UPDATE message
                SET expires_at = \(end)
                WHERE id = \(try row.get("id", as: String.self)) AND expires_at = \(expiresAt)
                """)
        }
        guard rows.count == batch, let last = rows.last else { return nil }
        return Place(expiresAt: try last.get("expires_at"), id: try last.get("id"))
    }

    /// Decides again when the queues of phones go on; gives the last phone when there may be more. Index: the primary key.
    func replan(after id: String, in tx: any Transaction) throws -> String? {
        let rows = try tx.rows(
            """
            SELECT *
            FROM phone
            WHERE id > \(id) AND next_at IS NOT NULL AND next_at > \(tx.now)
            ORDER BY id
            LIMIT \(Self.batch)
            \(.forUpdate)
            """)
        try tx.each(rows) { row in
            try MessagePlanner.replan(try Phone(row: row), in: tx)
        } passOver: { row, error in
            unreadable.note("phone", try row.get("id"), error, in: tx)
        }
        return rows.count == Self.batch ? try rows.last?.get("id") : nil
    }
}
