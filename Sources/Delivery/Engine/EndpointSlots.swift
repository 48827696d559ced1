import Storage
import Timestamps

/// What happened at one endpoint: what a batch adds to its account, its health and its hour.
struct EndpointCounts: Sendable, Equatable {
    /// Deliveries that got their number.
    var accepted = 0
    var succeeded = 0
    var failed = 0
    var lastSuccessAt: Timestamp?
    var lastFailureAt: Timestamp?
    /// Failed attempts after the last success.
    var failuresInRow = 0
    /// When the first of those failed; nil when there is none.
    var failingSince: Timestamp?

    /// Puts what came later behind this.
    mutating func add(_ later: EndpointCounts) {
        accepted += later.accepted
        succeeded += later.succeeded
        failed += later.failed
        lastSuccessAt = later.lastSuccessAt ?? lastSuccessAt
        lastFailureAt = later.lastFailureAt ?? lastFailureAt
        if later.succeeded > 0 {
            (failuresInRow, failingSince) = (later.failuresInRow, later.failingSince)
        } else {
            failuresInRow += later.failuresInRow
            failingSince = failingSince ?? later.failingSince
        }
    }
}

extension EndpointCounts: RowDecodable {
    /// Reads a row of `endpoint_slot`.
    init(row: Row) throws {
        accepted = try row.get("accepted")
        succeeded = try row.get("succeeded")
        failed = try row.get("failed")
        lastSuccessAt = try row.find("last_success_at")
        lastFailureAt = try row.find("last_failure_at")
        failuresInRow = try row.get("failure_count")
        failingSince = try row.find("failing_since")
    }
}

/// Where many write at once: what happened at endpoints lately, a row for each endpoint and second, which is added to `tally`,
/// `endpoint_health` and `endpoint_hour` once the second is over.
///
/// PostgreSQL keeps all versions of a row while any transaction is older, such as that of a `pg_dump`, and reads through them
/// to find the last. A row that every batch updates has thousands after minutes. A second has as many as fit into it, and what
/// it is added to has one for each second. Seconds are the database's, so that the clocks of nodes need not agree.
///
/// Whoever adds up accounts reads the view `tally_now`, which has both.
package enum EndpointSlots {
    /// Notes `counts` of `endpoint`.
    static func note(_ counts: EndpointCounts, of endpoint: EndpointID, in tx: any Transaction) -> SQL {
        """
        INSERT INTO endpoint_slot (
            endpoint_id, slot, hour, accepted, succeeded, failed, last_success_at, last_failure_at, failing_since,
            failure_count)
        VALUES (
            \(endpoint), \(now), \(HourlyCounts.hour(of: tx.now)), \(counts.accepted), \(counts.succeeded), \(counts.failed), \(counts.lastSuccessAt),
            \(counts.lastFailureAt), \(counts.failingSince), \(counts.failuresInRow))
        ON CONFLICT (endpoint_id, slot, hour) DO UPDATE
        SET accepted = endpoint_slot.accepted + excluded.accepted,
            succeeded = endpoint_slot.succeeded + excluded.succeeded,
            failed = endpoint_slot.failed + excluded.failed,
            last_success_at = COALESCE(excluded.last_success_at, endpoint_slot.last_success_at),
            last_failure_at = COALESCE(excluded.last_failure_at, endpoint_slot.last_failure_at),
            failing_since = CASE
                WHEN excluded.succeeded > 0 THEN excluded.failing_since
                ELSE COALESCE(endpoint_slot.failing_since, excluded.failing_since) END,
            failure_count = CASE
                WHEN excluded.succeeded > 0 THEN excluded.failure_count
                ELSE endpoint_slot.failure_count + excluded.failure_count END
        """
    }

    /// One transaction of the sweep that adds up: at most 500 seconds that are over. Index: `endpoint_slot_age`.
    ///
    /// `looks` says how far back to look, as for what has no number, and is the same for all sweeps of one process.
    package static func sweep(_ looks: NumberingLooks, in tx: any Transaction) throws -> Sweep.Outcome {
        let second: Int64 = try tx.value("SELECT \(now) AS value") ?? 0
        let time = Timestamp(seconds: second)
        let start = looks.start(time: time)?.seconds ?? 0
        let count = try fold("slot >= \(start) AND slot < \(second)", in: tx)
        if count < batch { tx.afterCommit { looks.isComplete(at: time) } }
        return Sweep.Outcome(mayHaveMore: count == batch, nextDue: nil)
    }

    /// Adds up all that was noted, also of this second, such as in a copy that nobody uses yet.
    package static func foldAll(in tx: any Transaction) throws {
        while try fold("slot >= 0", in: tx) == batch {}
    }

    /// Adds up all that was noted of `endpoint`, also of this second, before its account is changed.
    static func fold(_ endpoint: EndpointID, in tx: any Transaction) throws {
        while try fold("endpoint_id = \(endpoint)", in: tx) == batch {}
    }

    /// What was noted of `endpoint` and not added up, put together; since the last that was, and shortly before.
    static func recent(_ endpoint: EndpointID, in tx: any Transaction) throws -> EndpointCounts {
        try tx.all(
            EndpointCounts.self,
            """
            SELECT *
            FROM endpoint_slot
            WHERE endpoint_id = \(endpoint)
                AND slot >= (SELECT folded_slot FROM tally WHERE endpoint_id = \(endpoint)) - \(literal: margin)
            ORDER BY slot, hour
            """
        ).reduce(into: EndpointCounts()) { $0.add($1) }
    }

    /// Since when every attempt at `endpoint` failed, and how many did.
    static func failures(of endpoint: EndpointID, in tx: any Transaction) throws -> (since: Timestamp?, count: Int) {
        let row = try tx.rows(
            "SELECT failing_since, failure_count FROM endpoint_health WHERE endpoint_id = \(endpoint)"
        ).first
        guard let row else { return (nil, 0) }
        var health = EndpointCounts()
        health.failingSince = try row.find("failing_since")
        health.failuresInRow = try row.get("failure_count")
        if !tx.isSerial { health.add(try recent(endpoint, in: tx)) }
        return (health.failingSince, health.failuresInRow)
    }

    /// Adds results to the health of `endpoint`.
    static func health(_ counts: EndpointCounts, of endpoint: EndpointID) -> SQL {
        """
        UPDATE endpoint_health
        SET last_success_at = COALESCE(\(counts.lastSuccessAt), last_success_at),
            last_failure_at = COALESCE(\(counts.lastFailureAt), last_failure_at),
            failing_since = CASE
                WHEN \(counts.failuresInRow) = 0 THEN NULL
                WHEN \(counts.succeeded) > 0 OR failing_since IS NULL THEN \(counts.failingSince)
                ELSE failing_since END,
            failure_count = CASE
                WHEN \(counts.succeeded) > 0 THEN \(counts.failuresInRow)
                ELSE failure_count + \(counts.failuresInRow) END
        WHERE endpoint_id = \(endpoint)
        """
    }

    /// Rows that another node adds up are left to it.
    private static func fold(_ which: SQL, in tx: any Transaction) throws -> Int {
        let rows = try tx.rows(
            """
            SELECT *
            FROM endpoint_slot
            WHERE \(which)
            ORDER BY slot, endpoint_id, hour
            LIMIT \(literal: batch)
            \(.forUpdateSkipLocked)
            """)
        var sums: [EndpointID: Sum] = [:]
        var statements: [SQL] = []
        for row in rows {
            let (endpoint, slot): (EndpointID, Int64) = (try row.get("endpoint_id"), try row.get("slot"))
            let hour: Timestamp = try row.get("hour")
            sums[endpoint, default: Sum()].add(try EndpointCounts(row: row), slot: slot, hour: hour)
            statements.append(
                "DELETE FROM endpoint_slot WHERE endpoint_id = \(endpoint) AND slot = \(slot) AND hour = \(hour)")
        }
        // In one order on all nodes.
        for (endpoint, sum) in sums.sorted(by: { $0.key < $1.key }) { statements += sum.statements(of: endpoint) }
        try tx.runBatch(statements)
        return rows.count
    }

    /// The seconds of one endpoint.
    private struct Sum {
        var counts = EndpointCounts()
        var hours: [Timestamp: (succeeded: Int, failed: Int)] = [:]
        var last: Int64 = 0

        mutating func add(_ part: EndpointCounts, slot: Int64, hour: Timestamp) {
            counts.add(part)
            last = slot
            guard part.succeeded + part.failed > 0 else { return }
            var ended = hours[hour] ?? (0, 0)
            ended.succeeded += part.succeeded
            ended.failed += part.failed
            hours[hour] = ended
        }

        func statements(of endpoint: EndpointID) -> [SQL] {
            let tally: SQL = """
                UPDATE tally
                SET accepted = accepted + \(counts.accepted), succeeded = succeeded + \(counts.succeeded),
                    failed = failed + \(counts.failed), folded_slot = \(last)
                WHERE endpoint_id = \(endpoint)
                """
            let hourly = hours.sorted { $0.key < $1.key }.map {
                HourlyCounts.add(succeeded: $1.succeeded, failed: $1.failed, of: endpoint, hour: $0)
            }
            let hasResults = counts.succeeded > 0 || counts.failuresInRow > 0
            return [tally] + (hasResults ? [EndpointSlots.health(counts, of: endpoint)] : []) + hourly
        }
    }

    /// How often what was noted is added up.
    package static let interval: Duration = .seconds(1)

    /// The present second of the database's clock.
    private static let now: SQL = "\(.databaseTime) / 1000000"
    private static let batch = 500
    /// Seconds, by which a transaction may be committed later than it noted something. The view `tally_now` has the same.
    private static let margin = 15
}
