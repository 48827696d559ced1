import Delivery
import Storage
import Timestamps

/// What an account has and did, counted in the store.
struct Overview: Sendable {
    let phones: Int64
    let phonesOffline: Int64
    let webhooks: Int64
    /// Paused or disabled.
    let webhooksStopped: Int64
    /// Messages of the last 24 hours, either direction, and missed calls.
    let sent: Int64
    let received: Int64
    let missedCalls: Int64
    /// Deliveries since the account was made.
    let succeeded: Int64
    let failed: Int64
    /// Deliveries that wait for their next attempt, or for their webhook.
    let open: Int64
}

enum OverviewQueries {
    /// Counts. Indexes: `phone_number`, `endpoint_user`, `message_created`, `tally_user`.
    static func overview(of userID: UserID, in tx: any Transaction) throws -> Overview {
        let messages = try tx.rows(
            """
            SELECT type, COUNT(*) AS count
            FROM message
            WHERE user_id = \(userID) AND created_at > \(tx.now - .seconds(86_400))
            GROUP BY type
            """
        ).reduce(into: [String: Int64]()) { counts, row in counts[try row.get("type")] = try row.get("count") }
        let tally = try tx.rows(
            """
            SELECT CAST(COALESCE(SUM(succeeded), 0) AS BIGINT) AS succeeded,
                CAST(COALESCE(SUM(failed), 0) AS BIGINT) AS failed,
                CAST(COALESCE(SUM(accepted - succeeded - failed - cancelled - pruned), 0) AS BIGINT) AS open
            FROM tally
            WHERE user_id = \(userID)
            """
        ).first
        return Overview(
            phones: try tx.value("SELECT COUNT(*) AS value FROM phone WHERE user_id = \(userID)") ?? 0,
            phonesOffline: try tx.value(
                """
                SELECT COUNT(*) AS value
                FROM phone p
                JOIN presence s ON s.phone_id = p.id
                WHERE p.user_id = \(userID) AND s.online = 0
                """) ?? 0,
            webhooks: try webhooks(of: userID, [.active, .paused, .disabled], in: tx),
            webhooksStopped: try webhooks(of: userID, [.paused, .disabled], in: tx),
            sent: messages[MessageType.mobileTerminated.rawValue] ?? 0,
            received: messages[MessageType.mobileOriginated.rawValue] ?? 0,
            missedCalls: messages[MessageType.missedCall.rawValue] ?? 0,
            succeeded: try tally?.get("succeeded") ?? 0, failed: try tally?.get("failed") ?? 0,
            open: try tally?.get("open") ?? 0)
    }

    private static func webhooks(
        of userID: UserID, _ statuses: [EndpointStatus], in tx: any Transaction
    ) throws -> Int64 {
        try tx.value(
            """
            SELECT COUNT(*) AS value
            FROM endpoint
            WHERE user_id = \(userID) AND status IN \(list: statuses)
            """) ?? 0
    }
}
