import Delivery
import Storage
import Timestamps

/// `alert`: what is wrong and not over. `alert_watch`: accounts that are looked at, each with its settings; one that nobody tells
/// of anything has no due time.
package enum AlertQueries {
    static let migrations: [Migration] = [
        Migration(
            "alerts-1",
            [
                """
                CREATE TABLE alert (
                    id \(.text) PRIMARY KEY,
                    user_id \(.text) NOT NULL,
                    cause \(.text) NOT NULL,
                    subject \(.text) NOT NULL,
                    title \(.text) NOT NULL,
                    advice \(.text) NOT NULL,
                    opened_at \(.int64) NOT NULL,
                    told_at \(.int64),
                    cleared_at \(.int64)
                ) \(.strict)
                """,
                "CREATE UNIQUE INDEX alert_subject ON alert (user_id, cause, subject)",
                """
                CREATE TABLE alert_watch (
                    user_id \(.text) PRIMARY KEY,
                    due_at \(.int64),
                    quiet_from \(.int64),
                    quiet_until \(.int64)
                ) \(.strict)
                """,
                "CREATE INDEX alert_watch_due ON alert_watch (due_at, user_id) WHERE due_at IS NOT NULL",
            ])
    ]

    /// An account that is looked at.
    struct Watched: Sendable, RowDecodable {
        let userID: UserID
        let settings: AlertSettings

        init(row: Row) throws {
            userID = try row.get("user_id")
            settings = try AlertSettings(row: row)
        }
    }

    /// Whom to tell.
    struct Person: Sendable, RowDecodable {
        let email: String
        let timezone: String
        let wantsMessages: Bool
        let wantsWebhooks: Bool
        let wantsPhones: Bool

        init(row: Row) throws {
            email = try row.get("email")
            timezone = try row.get("timezone")
            wantsMessages = try row.get("notification_message_status_enabled")
            wantsWebhooks = try row.get("notification_webhook_enabled")
            wantsPhones = try row.get("notification_heartbeat_enabled")
        }

        /// Whether the account's switches let an e-mail about `cause` pass; those of the server itself have none.
        func wants(_ cause: AlertCause) -> Bool {
            switch cause {
            case .messageFailed: wantsMessages
            case .webhookFailing, .webhookDisabled, .deliveryFailed, .queueOld: wantsWebhooks
            case .phoneOffline: wantsPhones
            case .diskLow, .certificateExpires, .clockStep: true
            }
        }
    }

    /// At most `limit` accounts whose look is due, locked. Index: `alert_watch_due`.
    static func due(limit: Int, in tx: any Transaction) throws -> [Row] {
        try tx.rows(
            """
            SELECT *
            FROM alert_watch
            WHERE due_at <= \(tx.now)
            ORDER BY due_at, user_id
            LIMIT \(limit)
            \(.forUpdateSkipLocked)
            """)
    }

    /// When the next look is due; nil when none is. Index: `alert_watch_due`.
    static func nextDue(in tx: any Transaction) throws -> Timestamp? {
        try tx.value("SELECT MIN(due_at) AS value FROM alert_watch WHERE due_at IS NOT NULL")
    }

    /// Has the account looked at again at `time`; nil for not before somebody is to be told.
    static func look(at time: Timestamp?, userID: UserID, in tx: any Transaction) throws {
        try tx.run("UPDATE alert_watch SET due_at = \(time) WHERE user_id = \(userID)")
    }

    /// Begins to look at an account.
    static func watch(_ userID: UserID, in tx: any Transaction) throws {
        try tx.run(
            """
            INSERT INTO alert_watch (user_id, due_at)
            VALUES (\(userID), \(tx.now))
            ON CONFLICT (user_id) DO UPDATE SET due_at = COALESCE(alert_watch.due_at, excluded.due_at)
            """)
        tx.wake(.alerts)
    }

    /// Begins to look at 100 accounts that nobody looked at so far; true when there may be more.
    static func watchOthers(in tx: any Transaction) throws -> Bool {
        let others: [UserID] = try tx.rows(
            """
            SELECT u.id
            FROM users u
            LEFT JOIN alert_watch w ON w.user_id = u.id
            WHERE w.due_at IS NULL
            ORDER BY u.id
            LIMIT 100
            """
        ).map { try $0.get("id") }
        for user in others { try watch(user, in: tx) }
        return others.count == 100
    }

    /// When an account wants to be told; the defaults where it said nothing.
    package static func settings(of userID: UserID, in tx: any Transaction) throws -> AlertSettings {
        try tx.first(AlertSettings.self, "SELECT * FROM alert_watch WHERE user_id = \(userID)") ?? AlertSettings()
    }

    static func set(_ settings: AlertSettings, of userID: UserID, in tx: any Transaction) throws {
        try tx.run(
            """
            INSERT INTO alert_watch (user_id, quiet_from, quiet_until)
            VALUES (\(userID), \(settings.quietFrom), \(settings.quietUntil))
            ON CONFLICT (user_id) DO UPDATE SET quiet_from = excluded.quiet_from, quiet_until = excluded.quiet_until
            """)
    }

    static func person(_ userID: UserID, in tx: any Transaction) throws -> Person? {
        try tx.first(Person.self, "SELECT * FROM users WHERE id = \(userID)")
    }

    /// The alerts of an account that are not over, the newest first. Index: `alert_subject`.
    package static func list(of userID: UserID, in tx: any Transaction) throws -> [Alert] {
        try tx.all(
            Alert.self,
            """
            SELECT *
            FROM alert
            WHERE user_id = \(userID)
            ORDER BY opened_at DESC, id DESC
            LIMIT 1000
            """)
    }

    static func insert(_ alert: Alert, of userID: UserID, in tx: any Transaction) throws {
        let condition = alert.condition
        try tx.run(
            """
            INSERT INTO alert (id, user_id, cause, subject, title, advice, opened_at, told_at)
            VALUES (
                \(alert.id), \(userID), \(condition.cause), \(condition.subject), \(condition.title),
                \(condition.advice), \(alert.openedAt), \(alert.toldAt))
            """)
    }

    static func update(_ alert: Alert, in tx: any Transaction) throws {
        try tx.run(
            "UPDATE alert SET told_at = \(alert.toldAt), cleared_at = \(alert.clearedAt) WHERE id = \(alert.id)")
    }

    static func delete(_ id: AlertID, in tx: any Transaction) throws {
        try tx.run("DELETE FROM alert WHERE id = \(id)")
    }

    /// How many SMS of the last hour were not sent; at most 1,000. Index: `message_unsent`.
    static func unsent(of userID: UserID, in tx: any Transaction) throws -> Int {
        try tx.value(
            """
            SELECT COUNT(*) AS value
            FROM (
                SELECT id
                FROM message
                WHERE user_id = \(userID) AND status IN ('failed', 'expired') AND planned_at IS NULL
                    AND order_timestamp > \(tx.now - .seconds(3_600)) AND source <> \(Message.importSource)
                ORDER BY order_timestamp DESC, id DESC
                LIMIT 1000) AS newest
            """) ?? 0
    }
}

extension Alert: RowDecodable {
    package init(row: Row) throws {
        self.init(
            id: try row.get("id"),
            condition: AlertCondition(
                cause: try row.get("cause"), subject: try row.get("subject"), title: try row.get("title"),
                advice: try row.get("advice")),
            openedAt: try row.get("opened_at"), toldAt: try row.find("told_at"), clearedAt: try row.find("cleared_at"))
    }
}
