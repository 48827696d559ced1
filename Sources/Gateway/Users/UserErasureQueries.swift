import Delivery
import Storage
import Timestamps

/// Erases an account. What acts for it goes in the transaction that deletes it; its messages, events and the rest follow
/// in small transactions, so that nobody waits for a large account to go.
///
/// `user_erasure` names the accounts that are on their way. A row stays for a minute after nothing is left: requests that
/// were let in before the deletion have written by then, and that goes as well.
enum UserErasureQueries {
    /// Deletes the account itself and what acts for it; the rest is swept.
    static func begin(_ id: UserID, endpoints: EndpointQueries, in tx: any Transaction) throws {
        // First, so that whoever counts what the account has waits for this. An id that is nobody's leaves nothing to erase.
        guard try tx.run("DELETE FROM users WHERE id = \(id)") == 1 else { return }
        try removeWhatActs(for: id, endpoints: endpoints, in: tx)
        // Nobody becomes the owner unasked: the place stays taken, by nobody.
        try tx.run("UPDATE server_owner SET user_id = '' WHERE user_id = \(id)")
        try tx.run(
            """
            INSERT INTO user_erasure (user_id, due_at, ends_at)
            VALUES (\(id), \(tx.now), \(tx.now + .seconds(60)))
            ON CONFLICT (user_id) DO NOTHING
            """)
        tx.wake(.erasures)
    }

    /// Deletes keys, phones, devices, schedules, webhooks and sessions, and gives how many of them there were.
    @discardableResult
    private static func removeWhatActs(
        for id: UserID, endpoints: EndpointQueries, in tx: any Transaction
    ) throws -> Int {
        let webhooks = try id.scopes.flatMap { try endpoints.ids(userID: $0, in: tx) }
        for webhook in webhooks { try endpoints.delete(webhook, in: tx) }
        try tx.run(
            """
            DELETE FROM phone_api_key_phone
            WHERE phone_api_key_id IN (SELECT id FROM phone_api_key WHERE user_id = \(id))
            """)
        for table in ["device_token", "device_offer"] as [SQL] {
            try tx.run("DELETE FROM \(table) WHERE device_id IN (SELECT id FROM device WHERE user_id = \(id))")
        }
        var count = webhooks.count
        for table in acting { count += try tx.run("DELETE FROM \(table) WHERE user_id = \(id)") }
        try TeamQueries.deleteAll(of: id, in: tx)
        try AccessQueries.delete(of: id, in: tx)
        return count
    }

    /// Tables of what acts for an account, few rows each.
    private static let acting: [SQL] = [
        "access_key", "phone_api_key", "presence", "phone", "phone_move", "device", "device_pairing", "send_schedule",
        "forwarder", "playground", "recovery_code", "second_factor",
    ]

    /// Whether what the account `id` owned is still being erased.
    static func isRunning(for id: UserID, in tx: any Transaction) throws -> Bool {
        try !tx.rows("SELECT user_id FROM user_erasure WHERE user_id = \(id)").isEmpty
    }

    /// One transaction of the erasure sweep. Index: `user_erasure_due`.
    static func step(endpoints: EndpointQueries, in tx: any Transaction) throws -> Sweep.Outcome {
        let row = try tx.rows(
            """
            SELECT user_id, ends_at
            FROM user_erasure
            WHERE due_at <= \(tx.now)
            ORDER BY due_at
            LIMIT 1
            \(.forUpdateSkipLocked)
            """
        ).first
        guard let row else {
            return Sweep.Outcome(
                mayHaveMore: false, nextDue: try tx.value("SELECT MIN(due_at) AS value FROM user_erasure"))
        }
        let id: UserID = try row.get("user_id")
        let endsAt: Timestamp = try row.get("ends_at")
        let progress = try erase(id, endpoints: endpoints, in: tx)
        if progress == .done, endsAt <= tx.now {
            try EventErasure.forget(userID: id, in: tx)
            try tx.run("DELETE FROM user_erasure WHERE user_id = \(id)")
        } else {
            // What is due now goes behind the others, so that a large account does not hold them up.
            let next =
                switch progress {
                case .erased: tx.now
                case .waiting: tx.now + .seconds(1)
                case .done: endsAt
                }
            try tx.run("UPDATE user_erasure SET due_at = \(next) WHERE user_id = \(id)")
        }
        return Sweep.Outcome(mayHaveMore: true, nextDue: nil)
    }

    /// Erases what one transaction may.
    static func erase(
        _ id: UserID, endpoints: EndpointQueries, in tx: any Transaction
    ) throws -> EventErasure.Progress {
        var room = DeletionRoom()
        let messages: [MessageID] = try Deletion(
            "message", key: "id", byteCount: MessageQueries.byteCount, where: "user_id = \(id)", order: "created_at, id"
        ).rows(&room, in: tx).map { try $0.get("id") }
        for message in messages { try AttachmentQueries.discard(of: message, in: tx) }
        var count = messages.count
        if !messages.isEmpty { try tx.run("DELETE FROM message WHERE id IN \(list: messages)") }
        for (table, key, order, byteCount) in largeTables where !room.isFull {
            count += try Deletion(table, key: key, byteCount: byteCount, where: "user_id = \(id)", order: order)
                .delete(&room, in: tx)
        }
        for (table, key) in tables where !room.isFull {
            let deleted = try tx.run(
                """
                DELETE FROM \(table)
                WHERE user_id = \(id) AND \(key) IN (
                    SELECT \(key) FROM \(table) WHERE user_id = \(id) LIMIT \(room.left))
                """)
            room.took(deleted)
            count += deleted
        }
        // A request that was let in before the deletion may have made something that acts.
        if count == 0 { count += try removeWhatActs(for: id, endpoints: endpoints, in: tx) }
        return count > 0 ? .erased : try EventErasure.erase(userID: id, in: tx)
    }

    /// What else names its account and may have large rows: what they are told apart by, the order of an index that begins with
    /// the account, and what they hold.
    private static let largeTables: [(table: SQL, key: SQL, order: SQL, byteCount: SQL)] = [
        (
            "message_thread", "id", "owner, contact",
            SQL.byteCount(of: "last_message_content", "recent_content", "search_text")
        ),
        ("search_part", "user_id, place", "place", "LENGTH(data)"),
        ("idempotency_key", "user_id, idempotency_key", "idempotency_key", "LENGTH(answer)"),
        ("forwarder_request", "id", "id", SQL.byteCount(of: "query", "body", "answer", "readings")),
        ("playground_request", "user_id, number", "number", PlaygroundQueries.byteCount),
        ("bulk_message", "user_id, request_id", "request_id", SQL.byteCount(of: "left_out")),
        ("mail", "id", "id", SQL.byteCount(of: "body")),
        (
            "contact", "id", "updated_at, id",
            SQL.byteCount(of: "emails", "phone_numbers", "properties", "search_text")
        ),
    ]

    /// What else names its account, and what its rows are told apart by. Any of its rows will do, so they are in no order.
    private static let tables: [(SQL, SQL)] = [
        ("thread_erasure", "owner"), ("thread_note", "id"), ("thread_assignment", "thread_id"),
        ("heartbeat", "id"), ("account_usage", "user_id"),
        ("push", "id"), ("message_unindexed", "message_id"), ("search_segment", "segment"),
        ("attention_done", "subject"), ("contact_number", "number"), ("alert", "id"), ("alert_watch", "user_id"),
        ("alert_choice", "endpoint_id"), ("audit_entry", "id"), ("saved_text", "id"),
    ]

    static let migrations: [Migration] = [
        Migration(
            "user-erasure-1",
            [
                """
                CREATE TABLE user_erasure (
                    user_id \(.text) PRIMARY KEY,
                    due_at \(.int64) NOT NULL,
                    ends_at \(.int64) NOT NULL
                ) \(.strict)
                """,
                "CREATE INDEX user_erasure_due ON user_erasure (due_at)",
                "CREATE INDEX push_user ON push (user_id)",
            ])
    ]
}
