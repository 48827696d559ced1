import HTTPSMSWebhooks
import Storage
import Timestamps

/// Names a replay.
package typealias ReplayID = ID<Replay>

/// A durable job that sends past events to one endpoint again, or for the first time.
package struct Replay: Sendable {
    /// The job.
    package let id: ReplayID
    /// Who asked for it.
    package let userID: UserID
    /// Where the events go.
    package let endpoint: EndpointID
    /// Whether it goes on.
    package let status: ReplayStatus
    /// Which events of the range are sent.
    package let statuses: [ReplayedStatus]
    /// What they are narrowed to.
    package let filter: Filter
    /// Events accepted from then on.
    package let since: Timestamp
    /// Events accepted before then.
    package let until: Timestamp
    /// The position of the last event that was looked at.
    let cursor: Int64
    /// The position of the last event to look at.
    let lastPosition: Int64
    /// Events in the range when it was asked for.
    package let total: Int
    /// Events looked at.
    package let done: Int
    /// Deliveries made or opened again.
    package let replayed: Int
    /// When it was asked for.
    package let createdAt: Timestamp

    /// What the events of a replay are narrowed to; nil is all.
    package struct Filter: Sendable {
        /// Only events of this type.
        package var eventType: String?
        /// Only those whose last attempt was answered with this status, so none that was never sent.
        package var statusCode: Int?
        /// Only those of messages with this other party, as people write it.
        package var contact: String?

        /// A filter that lets through what it does not name.
        package init(eventType: String? = nil, statusCode: Int? = nil, contact: String? = nil) {
            self.eventType = eventType
            self.statusCode = statusCode
            self.contact = contact
        }
    }
}

/// Whether a replay goes on.
package enum ReplayStatus: Int, Sendable, SQLEnum {
    case running = 0
    case completed = 1
    /// Its webhook was deleted.
    case cancelled = 2
}

/// What a replay picks events by.
package enum ReplayedStatus: String, Sendable, CaseIterable {
    /// The delivery failed for good.
    case failed
    /// The delivery succeeded.
    case succeeded
    /// The event matches now and was never sent: the webhook is newer, or wanted something else.
    case unmatched
}

extension Replay: RowDecodable {
    /// Reads a row of `replay`.
    package init(row: Row) throws {
        id = try row.get("id")
        userID = try row.get("user_id")
        endpoint = try row.get("endpoint_id")
        status = try row.get("status")
        statuses = try row.get("statuses", as: String.self).split(separator: " ").compactMap {
            ReplayedStatus(rawValue: String($0))
        }
        filter = Filter(
            eventType: try row.find("event_type"), statusCode: try row.find("status_code"),
            contact: try row.find("contact"))
        since = try row.get("since")
        until = try row.get("until")
        cursor = try row.get("cursor")
        lastPosition = try row.get("last_position")
        total = try row.get("total")
        done = try row.get("done")
        replayed = try row.get("replayed")
        createdAt = try row.get("created_at")
    }
}
