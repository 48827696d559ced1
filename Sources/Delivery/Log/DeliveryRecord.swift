import Storage
import Timestamps

/// A delivery as its owner sees it.
package struct DeliveryRecord: Sendable {
    /// The delivery.
    package let id: DeliveryID
    /// Where it goes.
    package let endpointID: EndpointID
    /// What it carries.
    package let eventID: EventID
    /// The type of that event.
    package let eventType: String
    /// The phone number of that event.
    package let owner: String
    /// Its place among the endpoint's deliveries, from 1 without gaps; nil until it has one.
    package let sequence: Int64?
    /// Where it stands.
    package let status: Status
    /// How often it was tried.
    package let attemptCount: Int
    /// When it is tried again; nil when it is not waiting.
    package let nextAttemptAt: Timestamp?
    /// The status code of the last answer; nil when the last attempt had none.
    package let lastStatusCode: Int?
    /// The code of what went wrong last; nil after a success.
    package let lastError: String?
    /// When its event was accepted.
    package let createdAt: Timestamp
    /// When it succeeded, failed or was cancelled.
    package let completedAt: Timestamp?

    /// Where a delivery stands. `held` is pending at an endpoint that is not active, and is stored nowhere.
    package enum Status: String, Sendable, CaseIterable {
        case pending, delivering, succeeded, failed, held, cancelled
    }
}

extension DeliveryRecord: RowDecodable {
    /// Reads a row of ``DeliveryHistory``.
    package init(row: Row) throws {
        id = try row.get("id")
        endpointID = try row.get("endpoint_id")
        eventID = try row.get("event_id")
        eventType = try row.get("event_type")
        owner = try row.get("owner")
        sequence = try row.find("sequence")
        attemptCount = try row.get("attempt") - row.get("returned")
        lastStatusCode = try row.find("last_status_code")
        lastError = try row.find("last_error")
        createdAt = try row.get("created_at")
        completedAt = try row.find("completed_at")
        let isActive = try row.find("endpoint_status", as: EndpointStatus.self) == .active
        status =
            switch try row.get("state", as: DeliveryState.self) {
            case .pending: isActive ? .pending : .held
            case .leased: .delivering
            case .succeeded: .succeeded
            case .failed: .failed
            case .cancelled: .cancelled
            }
        nextAttemptAt = status == .pending ? try row.get("due_at") : nil
    }
}

/// One try of a delivery.
package struct AttemptRecord: Sendable, RowDecodable {
    /// 1 for the first.
    package let number: Int
    /// When it began.
    package let startedAt: Timestamp
    /// From the name look-up to its end.
    package let duration: Duration
    /// How long each phase took; nil when it was not reached or not needed.
    package let phases: AttemptPhases
    /// The status code; nil when there was no answer.
    package let statusCode: Int?
    /// The code of what went wrong; nil after a success.
    package let error: String?
    /// What happened in particular; nil after a success.
    package let errorDetail: String?
    /// The response's headers in the order they came.
    package let responseHeaders: [(name: String, value: String)]
    /// The first 16 KiB of the response's body.
    package let responseBody: [UInt8]

    /// Reads a row of `attempt`.
    package init(row: Row) throws {
        number = try row.get("number")
        startedAt = try row.get("started_at")
        duration = try row.get("duration")
        phases = AttemptPhases(
            dns: try row.find("dns"), connect: try row.find("connect"), tls: try row.find("tls"),
            firstByte: try row.find("first_byte"))
        statusCode = try row.find("status_code")
        error = try row.find("error")
        errorDetail = try row.find("error_detail")
        responseHeaders = HeaderText.decode(try row.get("response_headers"))
        responseBody = try row.get("response_body")
    }
}

/// Reads what became of deliveries.
package enum DeliveryHistory {
    /// What a list of deliveries is narrowed to.
    package struct Filter: Sendable {
        /// Only these; nil is all.
        package var status: DeliveryRecord.Status?
        /// Only events of this type; nil is all.
        package var eventType: String?
        /// Only events of this message; nil is all.
        package var messageID: String?
        /// Only deliveries older than this one; nil begins with the newest.
        package var before: DeliveryID?

        /// A filter that lets everything through.
        package init() {}
    }

    /// The deliveries of an endpoint, newest first. Indexes: `delivery_log`; `delivery_failed`, `delivery_subject`.
    package static func list(
        endpoint: EndpointID, _ filter: Filter, limit: Int, in tx: any Transaction
    ) throws -> [DeliveryRecord] {
        let before: SQL =
            filter.before.map {
                "AND d.sequence < (SELECT sequence FROM delivery WHERE id = \($0) AND endpoint_id = \(endpoint))"
            } ?? ""
        let type: SQL = filter.eventType.map { "AND e.type = \($0)" } ?? ""
        let subject: SQL = filter.messageID.map { "AND d.order_key = \($0)" } ?? ""
        return try tx.all(
            DeliveryRecord.self,
            select + """
                WHERE d.endpoint_id = \(endpoint) AND d.sequence IS NOT NULL \(state(filter.status)) \(before) \(type) \(subject)
                ORDER BY d.sequence DESC
                LIMIT \(limit)
                """)
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
