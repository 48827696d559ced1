import Storage
import Timestamps

/// Erases the events of a user whose endpoints are deleted, with their deliveries and attempts.
package enum EventErasure {
    /// How far it is.
    package enum Progress: Sendable {
        /// Something was erased; there may be more.
        case erased
        /// A delivery in flight holds up the rest.
        case waiting
        /// Nothing is left but the counts of the endpoints' tallies.
        case done
    }

    /// Takes the user's id out of the tallies, which are kept because they add up to what the server did. Only when erasing
    /// is done and nothing of the user's is under way: it finds its endpoints by them. Index: `tally_user`.
    package static func forget(userID: UserID, in tx: any Transaction) throws {
        try tx.run("UPDATE tally SET user_id = NULL WHERE user_id IN \(list: userID.scopes)")
    }

    /// One transaction: erases a bounded number of deliveries, or else as many events as a transaction may. Run it until it is
    /// done.
    ///
    /// Indexes: `tally_user`, `delivery_log`, `replay_user`, `event_user`.
    package static func erase(userID: UserID, in tx: any Transaction) throws -> Progress {
        try tx.run("DELETE FROM replay WHERE user_id = \(userID)")
        let endpoints: [EndpointID] = try tx.rows(
            """
            SELECT endpoint_id
            FROM tally
            WHERE user_id IN \(list: userID.scopes) AND EXISTS (
                SELECT 1
                FROM delivery
                WHERE delivery.endpoint_id = tally.endpoint_id)
            ORDER BY endpoint_id
            LIMIT 32
            """
        ).map { try $0.get("endpoint_id") }
        for endpoint in endpoints {
            // Nil: whoever has its tally is done in a moment.
            guard let pruned = try Retention.erase(endpoint, in: tx) else { return .waiting }
            if pruned.count > 0 { return .erased }
        }
        for endpoint in endpoints {
            let left = try tx.rows("SELECT id FROM delivery WHERE endpoint_id = \(endpoint) LIMIT 1")
            if !left.isEmpty { return .waiting }
        }
        for owner in userID.scopes {
            var room = DeletionRoom()
            let events: [EventID] = try Deletion(
                "event", key: "id", byteCount: EventLog.byteCount, where: "user_id = \(owner)", order: "position"
            ).rows(&room, in: tx).map { try $0.get("id") }
            if events.isEmpty { continue }
            try EventLog.delete(events, in: tx)
            return .erased
        }
        return .done
    }
}
