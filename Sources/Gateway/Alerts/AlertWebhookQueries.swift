import Delivery
import Storage

/// `alert_choice`: what a webhook hears of that does not hear of every alert.
enum AlertWebhookQueries {
    static let migrations: [Migration] = [
        Migration(
            "alerts-2",
            [
                """
                CREATE TABLE alert_choice (
                    user_id \(.text) NOT NULL,
                    endpoint_id \(.text) NOT NULL,
                    causes \(.text) NOT NULL,
                    PRIMARY KEY (user_id, endpoint_id)
                ) \(.strict)
                """
            ])
    ]

    /// What the webhooks of an account hear of; one that is missing hears of everything. Index: the primary key.
    static func causes(of userID: UserID, in tx: any Transaction) throws -> [EndpointID: AlertCauses] {
        let choices: [(EndpointID, AlertCauses)] = try tx.all(
            "SELECT endpoint_id, causes FROM alert_choice WHERE user_id = \(userID)"
        ) { (try $0.get("endpoint_id"), AlertCauses(stored: try $0.get("causes"))) }
        return Dictionary(choices) { first, _ in first }
    }

    /// The webhooks of an account that hear of each change in it. Index: the primary key.
    static func hearingOfChanges(of userID: UserID, in tx: any Transaction) throws -> [EndpointID] {
        let rows = try tx.rows(
            """
            SELECT c.endpoint_id, c.causes
            FROM alert_choice c
            JOIN endpoint e ON e.id = c.endpoint_id
            WHERE c.user_id = \(userID) AND e.status <> \(literal: EndpointStatus.deleted.rawValue)
            ORDER BY c.endpoint_id
            """)
        return try rows.filter { AlertCauses(stored: try $0.get("causes")).hasChanges }
            .map { try $0.get("endpoint_id") }
    }

    /// Stores what a webhook hears of.
    static func set(_ causes: AlertCauses, of id: EndpointID, userID: UserID, in tx: any Transaction) throws {
        guard let stored = causes.stored else {
            try tx.run("DELETE FROM alert_choice WHERE user_id = \(userID) AND endpoint_id = \(id)")
            return
        }
        try tx.run(
            """
            INSERT INTO alert_choice (user_id, endpoint_id, causes)
            VALUES (\(userID), \(id), \(stored))
            ON CONFLICT (user_id, endpoint_id) DO UPDATE SET causes = excluded.causes
            """)
    }
}
