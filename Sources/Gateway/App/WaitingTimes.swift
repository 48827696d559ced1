import Delivery
import Storage
import Timestamps

/// Pulls in what waits for a time that was set back, of all but deliveries, which ``DueTimes`` does.
///
/// Each time that lies further ahead than it can have been set by the present clock is set again by that. Nothing is lost by
/// it: what it says is what would have been written now.
package struct WaitingTimes: Sendable {
    let store: any Store
    /// A phone that is silent for so long is offline.
    let offlineAfter: Duration
    let unreadable: UnreadableRows

    /// With all that it is made of.
    package init(store: any Store, offlineAfter: Duration, unreadable: UnreadableRows) {
        self.store = store
        self.offlineAfter = offlineAfter
        self.unreadable = unreadable
    }

    /// A column that never lies further ahead than `longest`.
    private struct Column {
        let table: SQL
        let key: SQL
        let name: SQL
        /// What the index of the column needs to be used.
        var condition: SQL = ""
        let longest: Duration
        /// From now on, what it is set to where it does.
        let reset: Duration
    }

    /// The columns with an index, or in tables of few rows. Indexes: `push_due`, `presence_check`, `presence_wake`,
    /// `session_expires`, `invitation_expires`.
    private var columns: [Column] {
        let day: Duration = .seconds(86_400)
        return [
            Column(table: "push", key: "id", name: "due_at", longest: PushSender.longestWait, reset: .zero),
            // The check looks when the phone was heard last, and sets it again.
            Column(
                table: "presence", key: "phone_id", name: "check_at", condition: "AND online = 1",
                longest: offlineAfter,
                reset: .zero),
            Column(
                table: "presence", key: "phone_id", name: "wake_at", longest: HeartbeatOperations.wakeUpAfter,
                reset: HeartbeatOperations.wakeUpAfter),
            Column(
                table: "session", key: "token_hash", name: "expires_at", longest: SessionQueries.lifetime,
                reset: SessionQueries.lifetime),
            Column(
                table: "invitation", key: "token_hash", name: "expires_at", longest: InvitationQueries.lifetime,
                reset: InvitationQueries.lifetime),
            Column(table: "first_run_token", key: "token_hash", name: "expires_at", longest: day, reset: day),
            Column(table: "user_erasure", key: "user_id", name: "due_at", longest: .seconds(60), reset: .zero),
            Column(table: "user_erasure", key: "user_id", name: "ends_at", longest: .seconds(60), reset: .seconds(60)),
        ]
    }

    /// Does so, a bounded transaction after the other: after a step back, and at a start, when nobody knows what was set since.
    package func pullIn() async throws {
        for column in columns {
            while try await store.write(.maintenance, { tx in try Self.pullIn(column, in: tx) == Self.batch }) {}
        }
        var place: Place? = .start
        while let from = place {
            place = try await store.write(.maintenance) { tx in try Self.pullInExpiry(after: from, in: tx) }
        }
        var phone: String? = ""
        while let from = phone {
            phone = try await store.write(.maintenance) { tx in try replan(after: from, in: tx) }
        }
        for topic in [Wakeups.Topic.messages, .pushes, .presence, .erasures] { store.wakeups.signal(topic) }
    }

    private static func pullIn(_ column: Column, in tx: any Transaction) throws -> Int {
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
    private struct Place: Sendable {
        let expiresAt: Timestamp
        let id: String

        static let start = Place(expiresAt: .first, id: "")
    }

    /// Each phone gives its attempts a time of its own, so all that run are looked at. Index: `message_expires`.
    private static func pullInExpiry(after place: Place, in tx: any Transaction) throws -> Place? {
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
    private func replan(after id: String, in tx: any Transaction) throws -> String? {
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

    private static let batch = 500
    /// The clocks of nodes differ by less.
    private static let margin: Duration = .seconds(15)
}
