import Storage
import Timestamps

/// Reads what became of deliveries.
package enum DeliveryHistory {
    /// What a list of deliveries is narrowed to.
    package struct Filter: Sendable {
        /// Only these; nil is all.
        package var status: DeliveryRecord.Status?
        /// Only events of this type; nil is all.
        package var eventType: String?
        /// Only events of these messages; nil is all. What reads them grows with their number.
        package var messages: [String]?
        /// Only those whose last attempt was answered with this status; nil is all.
        package var statusCode: Int?
        /// Only those with an attempt that was made or is being made, or only those without one; nil is all.
        package var isTried: Bool?
        /// Only those that were accepted at this time or later; nil is all.
        package var since: Timestamp?
        /// Only those that were accepted before this time; nil is all.
        package var until: Timestamp?
        /// Only deliveries older than this one; nil begins with the newest.
        package var before: DeliveryID?

        /// A filter that lets everything through.
        package init() {}
    }

    /// The deliveries of an endpoint, newest first. Indexes: `delivery_log`; `delivery_failed`; of messages `delivery_subject`.
    package static func list(
        endpoint: EndpointID, _ filter: Filter, limit: Int, in tx: any Transaction
    ) throws -> [DeliveryRecord] {
        if filter.messages?.isEmpty == true { return [] }
        // By its endpoint, all of a large log would be read for the deliveries of a few messages.
        let from: SQL = filter.messages == nil ? "d.endpoint_id" : "COALESCE(d.endpoint_id, '')"
        let messages: SQL = filter.messages.map { "AND d.order_key IN \(list: $0)" } ?? ""
        let before: SQL =
            filter.before.map {
                "AND d.sequence < (SELECT sequence FROM delivery WHERE id = \($0) AND endpoint_id = \(endpoint))"
            } ?? ""
        let type: SQL = filter.eventType.map { "AND e.type = \($0)" } ?? ""
        let code: SQL = filter.statusCode.map { "AND d.last_status_code = \($0)" } ?? ""
        let tried: SQL = filter.isTried.map { $0 ? "AND d.attempt > d.returned" : "AND d.attempt = d.returned" } ?? ""
        let since: SQL =
            try filter.since.map { "AND d.sequence >= \(try sequence(at: $0, of: endpoint, in: tx))" } ?? ""
        let until: SQL =
            try filter.until.map { "AND d.sequence < \(try sequence(at: $0, of: endpoint, in: tx))" } ?? ""
        return try tx.all(
            DeliveryRecord.self,
            select + """
                WHERE \(from) = \(endpoint) AND d.sequence IS NOT NULL \(messages) \(state(filter.status)) \(before) \(type)
                    \(code) \(tried) \(since) \(until)
                ORDER BY d.sequence DESC
                LIMIT \(limit)
                """)
    }

    /// The sequence number of the first delivery that was accepted at `time` or later; one more than the last where there is none.
    /// Found by halving, as sequence numbers grow with time: some 30 rows are read, however long the log is. Where they do not
    /// grow (the clock was set back, or transactions of PostgreSQL ran side by side) a delivery counts where its number is.
    /// Index: `delivery_log`.
    private static func sequence(
        at time: Timestamp, of endpoint: EndpointID, in tx: any Transaction
    ) throws -> Int64 {
        let last: Int64? = try tx.value(
            "SELECT MAX(sequence) AS value FROM delivery WHERE endpoint_id = \(endpoint)")
        var (first, end) = (Int64(0), (last ?? 0).clampedAdding(1))
        while first < end {
            let middle = first + (end - first) / 2
            let found = try tx.rows(
                """
                SELECT sequence, created_at
                FROM delivery
                WHERE endpoint_id = \(endpoint) AND sequence >= \(middle)
                ORDER BY sequence
                LIMIT 1
                """
            ).first
            if let found, try found.get("created_at") < time {
                first = try found.get("sequence", as: Int64.self).clampedAdding(1)
            } else {
                end = middle
            }
        }
        return first
    }

    /// The deliveries of what happened to a message of `userID`, at all endpoints, the first event first. Index:
    /// `delivery_subject`.
    package static func list(
        message: String, userID: UserID, limit: Int, in tx: any Transaction
    ) throws -> [DeliveryRecord] {
        try tx.all(
            DeliveryRecord.self,
            select + """
                WHERE d.order_key = \(message) AND e.user_id = \(userID)
                ORDER BY d.created_at, d.id
                LIMIT \(limit)
                """)
    }

    /// The delivery `id` of `userID`; nil when there is none.
    package static func find(_ id: DeliveryID, userID: UserID, in tx: any Transaction) throws -> DeliveryRecord? {
        try tx.first(DeliveryRecord.self, select + "WHERE d.id = \(id) AND e.user_id IN (\(userID), \(userID.alerts))")
    }

    /// The attempts of a delivery, the first one first.
    package static func attempts(of id: DeliveryID, in tx: any Transaction) throws -> [AttemptRecord] {
        try tx.all(AttemptRecord.self, "SELECT * FROM attempt WHERE delivery_id = \(id) ORDER BY number")
    }

    private static func state(_ status: DeliveryRecord.Status?) -> SQL {
        let active = EndpointStatus.active.rawValue
        return switch status {
        case nil: ""
        case .pending: "AND d.state = \(literal: DeliveryState.pending.rawValue) AND p.status = \(literal: active)"
        case .held: "AND d.state = \(literal: DeliveryState.pending.rawValue) AND p.status <> \(literal: active)"
        case .delivering: "AND d.state = \(literal: DeliveryState.leased.rawValue)"
        case .succeeded: "AND d.state = \(literal: DeliveryState.succeeded.rawValue)"
        case .failed: "AND d.state = \(literal: DeliveryState.failed.rawValue)"
        case .cancelled: "AND d.state = \(literal: DeliveryState.cancelled.rawValue)"
        }
    }

    private static let select: SQL = """
        SELECT d.*, e.type AS event_type, e.owner, p.status AS endpoint_status
        FROM delivery d
        JOIN event e ON e.id = d.event_id
        LEFT JOIN endpoint p ON p.id = d.endpoint_id
        """
}
