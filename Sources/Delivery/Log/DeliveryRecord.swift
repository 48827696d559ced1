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
    /// Which of the webhook's URLs it went to.
    package let route: Route
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
        route = Route(rawValue: try row.get("route")) ?? .own
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
