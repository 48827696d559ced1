import Storage
import Timestamps

/// Deliveries of one endpoint that fail for the same reason.
package struct DeliveryIssue: Sendable, Hashable {
    /// The code of what went wrong: one of ``Etiquette`` or of `AttemptFailure.Code`.
    package let code: String
    /// The status code of the answer; nil when there was none.
    package let statusCode: Int?
    /// How many were given up.
    package fileprivate(set) var failed = 0
    /// How many are tried again.
    package fileprivate(set) var retried = 0
    /// When the event of the oldest was accepted.
    package fileprivate(set) var since: Timestamp
    /// When the event of the newest was accepted.
    package fileprivate(set) var until: Timestamp
}

/// Finds out why deliveries fail.
package enum DeliveryIssues {
    /// The issues of `endpoint`, the one with the most deliveries first: of the newest ``counted`` that were given up, those after
    /// `time`; and of the first ``counted`` that wait for another attempt, all. Indexes: `delivery_failed`, `delivery_ready`.
    package static func list(
        of endpoint: EndpointID, after time: Timestamp, in tx: any Transaction
    ) throws -> [DeliveryIssue] {
        var issues: [Key: DeliveryIssue] = [:]
        for row in try failed(at: endpoint, after: time, in: tx) { try add(row, to: &issues) { $0.failed += $1 } }
        for row in try retried(at: endpoint, in: tx) { try add(row, to: &issues) { $0.retried += $1 } }
        return issues.values.sorted { one, other in
            let (count, otherCount) = (one.failed + one.retried, other.failed + other.retried)
            if count != otherCount { return count > otherCount }
            return (one.code, one.statusCode ?? 0) < (other.code, other.statusCode ?? 0)
        }
    }

    /// When one of the newest 100 deliveries that `endpoint` failed to take was given up last; nil when none was. Index:
    /// `delivery_failed`.
    package static func lastFailure(of endpoint: EndpointID, in tx: any Transaction) throws -> Timestamp? {
        try tx.value(
            """
            SELECT MAX(completed_at) AS value
            FROM (
                SELECT completed_at
                FROM delivery
                WHERE endpoint_id = \(endpoint) AND state = \(literal: DeliveryState.failed.rawValue)
                    AND sequence IS NOT NULL
                ORDER BY sequence DESC
                LIMIT 100) AS newest
            """)
    }

    /// As many as are read of one endpoint: the figure is shown to people, who do not tell 1,000 from 2,000.
    package static let counted = 1_000

    private struct Key: Hashable {
        let code: String
        let status: Int?
    }

    private static func failed(
        at endpoint: EndpointID, after time: Timestamp, in tx: any Transaction
    ) throws -> [Row] {
        try tx.rows(
            """
            SELECT last_error, last_status_code, COUNT(*) AS count, MIN(created_at) AS since, MAX(created_at) AS until
            FROM (
                SELECT last_error, last_status_code, created_at, completed_at
                FROM delivery
                WHERE endpoint_id = \(endpoint) AND state = \(literal: DeliveryState.failed.rawValue)
                    AND sequence IS NOT NULL
                ORDER BY sequence DESC
                LIMIT \(literal: counted)) AS newest
            WHERE completed_at > \(time)
            GROUP BY last_error, last_status_code
            """)
    }

    private static func retried(at endpoint: EndpointID, in tx: any Transaction) throws -> [Row] {
        try tx.rows(
            """
            SELECT last_error, last_status_code, COUNT(*) AS count, MIN(created_at) AS since, MAX(created_at) AS until
            FROM (
                SELECT last_error, last_status_code, created_at
                FROM delivery
                WHERE endpoint_id = \(endpoint) AND state = \(literal: DeliveryState.pending.rawValue)
                    AND lane = \(literal: DeliveryLane.retry.rawValue)
                ORDER BY due_at, id
                LIMIT \(literal: counted)) AS waiting
            WHERE last_error IS NOT NULL
            GROUP BY last_error, last_status_code
            """)
    }

    private static func add(
        _ row: Row, to issues: inout [Key: DeliveryIssue], _ count: (inout DeliveryIssue, Int) -> Void
    ) throws {
        let key = Key(code: try row.find("last_error") ?? "", status: try row.find("last_status_code"))
        let (since, until): (Timestamp, Timestamp) = (try row.get("since"), try row.get("until"))
        var issue =
            issues[key] ?? DeliveryIssue(code: key.code, statusCode: key.status, since: since, until: until)
        issue.since = min(issue.since, since)
        issue.until = max(issue.until, until)
        count(&issue, try row.get("count"))
        issues[key] = issue
    }
}
