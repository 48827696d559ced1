import Delivery
import Storage

/// How far an account is with its first steps.
extension OverviewQueries {
    /// Indexes: `phone_number`, the primary key of `presence`, `message_recent`.
    static func facts(
        of userID: UserID, phones: Int64, webhooks: Int64, in tx: any Transaction
    ) throws -> FirstSteps.Facts {
        let heard: Int64? = try tx.value(
            """
            SELECT 1 AS value
            FROM phone p
            JOIN presence s ON s.phone_id = p.id
            WHERE p.user_id = \(userID)
            LIMIT 1
            """)
        // The newest tell; older ones are not looked at, so that nobody waits for a long list of what was never sent.
        let sent: Int64? = try tx.value(
            """
            SELECT 1 AS value
            FROM (
                SELECT status
                FROM message
                WHERE user_id = \(userID)
                ORDER BY created_at DESC, id DESC
                LIMIT 1000) AS newest
            WHERE status IN ('sent', 'delivered', 'received')
            LIMIT 1
            """)
        return FirstSteps.Facts(phones: phones, webhooks: webhooks, isHeard: heard != nil, hasSMS: sent != nil)
    }
}
