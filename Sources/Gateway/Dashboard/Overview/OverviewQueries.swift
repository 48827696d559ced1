import Delivery
import Storage
import Timestamps

/// What an account has and did, as of now.
struct Overview: Sendable {
    /// The messages that were made in one hour, by ``MessageType``.
    struct Messages: Sendable {
        let hour: Timestamp
        let type: MessageType
        let count: Int64
    }

    struct SilentPhone: Sendable {
        let id: String
        let number: String
        let lastHeartbeatAt: Timestamp
    }

    struct TroubledWebhook: Sendable {
        let id: EndpointID
        let url: String
        let status: EndpointStatus
        let reason: String?
        /// The first failure since the last success; nil when the last delivery was a success.
        let failingSince: Timestamp?
    }

    let now: Timestamp
    let phones: Int64
    /// At most 20, the one that is silent for longest first.
    let silentPhones: [SilentPhone]
    let webhooks: Int64
    /// Paused, disabled, or failing: at most 20, the newest first.
    let troubledWebhooks: [TroubledWebhook]
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
    /// Indexes: `phone_number`, `endpoint_user`, `message_recent`, `tally_user`, `delivery_ready`.
    static func overview(of userID: UserID, in tx: any Transaction) throws -> Overview {
        let start = HourChart.start(tx.now)
        let ended = try HourlyCounts.counts(userID: userID, since: start, in: tx).values.flatMap(\.self)
        return Overview(
            now: tx.now,
            phones: try tx.value("SELECT COUNT(*) AS value FROM phone WHERE user_id = \(userID)") ?? 0,
            silentPhones: try silentPhones(of: userID, in: tx),
            webhooks: try tx.value(
                """
                SELECT COUNT(*) AS value
                FROM endpoint
                WHERE user_id = \(userID) AND status <> \(literal: EndpointStatus.deleted.rawValue)
                """) ?? 0,
            troubledWebhooks: try troubledWebhooks(of: userID, in: tx),
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
        try tx.rows(
            """
            SELECT created_at / 3600000000 AS hour, type, COUNT(*) AS count
            FROM message
            WHERE user_id = \(userID) AND created_at >= \(start)
            GROUP BY created_at / 3600000000, type
            """
        ).map { row in
            Overview.Messages(
                hour: Timestamp(seconds: try row.get("hour", as: Int64.self).clampedMultiplying(by: 3_600)),
                type: try row.get("type"), count: try row.get("count"))
        }
    }

    private static func silentPhones(of userID: UserID, in tx: any Transaction) throws -> [Overview.SilentPhone] {
        try tx.rows(
            """
            SELECT p.id, p.phone_number, s.last_heartbeat_at
            FROM phone p
            JOIN presence s ON s.phone_id = p.id
            WHERE p.user_id = \(userID) AND s.online = 0
            ORDER BY s.last_heartbeat_at, p.id
            LIMIT 20
            """
        ).map { row in
            Overview.SilentPhone(
                id: try row.get("id"), number: try row.get("phone_number"),
                lastHeartbeatAt: try row.get("last_heartbeat_at"))
        }
    }

    private static func troubledWebhooks(
        of userID: UserID, in tx: any Transaction
    ) throws -> [Overview.TroubledWebhook] {
        try tx.rows(
            """
            SELECT e.id, e.url, e.status, e.status_reason, h.failing_since
            FROM endpoint e
            JOIN endpoint_health h ON h.endpoint_id = e.id
            WHERE e.user_id = \(userID) AND e.status <> \(literal: EndpointStatus.deleted.rawValue)
                AND (e.status <> \(literal: EndpointStatus.active.rawValue) OR h.failing_since IS NOT NULL)
            ORDER BY e.created_at DESC, e.id DESC
            LIMIT 20
            """
        ).map { row in
            Overview.TroubledWebhook(
                id: try row.get("id"), url: try row.get("url"), status: try row.get("status"),
                reason: try row.find("status_reason"), failingSince: try row.find("failing_since"))
        }
    }
}
