import Storage
import Timestamps

/// Numbers events and deliveries: an event's position in the log of all users, a delivery's in its endpoint's sequence.
///
/// Both are without gaps, so that a reader who sees a number has seen all below it. Where writes are one at a time the
/// numbers are drawn as rows are written. Where many write at once, one row that all draw from would make each wait for
/// the commits of the others, so rows are written without and numbered right after, a batch at a time, under the lock
/// of the log's head.
package enum EventNumbering {
    /// Draws the next position, for a transaction that nothing runs beside.
    static func nextPosition(in tx: any Transaction) throws -> Int64 {
        let head: Int64? = try tx.value(
            "UPDATE log_head SET position = position + 1 WHERE id = 1 RETURNING position AS value")
        guard let head else { throw StorageError.corrupt("log_head has no row") }
        return head
    }

    /// Draws the next number of `endpoint`, for a transaction that nothing runs beside.
    static func nextSequence(of endpoint: EndpointID, in tx: any Transaction) throws -> Int64 {
        let head: Int64? = try tx.value(
            """
            UPDATE tally
            SET accepted = accepted + 1
            WHERE endpoint_id = \(endpoint)
            RETURNING accepted AS value
            """)
        guard let head else { throw StorageError.corrupt("there is no endpoint \(endpoint)") }
        return head
    }

    /// One transaction of the numbering sweep. Where another node numbers at the moment, it may well number what we have to:
    /// we look again a little later, and mostly find nothing left.
    ///
    /// `looks` says how far back to look, and is the same for all sweeps of one process.
    package static func sweep(_ looks: NumberingLooks, in tx: any Transaction) throws -> Sweep.Outcome {
        let now = tx.now
        let start = looks.start(time: now)
        guard try isBehind(since: start, in: tx) else {
            tx.afterCommit { looks.isComplete(at: now) }
            return Sweep.Outcome(mayHaveMore: false, nextDue: nil)
        }
        let isFree = try !tx.rows("SELECT id FROM log_head WHERE id = 1 \(.forUpdateSkipLocked)").isEmpty
        guard isFree else { return Sweep.Outcome(mayHaveMore: false, nextDue: tx.now + interval) }
        let outcome = try step(since: start, in: tx)
        if !outcome.mayHaveMore { tx.afterCommit { looks.isComplete(at: now) } }
        return outcome
    }

    /// Numbers at most 1,000 events and as many deliveries that were committed without, once no other node does. Indexes:
    /// `event_fresh`, `delivery_fresh`.
    ///
    /// Of those only that were made since `start`; nil for all.
    package static func step(since start: Timestamp? = nil, in tx: any Transaction) throws -> Sweep.Outcome {
        // In a statement of its own: what is read behind the lock is newer than the round before.
        let isThere = try !tx.rows("SELECT id FROM log_head WHERE id = 1 \(.forUpdate)").isEmpty
        guard isThere, let head: Int64 = try tx.value(head) else {
            throw StorageError.corrupt("log_head has no row")
        }
        let events = try tx.run(
            """
            UPDATE event
            SET position = \(head) + fresh.place
            FROM (
                SELECT id, ROW_NUMBER() OVER (ORDER BY created_at, id) AS place
                FROM event
                WHERE COALESCE(position, 0) = 0 \(isMade(since: start))
                ORDER BY created_at, id
                LIMIT \(batch)) AS fresh
            WHERE event.id = fresh.id
            """)
        if events > 0, tx.isSerial { try keepHead(in: tx) }
        let deliveries = try numberDeliveries(since: start, in: tx)
        let wakeups = tx.wakeups
        tx.afterCommit {
            if events > 0 {
                wakeups.signal(.events)
                wakeups.share(.events)
            }
            // A claim passes over rows that are being numbered.
            for endpoint in deliveries.keys { wakeups.signal(.deliveries, key: endpoint.text) }
        }
        let isFull = events == batch || deliveries.values.reduce(0, +) == batch
        return Sweep.Outcome(mayHaveMore: isFull, nextDue: nil)
    }

    /// The position of the newest event. Index: `event_position`, at its end.
    ///
    /// Where many write at once the row of the head is a lock, and holds what is not in the log any more: each update would
    /// leave a version that every look reads, for as long as any transaction is older.
    static let head: SQL = """
        SELECT MAX(position) AS value
        FROM (
            SELECT position
            FROM log_head
            WHERE id = 1
            UNION ALL
            SELECT MAX(position) AS position
            FROM event) AS heads
        """

    /// Keeps the head for a time when the newest event is deleted.
    package static func keepHead(in tx: any Transaction) throws {
        try tx.run(
            """
            UPDATE log_head
            SET position = (SELECT MAX(position) FROM event)
            WHERE id = 1 AND position < (SELECT MAX(position) FROM event)
            """)
    }

    /// Numbers what was committed before the call, so that a client finds in a list what it was just told of.
    ///
    /// When the store cannot be written, the list is as it is.
    package static func catchUp(_ store: any Store) async throws {
        // What is older has its number, or gets it from the sweep, which looks at all of it once a minute.
        guard
            try await store.read({ tx in
                try !tx.isSerial && isBehind(since: tx.now - ClaimCursors.wideMargin, in: tx)
            })
        else { return }
        do {
            while try await store.write(
                .request,
                { tx in
                    try step(since: tx.now - ClaimCursors.wideMargin, in: tx).mayHaveMore
                })
            {}
        } catch StorageError.unavailable {
            return
        }
    }

    private static func isBehind(since start: Timestamp?, in tx: any Transaction) throws -> Bool {
        let found = try tx.rows(
            """
            SELECT 1
            WHERE EXISTS (SELECT 1 FROM event WHERE COALESCE(position, 0) = 0 \(isMade(since: start)))
                OR EXISTS (SELECT 1 FROM delivery WHERE COALESCE(sequence, 0) = 0 \(isMade(since: start)))
            """)
        return !found.isEmpty
    }

    private static func isMade(since start: Timestamp?) -> SQL {
        start.map { "AND created_at >= \($0)" } ?? ""
    }

    /// Gives how many were numbered of each endpoint. Rows are locked in the order of their birth, as by those who
    /// store results, and before the tallies.
    private static func numberDeliveries(
        since start: Timestamp?, in tx: any Transaction
    ) throws -> [EndpointID: Int] {
        let numbered = try tx.rows(
            """
            UPDATE delivery
            SET sequence = fresh.place + COALESCE(
                (SELECT MAX(d.sequence) FROM delivery d WHERE d.endpoint_id = fresh.endpoint_id),
                (SELECT t.accepted FROM tally_now t WHERE t.endpoint_id = fresh.endpoint_id), 0)
            FROM (
                SELECT id, endpoint_id, ROW_NUMBER() OVER (PARTITION BY endpoint_id ORDER BY created_at, id) AS place
                FROM (
                    SELECT id, endpoint_id, created_at
                    FROM delivery
                    WHERE COALESCE(sequence, 0) = 0 \(isMade(since: start))
                    ORDER BY created_at, id
                    LIMIT \(batch)
                    \(.forUpdate)) AS locked) AS fresh
            WHERE delivery.id = fresh.id
            RETURNING delivery.endpoint_id AS endpoint_id
            """)
        var counts: [EndpointID: Int] = [:]
        for row in numbered { counts[try row.get("endpoint_id"), default: 0] += 1 }
        try tx.runBatch(
            counts.sorted { $0.key < $1.key }.map { endpoint, count in
                tx.isSerial
                    ? "UPDATE tally SET accepted = accepted + \(count) WHERE endpoint_id = \(endpoint)"
                    : EndpointSlots.note(EndpointCounts(accepted: count), of: endpoint, in: tx)
            })
        return counts
    }

    /// How many deliveries of each endpoint have no number yet. Index: `delivery_fresh`.
    static func unnumbered(in tx: any Transaction) throws -> [EndpointID: Int64] {
        let rows = try tx.rows(
            "SELECT endpoint_id, COUNT(*) AS total FROM delivery WHERE COALESCE(sequence, 0) = 0 GROUP BY endpoint_id")
        return Dictionary(
            try rows.map { (try $0.get("endpoint_id"), try $0.get("total")) }, uniquingKeysWith: { $1 })
    }

    /// How long what was committed may wait for its number, so that one transaction numbers many: an event stream is that
    /// much behind.
    package static let interval: Duration = .milliseconds(20)

    /// About 20 ms, for which the next round waits.
    private static let batch = 1_000
}
