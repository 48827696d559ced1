import Storage
import Timestamps

/// A delivery that this process holds, with all that an attempt needs but the endpoint.
package struct ClaimedDelivery: Sendable, RowDecodable {
    /// The delivery.
    package let id: DeliveryID
    /// What it was claimed under; its result is stored only while it still is.
    package var lease: Lease
    /// The event it carries.
    package let eventID: EventID
    /// Where it goes.
    package let endpointID: EndpointID
    /// The CloudEvent's type, which is also the `X-Event-Type` header.
    package let eventType: String
    /// Its place among the endpoint's deliveries; nil until it has one.
    package let sequence: Int64?
    /// 1 for the first attempt; claims that were handed back are none.
    package let attempt: Int
    /// How many claims were handed back before this one.
    package var returned = 0
    /// Failures so far along the retry schedule.
    package let step: Int
    /// Which of the endpoint's URLs it goes to.
    package var route = Route.own
    /// When the event was accepted.
    package let createdAt: Timestamp
    /// The CloudEvent, the same bytes on every attempt.
    package let body: [UInt8]

    /// Which claim of the delivery it is: what the column `delivery.attempt` counts. No other has its number, so that what is
    /// said of it cannot be taken for another's.
    var claimNumber: Int { attempt + returned }
}

extension ClaimedDelivery {
    package init(row: Row) throws {
        id = try row.get("id")
        lease = try row.get("lease")
        eventID = try row.get("event_id")
        endpointID = try row.get("endpoint_id")
        eventType = try row.get("event_type")
        sequence = try row.find("sequence")
        returned = try row.get("returned")
        attempt = try row.get("attempt") - returned
        step = try row.get("step")
        createdAt = try row.get("created_at")
        body = try row.get("body")
    }
}

/// Headers as one text: `name: value` lines, names as received.
package enum HeaderText {
    /// Joins them.
    package static func encode(_ headers: [(name: String, value: String)]) -> String {
        headers.map { "\($0.name): \($0.value)" }.joined(separator: "\n")
    }

    /// Takes them apart again.
    package static func decode(_ text: String) -> [(name: String, value: String)] {
        text.split(separator: "\n").map { line in
            let parts = line.split(separator: ":", maxSplits: 1)
            return (String(parts[0]), parts.count > 1 ? String(parts[1].drop { $0 == " " }) : "")
        }
    }
}

extension AttemptOutcome {
    /// The status code, when the endpoint answered.
    package var statusCode: Int? {
        if case .response(let statusCode) = self { statusCode } else { nil }
    }

    /// What went wrong, when it did not answer.
    package var failure: AttemptFailure? {
        if case .failure(let failure) = self { failure } else { nil }
    }
}
