import Storage
import Timestamps

/// An event of the log.
package struct LogEntry: Sendable {
    /// Its place in the log of all users: grows, with gaps for one user. Nil for an event that was accepted a moment ago and
    /// is not in the lists yet.
    package let position: Int64?
    /// The event.
    package let id: EventID
    /// Its type.
    package let type: String
    /// When it was accepted.
    package let createdAt: Timestamp
    /// The CloudEvent, as it is delivered.
    package let body: [UInt8]
    /// The user's webhooks at that time.
    package let matches: [EventMatch]
}

extension LogEntry: RowDecodable {
    /// Reads a row of `event` with its body.
    package init(row: Row) throws {
        position = try row.find("position")
        id = try row.get("id")
        type = try row.get("type")
        createdAt = try row.get("created_at")
        body = try row.get("body")
        matches = EventMatch.decode(try row.get("matches"))
    }
}

/// Reads the log of events.
package enum EventLog {
    /// What the log is narrowed to.
    package struct Filter: Sendable {
        /// Only events of these types; empty is all.
        package var types: [String] = []
        /// Only events of this phone number; nil is all.
        package var owner: String?

        /// A filter that lets everything through.
        package init() {}
    }

    /// At most `limit` events of `userID`: those after the position `after` in ascending order, or when it is nil the
    /// newest before the position `before`, newest first. Index: `event_user`.
    package static func list(
        userID: UserID, after: Int64?, before: Int64? = nil, _ filter: Filter = Filter(), limit: Int,
        in tx: any Transaction
    ) throws -> [LogEntry] {
        let types: SQL = filter.types.isEmpty ? "" : "AND e.type IN \(list: filter.types)"
        let owner: SQL = filter.owner.map { "AND e.owner = \($0)" } ?? ""
        let from: SQL = "AND e.position > \(after ?? 0)" + (before.map { "AND e.position < \($0)" } ?? "")
        let order: SQL = after == nil ? "ORDER BY e.position DESC" : "ORDER BY e.position"
        return try tx.all(
            LogEntry.self,
            select + """
                WHERE e.user_id = \(userID) \(from) \(types) \(owner)
                \(order)
                LIMIT \(limit)
                """)
    }

    /// The event `id` of `userID`; nil when there is none.
    package static func find(_ id: EventID, userID: UserID, in tx: any Transaction) throws -> LogEntry? {
        try tx.first(LogEntry.self, select + "WHERE e.id = \(id) AND e.user_id IN (\(userID), \(userID.alerts))")
    }

    /// The position of the newest event of all users.
    package static func head(in tx: any Transaction) throws -> Int64 {
        try tx.value(EventNumbering.head) ?? 0
    }

    /// What the body of a row of `event` holds, in bytes.
    static let byteCount: SQL = """
        COALESCE((
            SELECT CAST(LENGTH(b.body) AS BIGINT)
            FROM event_body b
            WHERE b.event_id = event.id), 0)
        """

    /// Deletes `events` with their bodies, whose positions nobody gets again.
    static func delete(_ events: [EventID], in tx: any Transaction) throws {
        if events.isEmpty { return }
        try EventNumbering.keepHead(in: tx)
        try tx.run("DELETE FROM event_body WHERE event_id IN \(list: events)")
        try tx.run("DELETE FROM event WHERE id IN \(list: events)")
    }

    private static let select: SQL = """
        SELECT e.*, b.body
        FROM event e
        JOIN event_body b ON b.event_id = e.id
        """
}
