import HTTPSMSWebhooks
import Storage
import Timestamps

/// Deletes deliveries that are older than the retention time, a bounded number of rows in a transaction.
///
/// Deliveries go from the front of each endpoint's sequence, so that what is left is contiguous and a missing row can be
/// told from a pruned one. A delivery that is being attempted stops it there. One that waits or is held also stops it: its
/// date may be that of a clock that was weeks behind, and it is all that is left of what was accepted. ``Upkeep`` announces
/// it, and lets it go when it is still there hours later.
///
/// `tally.front_at` says when the front of the sequence was made, so that an endpoint is looked at when it has something to
/// prune and not before: a round costs in proportion to what it deletes, whatever the number of endpoints. The tally is
/// locked first and a row that another transaction holds is left for the next round: two nodes never prune the same row,
/// and we never wait for one who waits for us.
package enum Retention {
    /// What was deleted.
    package struct Pruned: Sendable, Hashable {
        /// Deliveries by the state they were in.
        package var deliveries: [DeliveryState: Int] = [:]
        /// Endpoints of deliveries that were never made, at most 10.
        package var undelivered: Set<EndpointID> = []
        /// Endpoints whose oldest delivery is over age and still to be made, at most 10,000, each with its newest sequence.
        package var overdue: [EndpointID: Int64] = [:]
        /// Rows that cannot be read, which stop the pruning of their endpoint; at most 10.
        package var unreadable: Set<DeliveryID> = []

        /// Deliveries deleted.
        package var count: Int { deliveries.values.reduce(0, +) }

        mutating func add(_ other: Pruned) {
            deliveries.merge(other.deliveries) { $0 + $1 }
            undelivered.formUnion(other.undelivered.prefix(max(0, 10 - undelivered.count)))
            for (endpoint, last) in other.overdue.prefix(max(0, 10_000 - overdue.count)) { overdue[endpoint] = last }
            unreadable.formUnion(other.unreadable.prefix(max(0, 10 - unreadable.count)))
        }
    }

    /// Where a round stands in the order of fronts.
    package struct Cursor: Sendable, Hashable {
        let frontAt: Timestamp
        let endpoint: EndpointID
        /// The last sequence that was pruned of an endpoint that has more to prune; nil when it is done.
        let sequence: Int64?
    }

    /// One transaction of a round: prunes as many deliveries accepted before `cutoff` as it may, of at most 32 endpoints.
    ///
    /// Index: `tally_front`.
    ///
    /// - Parameters:
    ///   - cutoff: What was accepted before it is too old.
    ///   - cursor: Where the transaction before ended; nil for the first of a round.
    ///   - condemned: The sequence up to which deliveries of an endpoint go that are still to be made.
    ///   - tx: The transaction.
    /// - Returns: What was deleted, and where to go on; nil at the end of the round.
    /// - Throws: `StorageError`.
    package static func prune(
        before cutoff: Timestamp, after cursor: Cursor?, condemned: [EndpointID: Int64] = [:], in tx: any Transaction
    ) throws -> (pruned: Pruned, next: Cursor?) {
        let fronts = try fronts(before: cutoff, after: cursor, in: tx)
        var pruned = Pruned()
        var room = DeletionRoom()
        for front in fronts {
            let resumed = front.endpoint == cursor?.endpoint ? cursor?.sequence : nil
            let age = Age(cutoff: cutoff, condemned: condemned[front.endpoint] ?? .min)
            let part = try prune(front.endpoint, age, after: resumed, &room, in: tx)
            pruned.add(part.pruned)
            if case .full(let last) = part.end {
                return (pruned, Cursor(frontAt: front.at, endpoint: front.endpoint, sequence: last))
            }
            try note(part.end, of: front, in: tx)
        }
        guard fronts.count == endpoints, let last = fronts.last else { return (pruned, nil) }
        return (pruned, Cursor(frontAt: last.at, endpoint: last.endpoint, sequence: nil))
    }

    /// Deletes as many deliveries of one endpoint as a transaction may, whatever their age; nil when another transaction has its tally.
    static func erase(_ endpoint: EndpointID, in tx: any Transaction) throws -> Pruned? {
        let tally = try tx.rows(
            "SELECT endpoint_id FROM tally WHERE endpoint_id = \(endpoint) \(.forUpdateSkipLocked)")
        if tally.isEmpty { return nil }
        var room = DeletionRoom()
        return try prune(endpoint, Age(cutoff: .last, condemned: .max), after: nil, &room, in: tx).pruned
    }

    /// What is too old.
    private struct Age {
        /// What was accepted before it.
        let cutoff: Timestamp
        /// Of what is still to be made only what has no higher sequence.
        let condemned: Int64
    }

    /// An endpoint whose oldest delivery may be over age.
    private struct Front {
        let endpoint: EndpointID
        let at: Timestamp
        let isRetired: Bool
    }

    /// Why the pruning of an endpoint ended.
    private enum End {
        /// There is no room for more, behind this sequence.
        case full(Int64)
        /// The delivery in front is younger; since when it is there.
        case young(Timestamp)
        /// The delivery in front is being attempted or still to be, locked by another transaction, or cannot be read.
        case blocked
        /// Nothing is left.
        case empty
    }

    /// The next endpoints in the order of their fronts, locked.
    private static func fronts(before cutoff: Timestamp, after cursor: Cursor?, in tx: any Transaction) throws
        -> [Front]
    {
        let position: SQL =
            switch cursor {
            case nil: ""
            case let cursor? where cursor.sequence != nil:
                "AND (front_at, endpoint_id) >= (\(cursor.frontAt), \(cursor.endpoint))"
            case let cursor?: "AND (front_at, endpoint_id) > (\(cursor.frontAt), \(cursor.endpoint))"
            }
        return try tx.rows(
            """
            SELECT endpoint_id, front_at, retired_at
            FROM tally
            WHERE front_at IS NOT NULL AND front_at < \(cutoff) \(position)
            ORDER BY front_at, endpoint_id
            LIMIT \(endpoints)
            \(.forUpdateSkipLocked)
            """
        ).map { row in
            Front(
                endpoint: try row.get("endpoint_id"), at: try row.get("front_at"),
                isRetired: try row.find("retired_at", as: Timestamp.self) != nil)
        }
    }

    /// Index: `delivery_log`.
    private static func prune(
        _ endpoint: EndpointID, _ age: Age, after sequence: Int64?, _ room: inout DeletionRoom, in tx: any Transaction
    ) throws -> (pruned: Pruned, end: End) {
        var pruned = Pruned()
        var last = sequence ?? .min
        var end = End.empty
        while !room.isFull {
            let rows = try front(
                of: endpoint, after: last, limit: pruned.count < look ? min(look, room.left) : room.left, in: tx)
            let (fit, stop) = try prunable(rows, age, in: tx)
            var old: [Candidate] = []
            for row in fit where room.take(row.byteCount) { old.append(row) }
            switch stop {
            case .unreadable(let id): pruned.unreadable.insert(id)
            case .overdue: pruned.overdue[endpoint] = try newest(of: endpoint, in: tx)
            case .young, .held, nil: break
            }
            try delete(old.map(\.id), of: endpoint, &pruned, in: tx)
            last = old.last?.sequence ?? last
            if old.count < fit.count { break }
            switch stop {
            case .young(let time): end = .young(time)
            case .unreadable, .held, .overdue: end = .blocked
            case nil where rows.isEmpty: end = .empty
            case nil: continue
            }
            return (pruned, end)
        }
        return (pruned, .full(last))
    }

    /// A delivery near the front of its endpoint's sequence.
    private struct Candidate: RowDecodable {
        let id: DeliveryID
        let sequence: Int64
        /// Nil when the row holds none that we know.
        let state: DeliveryState?
        let createdAt: Timestamp
        /// What its attempts hold.
        let byteCount: Int

        init(row: Row) throws {
            id = try row.get("id")
            sequence = try row.get("sequence")
            state = DeliveryState(rawValue: try row.get("state"))
            createdAt = try row.get("created_at")
            byteCount = try row.get("byte_count")
        }

        /// By the primary key of `attempt`. An attempt keeps 16 KiB of the answer, and there may be dozens.
        static let columns: SQL = """
            id, sequence, state, created_at, COALESCE((
                SELECT CAST(SUM(LENGTH(a.response_headers) + LENGTH(a.response_body)) AS BIGINT)
                FROM attempt a
                WHERE a.delivery_id = delivery.id), 0) AS byte_count
            """
    }

    /// What stops the pruning of an endpoint.
    private enum Stop {
        case young(Timestamp)
        case held
        case overdue
        case unreadable(DeliveryID)
    }

    private static func front(
        of endpoint: EndpointID, after sequence: Int64, limit: Int, in tx: any Transaction
    ) throws -> [Candidate] {
        try tx.all(
            Candidate.self,
            """
            SELECT \(Candidate.columns)
            FROM delivery
            WHERE endpoint_id = \(endpoint) AND sequence > \(sequence)
            ORDER BY sequence
            LIMIT \(limit)
            """)
    }

    /// The highest sequence of `endpoint`.
    private static func newest(of endpoint: EndpointID, in tx: any Transaction) throws -> Int64? {
        try tx.value("SELECT MAX(sequence) AS value FROM delivery WHERE endpoint_id = \(endpoint)")
    }

    /// The first of `rows` that may go, locked and read again behind the lock; and what stops the rest.
    private static func prunable(
        _ rows: [Candidate], _ age: Age, in tx: any Transaction
    ) throws -> (old: [Candidate], stop: Stop?) {
        let (seen, stop) = prefix(rows, age)
        if tx.isSerial || seen.isEmpty { return (seen, stop) }
        let locked = try tx.all(
            Candidate.self,
            """
            SELECT \(Candidate.columns)
            FROM delivery
            WHERE id IN \(list: seen.map(\.id))
            ORDER BY sequence
            \(.forUpdateSkipLocked)
            """)
        let (sure, moved) = prefix(locked, age)
        let contiguous = zip(seen, sure).prefix { $0.id == $1.id }.map { $1 }
        return (contiguous, contiguous.count == seen.count ? stop : moved ?? .held)
    }

    private static func prefix(_ rows: [Candidate], _ age: Age) -> (old: [Candidate], stop: Stop?) {
        var old: [Candidate] = []
        for row in rows {
            guard let state = row.state else { return (old, .unreadable(row.id)) }
            if row.createdAt >= age.cutoff { return (old, .young(row.createdAt)) }
            if state == .leased { return (old, .held) }
            if state == .pending, row.sequence > age.condemned { return (old, .overdue) }
            old.append(row)
        }
        return (old, nil)
    }

    /// Deletes and counts what was deleted, not what was meant to be.
    private static func delete(
        _ ids: [DeliveryID], of endpoint: EndpointID, _ pruned: inout Pruned, in tx: any Transaction
    ) throws {
        if ids.isEmpty { return }
        try tx.run("DELETE FROM attempt WHERE delivery_id IN \(list: ids)")
        var counts: [DeliveryState: Int] = [:]
        for row in try tx.rows("DELETE FROM delivery WHERE id IN \(list: ids) RETURNING state") {
            counts[try row.get("state"), default: 0] += 1
        }
        try tx.run(
            """
            UPDATE tally
            SET succeeded = succeeded - \(counts[.succeeded] ?? 0), failed = failed - \(counts[.failed] ?? 0),
                cancelled = cancelled - \(counts[.cancelled] ?? 0), pruned = pruned + \(counts.values.reduce(0, +))
            WHERE endpoint_id = \(endpoint)
            """)
        pruned.add(Pruned(deliveries: counts, undelivered: counts[.pending] == nil ? [] : [endpoint]))
    }

    /// Says when the endpoint is to be looked at again. One that is gone and has nothing left is looked at once more after
    /// the retention time, for what was under way at its deletion, and then counted with the others that are gone.
    private static func note(_ end: End, of front: Front, in tx: any Transaction) throws {
        switch end {
        case .full, .blocked: return
        case .young(let time):
            try tx.run("UPDATE tally SET front_at = \(time) WHERE endpoint_id = \(front.endpoint)")
        case .empty:
            let isThere = try !tx.rows("SELECT id FROM endpoint WHERE id = \(front.endpoint)").isEmpty
            if front.isRetired, !isThere { return try fold(front.endpoint, in: tx) }
            try tx.run(
                """
                UPDATE tally
                SET front_at = \(tx.now), retired_at = \(isThere ? nil : tx.now)
                WHERE endpoint_id = \(front.endpoint)
                """)
        }
    }

    /// Adds the account of an endpoint that is gone to that of all those, so that it costs nothing from then on. One that
    /// does not add up stays for who repairs it.
    private static func fold(_ endpoint: EndpointID, in tx: any Transaction) throws {
        // What was noted and not added up yet comes first.
        if try !tx.rows("SELECT slot FROM endpoint_slot WHERE endpoint_id = \(endpoint) LIMIT 1").isEmpty { return }
        let gone = try tx.rows(
            """
            DELETE FROM tally
            WHERE endpoint_id = \(endpoint) AND accepted = pruned AND succeeded = 0 AND failed = 0 AND cancelled = 0
            RETURNING accepted
            """
        ).first
        guard let accepted: Int64 = try gone?.get("accepted") else {
            try tx.run("UPDATE tally SET front_at = NULL WHERE endpoint_id = \(endpoint)")
            return
        }
        try tx.run(
            """
            INSERT INTO tally (endpoint_id, accepted, succeeded, failed, cancelled, pruned)
            VALUES (\(EndpointID.gone), \(accepted), 0, 0, 0, \(accepted))
            ON CONFLICT (endpoint_id) DO UPDATE
            SET accepted = tally.accepted + excluded.accepted, pruned = tally.pruned + excluded.pruned
            """)
    }

    /// Endpoints in one transaction, so that few results wait for a tally meanwhile.
    private static let endpoints = 32
    /// Rows of the first look at an endpoint: what a webhook of a few events a minute has to prune.
    private static let look = 16
}

extension EndpointID {
    /// Stands for all endpoints that are gone and have no delivery left: their tallies are added up under it.
    package static let gone = EndpointID(trusted: "00000000-0000-0000-0000-000000000000")
}
