import Delivery
import Storage
import Timestamps

extension Quotas {
    /// Adds to the counts of today, which begin at zero every day, and gives them.
    static func add(
        messages: Int, bytes: Int, userID: UserID, in tx: any Transaction
    ) throws -> (messages: Int, bytes: Int) {
        let today = tx.now.seconds / 86_400
        let row = try tx.rows(
            """
            INSERT INTO account_usage (user_id, day, messages, attachment_bytes)
            VALUES (\(userID), \(today), \(messages), \(bytes))
            ON CONFLICT (user_id) DO UPDATE SET
                messages = CASE WHEN account_usage.day = excluded.day THEN account_usage.messages ELSE 0 END
                    + excluded.messages,
                attachment_bytes =
                    CASE WHEN account_usage.day = excluded.day THEN account_usage.attachment_bytes ELSE 0 END
                    + excluded.attachment_bytes,
                day = excluded.day
            RETURNING messages, attachment_bytes
            """
        ).first
        return (try row?.get("messages") ?? 0, try row?.get("attachment_bytes") ?? 0)
    }
}
