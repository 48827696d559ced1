import Storage
import Timestamps

/// The statements about nodes: the processes that share a store, each with one lease.
///
/// Ends are told by the clock of the database, so that the clocks of nodes need not agree. That clock can be set as well: a node that is
/// dead is decided by ``LeaseWatch``.
package enum NodeQueries {
    /// A process that works, or worked, on the store.
    package struct Node: Sendable, RowDecodable {
        /// What it claims under.
        package let lease: Lease
        /// The machine and process, for people.
        package let name: String
        /// The version of the server.
        package let version: String
        /// When it came.
        package let startedAt: Timestamp
        /// How much longer its lease holds; negative once it has run out.
        package let remaining: Duration
        /// Whether it was taken for dead, or has left: nothing is stored under its lease any more.
        package let isFenced: Bool

        package init(row: Row) throws {
            lease = try row.get("lease")
            name = try row.get("name")
            version = try row.get("version")
            startedAt = try row.get("started_at")
            remaining = try row.get("remaining")
            isFenced = try row.get("fenced", as: Int.self) == 1
        }
    }

    /// Every node that is known, the oldest first, at most 1,000.
    package static func all(in tx: any Transaction) throws -> [Node] {
        try tx.all(
            Node.self,
            """
            SELECT lease, name, version, started_at, alive_until - \(.databaseTime) AS remaining, fenced
            FROM node
            ORDER BY started_at, lease
            LIMIT 1000
            """)
    }

    /// Enters a node whose lease holds for `life`.
    static func insert(_ lease: Lease, name: String, version: String, life: Duration, in tx: any Transaction) throws {
        try tx.run(
            """
            INSERT INTO node (lease, name, version, started_at, alive_until, fenced)
            VALUES (\(lease), \(name), \(version), \(tx.now), \(.databaseTime) + \(life), 0)
            """)
    }

    /// Has `lease` hold for another `life` from now on; false when it was fenced.
    static func renew(_ lease: Lease, life: Duration, in tx: any Transaction) throws -> Bool {
        try tx.run(
            """
            UPDATE node
            SET alive_until = \(.databaseTime) + \(life)
            WHERE lease = \(lease) AND fenced = 0
            """) == 1
    }

    /// The leases that hold, except `own`, as ``LeaseWatch`` looks at them; at most 1,000.
    static func others(than own: Lease, in tx: any Transaction) throws -> [LeaseWatch.Sighting] {
        try tx.all(
            LeaseWatch.Sighting.self,
            """
            SELECT lease, alive_until, CASE WHEN alive_until < \(.databaseTime) THEN 1 ELSE 0 END AS is_over
            FROM node
            WHERE fenced = 0 AND lease <> \(own)
            ORDER BY alive_until, lease
            LIMIT 1000
            """)
    }

    /// Fences `lease` if it still ends as it was seen, and gives its node's name; nil when it was renewed, or another was
    /// faster.
    static func fence(_ seen: LeaseWatch.Sighting, in tx: any Transaction) throws -> String? {
        try tx.rows(
            """
            UPDATE node
            SET fenced = 1
            WHERE fenced = 0 AND lease = \(seen.lease) AND alive_until = \(seen.aliveUntil)
            RETURNING name
            """
        ).first?.get("name")
    }

    /// Fences `lease`: its process ends.
    static func fence(_ lease: Lease, in tx: any Transaction) throws {
        try tx.run("UPDATE node SET fenced = 1 WHERE lease = \(lease)")
    }

    /// Fences every lease but `lease`, for a process that knows it is the only one.
    static func fenceOthers(than lease: Lease, in tx: any Transaction) throws {
        try tx.run("UPDATE node SET fenced = 1 WHERE lease <> \(lease)")
    }

    /// Frees at most `limit` deliveries whose lease does not hold, and gives their number. Index: `delivery_leased`, which
    /// has no more rows than all nodes have slots.
    ///
    /// The attempt stays counted, for it may have been made. A claim that was under way when its node was fenced is
    /// found by the next look, so this is done again and again. Looks between the leases that hold: beside an old
    /// transaction PostgreSQL keeps an entry there for each claim since then. Leases that are over for a minute are left out,
    /// too, unless it is to be `thorough`.
    package static func freeOrphans(limit: Int, thorough: Bool = true, in tx: any Transaction) throws -> Int {
        let isOver: SQL =
            thorough ? "" : "OR alive_until < \(.databaseTime) - \(Duration.seconds(60))"
        let leases: [String] = try tx.rows(
            """
            SELECT lease
            FROM node
            WHERE fenced = 0 \(isOver)
            ORDER BY lease
            LIMIT 1000
            """
        ).map { try $0.get("lease") }
        var freed = 0
        for (after, before) in zip([nil] + leases.map(Optional.some), leases.map(Optional.some) + [nil]) {
            let ahead: SQL = after.map { "AND d.lease > \($0)" } ?? ""
            let behind: SQL = before.map { "AND d.lease < \($0)" } ?? ""
            freed += try tx.run(
                """
                UPDATE delivery
                SET state = \(literal: DeliveryState.pending.rawValue), lease = NULL
                WHERE id IN (
                    SELECT d.id
                    FROM delivery d
                    WHERE d.state = \(literal: DeliveryState.leased.rawValue) \(ahead) \(behind)
                        AND NOT EXISTS (SELECT 1 FROM node n WHERE n.lease = d.lease AND n.fenced = 0)
                    ORDER BY d.lease, d.id
                    LIMIT \(limit - freed)
                    \(.forUpdateSkipLocked))
                """)
            if freed >= limit { break }
        }
        if freed > 0 { tx.wake(.deliveries) }
        return freed
    }

    /// Forgets nodes that were fenced more than a day ago: long after anything of theirs can arrive.
    static func prune(in tx: any Transaction) throws {
        try tx.run(
            "DELETE FROM node WHERE fenced = 1 AND alive_until < \(.databaseTime) - \(Duration.seconds(86_400))")
    }
}
