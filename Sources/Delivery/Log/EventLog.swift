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

/// A part of the log.
package struct LogPage: Sendable {
    /// In the order that was asked for.
    package let events: [LogEntry]
    /// The position that the next page begins at, without it; nil at the end of the log.
    package let next: Int64?
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

    /// The events of `userID` after the position `after` in ascending order, or when it is nil the newest before the position
    /// `before`, newest first: at most `limit`, with at most ``pageBytes`` of bodies; an event that is larger is a page of its own.
    /// Index: `event_user`.
    package static func page(
        userID: UserID, after: Int64?, before: Int64? = nil, _ filter: Filter = Filter(), limit: Int,
        in tx: any Transaction
    ) throws -> LogPage {
        let extent = try extent(userID: userID, after: after, before: before, filter, limit: limit, in: tx)
        return LogPage(events: try events(in: extent, in: tx), next: extent.next)
    }

    /// Which events a page has, and how large they are, for who makes room for them before they are read.
    ///
    /// - Parameters:
    ///   - userID: Whose log it is.
    ///   - after: The position before the first event, which the others follow in ascending order; nil goes from the newest back.
    ///   - before: The position behind the first event of a page that goes back; nil for the newest.
    ///   - filter: What the log is narrowed to.
    ///   - limit: The most events.
    ///   - tx: What is read in.
    /// - Returns: The extent, which is empty where there is no such event.
    /// - Throws: `StorageError`.
    package static func extent(
        userID: UserID, after: Int64?, before: Int64? = nil, _ filter: Filter = Filter(), limit: Int,
        in tx: any Transaction
    ) throws -> Extent {
        let types: SQL = filter.types.isEmpty ? "" : "AND e.type IN \(list: filter.types)"
        let owner: SQL = filter.owner.map { "AND e.owner = \($0)" } ?? ""
        let from: SQL = "AND e.position > \(after ?? 0)" + (before.map { "AND e.position < \($0)" } ?? "")
        let order: SQL = after == nil ? "ORDER BY e.position DESC" : "ORDER BY e.position"
        // Both engines tell the length of bytes without reading them.
        let measures = try tx.all(
            Measure.self,
            """
            SELECT e.id, e.position, LENGTH(b.body) AS size
            FROM event e
            JOIN event_body b ON b.event_id = e.id
            WHERE e.user_id = \(userID) \(from) \(types) \(owner)
            \(order)
            LIMIT \(limit == 0 ? 0 : limit.clampedAdding(1))
            """)
        var (events, bytes) = ([EventID](), 0)
        for measure in measures.prefix(limit) {
            guard events.isEmpty || bytes.clampedAdding(measure.size) <= pageBytes else { break }
            events.append(measure.id)
            bytes = bytes.clampedAdding(measure.size)
        }
        return Extent(
            events: events, bytes: bytes, order: order,
            next: measures.count > events.count ? measures.prefix(events.count).last?.position : nil)
    }

    /// Which events a page has.
    package struct Extent: Sendable {
        fileprivate let events: [EventID]
        /// What their bodies have together.
        package let bytes: Int
        fileprivate let order: SQL
        /// The position of the last of them when others follow; nil at the end.
        package let next: Int64?

        /// Whether there is none.
        package var isEmpty: Bool { events.isEmpty }
    }

    /// The events of a page, without those that were deleted since.
    package static func events(in extent: Extent, in tx: any Transaction) throws -> [LogEntry] {
        if extent.isEmpty { return [] }
        return try tx.all(LogEntry.self, select + "WHERE e.id IN \(list: extent.events) \(extent.order)")
    }

    private struct Measure: RowDecodable {
        let id: EventID
        let position: Int64
        let size: Int

        init(row: Row) throws {
            id = try row.get("id")
            position = try row.get("position")
            size = try row.find("size") ?? 0
        }
    }

    /// In bytes: a thousand usual events. The body of one has up to 768 KiB, for a text of 128 KiB that is escaped.
    package static let pageBytes = 1 << 20

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
