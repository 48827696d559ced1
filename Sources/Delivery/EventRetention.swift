import Storage
import Timestamps

/// Deletes events that are older than the retention time, in the order of their positions.
///
/// What is kept longer, because a replay sent it again, is passed over and looked at again when its own time has come, and
/// not in each round before.
package struct EventRetention: Sendable {
    /// All up to here is gone, or kept until `keptUntil` at least.
    private var position: Int64 = 0
    private var keptUntil: Timestamp?

    /// Begins with the oldest event.
    package init() {}

    /// Begins a round: with the oldest event again when one that was passed over is old enough now.
    package mutating func begin(before cutoff: Timestamp) {
        guard let keptUntil, keptUntil < cutoff else { return }
        self = EventRetention()
    }

    /// What a transaction did.
    package struct Step: Sendable {
        /// Events deleted.
        package let count: Int
        /// Where the next transaction begins.
        package let next: EventRetention
        /// Whether there may be more.
        package let mayHaveMore: Bool
    }

    /// One transaction: looks at 500 events and deletes those before `cutoff`. Index: `event_position`.
    ///
    /// Another node may do the same: a row that is locked is passed over, by a replay that keeps it neither.
    package func step(before cutoff: Timestamp, in tx: any Transaction) throws -> Step {
        let rows = try tx.rows(
            """
            SELECT id, position, created_at, retained_from
            FROM event
            WHERE position > \(position)
            ORDER BY position
            LIMIT \(Self.batch)
            """)
        let seen = try rows.map(Seen.init(row:))
        // What is young from there on is where the next round begins.
        guard let last = seen.lastIndex(where: { $0.createdAt < cutoff }) else {
            return Step(count: 0, next: self, mayHaveMore: false)
        }
        var next = self
        next.position = seen[last].position
        var old: [EventID] = []
        for event in seen[...last] {
            if event.keptUntil < cutoff { old.append(event.id) } else { next.passOver(until: event.keptUntil) }
        }
        let locked: [EventID] =
            old.isEmpty
            ? []
            : try tx.rows(
                """
                SELECT id
                FROM event
                WHERE id IN \(list: old) AND retained_from < \(cutoff)
                ORDER BY position
                \(.forUpdateSkipLocked)
                """
            ).map { try $0.get("id") }
        if locked.count < old.count { next.passOver(until: cutoff - .microseconds(1)) }
        if !locked.isEmpty {
            try tx.run("DELETE FROM event_body WHERE event_id IN \(list: locked)")
            try tx.run("DELETE FROM event WHERE id IN \(list: locked)")
        }
        return Step(count: locked.count, next: next, mayHaveMore: rows.count == Self.batch)
    }

    /// An event near the front of the log.
    private struct Seen: RowDecodable {
        let id: EventID
        let position: Int64
        let createdAt: Timestamp
        /// When the time begins that it is kept for.
        let keptUntil: Timestamp

        init(row: Row) throws {
            id = try row.get("id")
            position = try row.get("position")
            createdAt = try row.get("created_at")
            keptUntil = max(createdAt, try row.get("retained_from"))
        }
    }

    private mutating func passOver(until time: Timestamp) {
        keptUntil = min(keptUntil ?? time, time)
    }

    /// Rows in one transaction: about 10 ms.
    private static let batch = 500
}
