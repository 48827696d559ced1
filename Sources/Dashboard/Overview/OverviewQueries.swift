import Delivery
import Gateway
import Storage
import Timestamps

/// What an account has and did, as of now.
struct Overview: Sendable {
    /// The messages that were made in one hour, by ``MessageType``.
    struct Messages: Sendable {
        let hour: Timestamp
        let type: MessageType
        let count: Int64
        /// Of outgoing ones, how many the phone has sent until now.
        let sent: Int64
    }

    let now: Timestamp
    let phones: Int64
    let webhooks: Int64
    /// Of the last 24 hours.
    let messages: [Messages]
    /// Of the last 24 hours: how deliveries ended.
    let ended: [HourlyCount]
    /// Deliveries that wait for their next attempt, or for their webhook.
    let open: Int64
    /// When the delivery was due that waits for longest; nil when none is overdue.
    let oldestDue: Timestamp?
}

enum OverviewQueries {
    /// Indexes: `phone_number`, `endpoint_user`, `message_recent`, `message_not_sent`, `tally_user`, `delivery_ready`.
    static func overview(of userID: UserID, in tx: any Transaction) throws -> Overview {
        let start = HourChart.start(tx.now)
        let ended = try HourlyCounts.counts(userID: userID, since: start, in: tx).values.flatMap(\.self)
        return Overview(
            now: tx.now,
            phones: try tx.value("SELECT COUNT(*) AS value FROM phone WHERE user_id = \(userID)") ?? 0,
            webhooks: try tx.value(
                """
                SELECT COUNT(*) AS value
                FROM endpoint
                WHERE user_id = \(userID) AND status <> \(literal: EndpointStatus.deleted.rawValue)
                """) ?? 0,
            messages: try messages(of: userID, since: start, in: tx), ended: ended,
            open: try tx.value(
                """
                SELECT CAST(COALESCE(SUM(accepted - succeeded - failed - cancelled - pruned), 0) AS BIGINT) AS value
                FROM tally_now
                WHERE user_id = \(userID)
                """) ?? 0,
            oldestDue: try DeliveryQueries.oldestDue(userID: userID, in: tx))
    }

    private static func messages(
        of userID: UserID, since start: Timestamp, in tx: any Transaction
    ) throws -> [Overview.Messages] {
        let notSent: [Int64: Int64] = try tx.rows(
            """
            SELECT created_at / 3600000000 AS hour, COUNT(*) AS count
            FROM message
            WHERE user_id = \(userID) AND created_at >= \(start)
                AND status IN ('pending', 'scheduled', 'sending', 'failed', 'expired')
            GROUP BY created_at / 3600000000
            """
        ).reduce(into: [:]) { $0[try $1.get("hour")] = try $1.get("count") }
        return try tx.all(
            """
            SELECT created_at / 3600000000 AS hour, type, COUNT(*) AS count
            FROM message
            WHERE user_id = \(userID) AND created_at >= \(start)
            GROUP BY created_at / 3600000000, type
            """
        ) { row in
            let hour: Int64 = try row.get("hour")
            let (type, count): (MessageType, Int64) = (try row.get("type"), try row.get("count"))
            return Overview.Messages(
                hour: Timestamp(seconds: hour.clampedMultiplying(by: 3_600)), type: type, count: count,
                sent: type == .mobileTerminated ? max(0, count.clampedSubtracting(notSent[hour] ?? 0)) : 0)
        }
    }
}
