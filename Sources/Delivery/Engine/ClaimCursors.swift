import Storage
import Synchronization
import Timestamps

/// Where the claims of this process ended at each endpoint, so that the next one need not begin at the front.
///
/// Rows that were claimed leave the index of what waits, but PostgreSQL keeps their entries for as long as any transaction is
/// older, such as that of a `pg_dump`, and a look from the front reads all of them. What is behind a cursor is still found: a
/// little of it by every claim, more of it once a second, and all of it every 10 seconds. That is for transactions that took
/// long to commit, for nodes whose clocks differ, and for deliveries that were freed.
final class ClaimCursors: Sendable {
    private struct Key: Hashable {
        let endpoint: EndpointID
        let lane: DeliveryLane
    }

    private struct Cursor {
        var through: Timestamp
        var lookedWideAt: ContinuousClock.Instant
        var lookedFullyAt: ContinuousClock.Instant
    }

    private let cursors = Mutex<[Key: Cursor]>([:])

    /// Nearly all transactions commit within this time of their beginning, by which rows are dated.
    static let margin: Duration = .seconds(2)
    /// All transactions of clients do, and clocks of nodes differ by less.
    static let wideMargin: Duration = .seconds(15)
    private static let wideInterval: Duration = .seconds(1)
    private static let fullInterval: Duration = .seconds(10)
    /// Some 2 MB; beyond them all are forgotten, which costs each a look from the front.
    private static let bound = 10_000

    /// Where the next claim begins; nil for a look from the front.
    ///
    /// `time` is what due times are made by: when that was set back, all that comes is due before where claims ended.
    func start(
        _ endpoint: EndpointID, _ lane: DeliveryLane, time: Timestamp, at now: ContinuousClock.Instant = .now
    ) -> Timestamp? {
        cursors.withLock { cursors in
            let key = Key(endpoint: endpoint, lane: lane)
            guard var cursor = cursors[key] else { return nil }
            if cursor.through - time > Self.wideMargin {
                cursors[key] = nil
                return nil
            }
            defer { cursors[key] = cursor }
            if now - cursor.lookedFullyAt >= Self.fullInterval {
                (cursor.lookedFullyAt, cursor.lookedWideAt) = (now, now)
                return nil
            }
            if now - cursor.lookedWideAt >= Self.wideInterval {
                cursor.lookedWideAt = now
                return cursor.through - Self.wideMargin
            }
            return cursor.through - Self.margin
        }
    }

    /// Notes that deliveries were claimed, the last of them due at `due`; `mayHaveMore` says whether there may be more right
    /// behind it, be it in front of where claims ended before.
    func claimed(
        through due: Timestamp, mayHaveMore: Bool, of endpoint: EndpointID, _ lane: DeliveryLane,
        at now: ContinuousClock.Instant = .now
    ) {
        cursors.withLock { cursors in
            if cursors.count >= Self.bound { cursors = [:] }
            let key = Key(endpoint: endpoint, lane: lane)
            var cursor = cursors[key] ?? Cursor(through: due, lookedWideAt: now, lookedFullyAt: now)
            cursor.through = mayHaveMore ? due : max(cursor.through, due)
            cursors[key] = cursor
        }
    }
}
