import Storage
import Timestamps

/// An endpoint with what became of its deliveries.
package struct EndpointReport: Sendable {
    /// The endpoint.
    package let endpoint: Endpoint
    /// When it last took an event.
    package let lastSuccessAt: Timestamp?
    /// When an attempt last failed.
    package let lastFailureAt: Timestamp?
    /// Since when every attempt has failed; nil when the last one was a success, or none was made.
    package let failingSince: Timestamp?
    /// Since when events go to its fallback, because its own URL is out; nil while they do not.
    package let fallbackSince: Timestamp?
    /// Deliveries that are neither succeeded, failed nor cancelled.
    package let openCount: Int64

    /// The same without the signing key, for those who may look at endpoints and not sign for them.
    package func withoutKey() -> EndpointReport {
        var endpoint = endpoint
        endpoint.signingKey = nil
        return EndpointReport(
            endpoint: endpoint, lastSuccessAt: lastSuccessAt, lastFailureAt: lastFailureAt, failingSince: failingSince,
            fallbackSince: fallbackSince, openCount: openCount)
    }

    /// The report of an endpoint that is new.
    package init(new endpoint: Endpoint) {
        self.init(
            endpoint: endpoint, lastSuccessAt: nil, lastFailureAt: nil, failingSince: nil, fallbackSince: nil,
            openCount: 0)
    }

    fileprivate init(
        endpoint: Endpoint, lastSuccessAt: Timestamp?, lastFailureAt: Timestamp?, failingSince: Timestamp?,
        fallbackSince: Timestamp?, openCount: Int64
    ) {
        self.endpoint = endpoint
        self.lastSuccessAt = lastSuccessAt
        self.lastFailureAt = lastFailureAt
        self.failingSince = failingSince
        self.fallbackSince = fallbackSince
        self.openCount = openCount
    }

    /// Open deliveries of an endpoint that is not active.
    package var heldCount: Int64 { endpoint.status == .active ? 0 : openCount }

    /// Whether it is sent to, and every attempt fails.
    package var isFailing: Bool { endpoint.status == .active && failingSince != nil }
}

extension EndpointQueries {
    /// The endpoints of `userID` with reports, newest first, whose URL contains `text`. Index: `endpoint_user`.
    package func reports(
        userID: UserID, containing text: String, skip: Int, limit: Int, in tx: any Transaction
    ) throws -> [EndpointReport] {
        try tx.all(
            Self.reports + """
                WHERE e.user_id = \(userID) AND e.status <> \(literal: EndpointStatus.deleted.rawValue)
                    AND (\(text) = '' OR \(SQL.contains(anyCase: "e.url", text)))
                ORDER BY e.created_at DESC, e.id DESC
                LIMIT \(limit) OFFSET \(skip)
                """
        ) { try report(row: $0, in: tx) }
    }

    /// The endpoint `id` of `userID` with its report; nil when there is none.
    package func report(_ id: EndpointID, userID: UserID, in tx: any Transaction) throws -> EndpointReport? {
        try tx.rows(
            Self.reports + """
                WHERE e.id = \(id) AND e.user_id = \(userID)
                    AND e.status <> \(literal: EndpointStatus.deleted.rawValue)
                """
        ).first.map { try report(row: $0, in: tx) }
    }

    /// The sequence of the newest delivery of an endpoint; 0 before the first. All that was committed has its number then.
    package func sequenceHead(of id: EndpointID, in tx: any Transaction) throws -> Int64 {
        while try !tx.isSerial && EventNumbering.step(in: tx).mayHaveMore {}
        return try tx.value("SELECT accepted AS value FROM tally_now WHERE endpoint_id = \(id)") ?? 0
    }

    /// How many deliveries of an endpoint are neither succeeded, failed nor cancelled.
    func openCount(of id: EndpointID, in tx: any Transaction) throws -> Int64 {
        try tx.value("SELECT \(Self.open) AS value FROM tally_now t WHERE t.endpoint_id = \(id)") ?? 0
    }

    private static let open: SQL = """
        t.accepted - t.succeeded - t.failed - t.cancelled - t.pruned
            + (SELECT COUNT(*) FROM delivery d WHERE d.endpoint_id = t.endpoint_id AND d.sequence IS NULL)
        """

    /// What was noted and not added up yet is later than the health, see ``EndpointSlots``.
    private static let reports: SQL = """
        SELECT e.*, COALESCE((
                SELECT MAX(s.last_success_at)
                FROM endpoint_slot s
                WHERE s.endpoint_id = e.id), h.last_success_at) AS last_success_at, COALESCE((
                SELECT MAX(s.last_failure_at)
                FROM endpoint_slot s
                WHERE s.endpoint_id = e.id), h.last_failure_at) AS last_failure_at,
            \(open) AS open_count
        FROM endpoint e
        JOIN endpoint_health h ON h.endpoint_id = e.id
        JOIN tally_now t ON t.endpoint_id = e.id
        """

    /// A previous key whose time is over is not shown.
    private func report(row: Row, in tx: any Transaction) throws -> EndpointReport {
        var endpoint = try endpoint(row: row)
        if let previous = endpoint.previousSigningKey, previous.expiresAt <= tx.now {
            endpoint.previousSigningKey = nil
        }
        return EndpointReport(
            endpoint: endpoint, lastSuccessAt: try row.find("last_success_at"),
            lastFailureAt: try row.find("last_failure_at"),
            failingSince: try EndpointSlots.failures(of: endpoint.id, in: tx).since,
            fallbackSince: endpoint.fallbackUse(at: tx.now),
            openCount: try row.get("open_count"))
    }
}
