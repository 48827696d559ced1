import Storage
import Timestamps

/// How the deliveries to one endpoint ended, of those that ended in one hour.
package struct HourlyCount: Sendable, Hashable {
    /// The start of the hour, in UTC.
    package let hour: Timestamp
    /// Deliveries that were taken by the receiver.
    package let succeeded: Int64
    /// Deliveries that were given up.
    package let failed: Int64

    /// Makes one.
    package init(hour: Timestamp, succeeded: Int64, failed: Int64) {
        self.hour = hour
        self.succeeded = succeeded
        self.failed = failed
    }
}

/// The table `endpoint_hour`: what the tally counts, by the hour, for 8 days; so that nobody has to count deliveries to
/// draw a chart.
package enum HourlyCounts {
    /// The start of the hour in which `time` lies, in UTC.
    package static func hour(of time: Timestamp) -> Timestamp {
        Timestamp(microseconds: time.microseconds - time.microseconds % length.microseconds)
    }

    /// The counts of every endpoint of `userID` from the hour of `since` on, oldest hour first; an hour in which nothing
    /// ended is absent. Indexes: `endpoint_user`, the primary key.
    package static func counts(
        userID: UserID, since: Timestamp, in tx: any Transaction
    ) throws -> [EndpointID: [HourlyCount]] {
        try tx.rows(
            """
            SELECT h.endpoint_id, h.hour, h.succeeded, h.failed
            FROM endpoint e
            JOIN endpoint_hour h ON h.endpoint_id = e.id AND h.hour >= \(hour(of: since))
            WHERE e.user_id = \(userID)
            ORDER BY h.hour, h.endpoint_id
            """
        ).reduce(into: [:]) { counts, row in
            counts[try row.get("endpoint_id"), default: []].append(
                HourlyCount(
                    hour: try row.get("hour"), succeeded: try row.get("succeeded"), failed: try row.get("failed")))
        }
    }

    /// Adds what a batch of results ended in the hour that begins at `hour`.
    static func add(succeeded: Int, failed: Int, of endpoint: EndpointID, hour: Timestamp) -> SQL {
        """
        INSERT INTO endpoint_hour (endpoint_id, hour, succeeded, failed)
        VALUES (\(endpoint), \(hour), \(succeeded), \(failed))
        ON CONFLICT (endpoint_id, hour) DO UPDATE
        SET succeeded = endpoint_hour.succeeded + excluded.succeeded, failed = endpoint_hour.failed + excluded.failed
        """
    }

    /// Deletes at most 500 hours that are more than 8 days old; true when there may be more. Index: `endpoint_hour_age`.
    package static func prune(in tx: any Transaction) throws -> Bool {
        try tx.run(
            """
            DELETE FROM endpoint_hour
            WHERE (endpoint_id, hour) IN (
                SELECT endpoint_id, hour
                FROM endpoint_hour
                WHERE hour < \(tx.now - age)
                ORDER BY hour, endpoint_id
                LIMIT 500)
            """) == 500
    }

    private static let length: Duration = .seconds(3_600)
    private static let age: Duration = .seconds(8 * 86_400)
}
