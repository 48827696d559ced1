import Storage
import Timestamps

/// Deletes events that are older than the retention time, in the order of their positions.
///
/// What is kept longer, because a replay sent it again or somebody still waits for it, is passed over and looked at again
/// when its own time has come, and not in each round before.
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

    /// One transaction: looks at 500 events and deletes those before `cutoff` that there is room for. Index: `event_position`.
    ///
    /// Only from the front of the log: what comes behind a young event is not older, whatever the clock said that it was
    /// dated by. An event that has a delivery to be made is kept, for an hour more and then for another.
    ///
    /// Another node may do the same. A row that is locked is passed over, also one that a replay locks to keep it.
    ///
    /// - Parameters:
    ///   - cutoff: What was accepted before it is too old.
    ///   - now: The time of day. What is dated more than an hour later says nothing of its age, and is passed over.
    ///   - tx: The transaction.
    /// - Returns: What was done, and where to go on.
    /// - Throws: `StorageError`.
    package func step(before cutoff: Timestamp, at now: Timestamp, in tx: any Transaction) throws -> Step {
        let rows = try tx.rows(
            """
            SELECT id, position, created_at, retained_from, \(EventLog.byteCount) AS byte_count
            FROM event
            WHERE position > \(position)
            ORDER BY position
            LIMIT \(Self.batch)
            """)
        var next = self
        var old: [Seen] = []
        var room = DeletionRoom()
        var isAtEnd = rows.count < Self.batch
        for event in try rows.map(Seen.init(row:)) {
            if event.createdAt - now > ClockGuard.tolerance {
                next.passOver(until: event.createdAt)
            } else if event.createdAt >= cutoff {
                isAtEnd = true
                break
            } else if event.keptUntil >= cutoff {
                next.passOver(until: event.keptUntil)
            } else if room.take(event.byteCount) {
                old.append(event)
            } else {
                isAtEnd = false
                break
            }
            next.position = event.position
        }
        let open = try Self.open(old, in: tx)
        if !open.isEmpty { next.passOver(until: cutoff + Self.openPause) }
        let count = try delete(old.map(\.id).filter { !open.contains($0) }, before: cutoff, &next, in: tx)
        return Step(count: count, next: next, mayHaveMore: !isAtEnd)
    }

    private func delete(
        _ old: [EventID], before cutoff: Timestamp, _ next: inout EventRetention, in tx: any Transaction
    ) throws -> Int {
        if old.isEmpty { return 0 }
        let locked: [EventID] = try tx.rows(
            """
            SELECT id
            FROM event
            WHERE id IN \(list: old) AND retained_from < \(cutoff)
            ORDER BY position
            \(.forUpdateSkipLocked)
            """
        ).map { try $0.get("id") }
        if locked.count < old.count { next.passOver(until: cutoff - .microseconds(1)) }
        if locked.isEmpty { return 0 }
        try EventLog.delete(locked, in: tx)
        return locked.count
    }

    /// Those of `events` that have a delivery which waits, is held or is being made. By the primary key: the id of a
    /// delivery begins with the time of its event, and hardly any is left of a time that is over.
    private static func open(_ events: [Seen], in tx: any Transaction) throws -> Set<EventID> {
        guard let first = events.map(\.createdAt).min(), let last = events.map(\.createdAt).max() else { return [] }
        let ids = DeliveryID.range(of: first, through: last)
        let found: [EventID] = try tx.rows(
            """
            SELECT event_id
            FROM delivery
            WHERE id >= \(ids.lowerBound) AND id <= \(ids.upperBound)
                AND state IN (
                    \(literal: DeliveryState.pending.rawValue), \(literal: DeliveryState.leased.rawValue))
            """
        ).map { try $0.get("event_id") }
        return Set(found).intersection(events.map(\.id))
    }

    /// An event near the front of the log.
    private struct Seen: RowDecodable {
        let id: EventID
        let position: Int64
        let createdAt: Timestamp
        /// When the time begins that it is kept for.
        let keptUntil: Timestamp
        /// What its body holds.
        let byteCount: Int

        init(row: Row) throws {
            id = try row.get("id")
            position = try row.get("position")
            createdAt = try row.get("created_at")
            keptUntil = max(createdAt, try row.get("retained_from"))
            byteCount = try row.get("byte_count")
        }
    }

    private mutating func passOver(until time: Timestamp) {
        keptUntil = min(keptUntil ?? time, time)
    }

    /// Rows that one transaction looks at.
    private static let batch = DeletionRoom.mostRows
    /// After which an event with a delivery to be made is looked at again.
    private static let openPause: Duration = .seconds(3_600)
}
