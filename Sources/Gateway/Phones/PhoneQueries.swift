import Delivery
import HTTPSMSWebhooks
import Storage
import Timestamps

/// Reads and writes phones.
package enum PhoneQueries {
    /// The phones of `userID`, newest first, whose number contains `page.query`. Index: `phone_number`.
    package static func list(userID: UserID, page: Page, in tx: any Transaction) throws -> [Phone] {
        let query = try SearchQuery(page.query) { try numbers(of: userID, in: tx) }
        return try tx.all(
            Phone.self,
            """
            SELECT *
            FROM phone
            WHERE user_id = \(userID) AND (\(query.condition(folded: "phone_number", number: "phone_number")))
            ORDER BY created_at DESC, id DESC
            LIMIT \(page.limit) OFFSET \(page.skip)
            """)
    }

    /// The numbers of `userID`, by number; the first 100. Index: `phone_number`.
    static func numbers(of userID: UserID, in tx: any Transaction) throws -> [String] {
        try tx.rows(
            """
            SELECT phone_number
            FROM phone
            WHERE user_id = \(userID)
            ORDER BY phone_number
            LIMIT 100
            """
        ).map { try $0.get("phone_number") }
    }

    /// The phone `id` of `userID`.
    package static func find(_ id: PhoneID, userID: UserID, in tx: any Transaction) throws -> Phone? {
        try tx.first(Phone.self, "SELECT * FROM phone WHERE id = \(id) AND user_id = \(userID)")
    }

    /// The phone `id`, whose ever it is, locked.
    static func find(_ id: PhoneID, in tx: any Transaction) throws -> Phone? {
        try tx.first(Phone.self, "SELECT * FROM phone WHERE id = \(id) \(.forUpdate)")
    }

    /// The phone of `userID` with this number, locked. Index: `phone_number`.
    static func find(number: String, userID: UserID, in tx: any Transaction) throws -> Phone? {
        try tx.first(
            Phone.self,
            "SELECT * FROM phone WHERE user_id = \(userID) AND phone_number = \(number) \(.forUpdate)")
    }

    /// The phones of `userID` among `numbers`, locked, by id. Index: `phone_number`.
    static func find(numbers: [String], userID: UserID, in tx: any Transaction) throws -> [Phone] {
        // One that cannot be read is an error, as with the other: left out, it would pass for one that is gone.
        try tx.rows(
            """
            SELECT *
            FROM phone
            WHERE user_id = \(userID) AND phone_number IN \(list: numbers)
            ORDER BY id
            \(.forUpdate)
            """
        ).map { try Phone(row: $0) }
    }

    /// The phone of `userID` with this number, not locked, for what is shown beside it; nil also where it cannot be read.
    /// Index: `phone_number`.
    package static func look(number: String, userID: UserID, in tx: any Transaction) throws -> Phone? {
        try tx.all(Phone.self, "SELECT * FROM phone WHERE user_id = \(userID) AND phone_number = \(number)").first
    }

    /// At most `limit` phones whose turn has come, as rows, longest due first, locked. Index: `phone_next`.
    static func due(limit: Int, in tx: any Transaction) throws -> [Row] {
        try tx.rows(
            """
            SELECT *
            FROM phone
            WHERE next_at IS NOT NULL AND next_at <= \(tx.now)
            ORDER BY next_at, id
            LIMIT \(limit)
            \(.forUpdateSkipLocked)
            """)
    }

    /// When the next phone's turn comes. Index: `phone_next`.
    static func nextDue(in tx: any Transaction) throws -> Timestamp? {
        try tx.value("SELECT MIN(next_at) AS value FROM phone WHERE next_at IS NOT NULL")
    }

    /// Notes when the phone's turn comes, nil when nothing waits, and which turn was the last.
    static func plan(_ id: PhoneID, at time: Timestamp?, turn: Int64, in tx: any Transaction) throws {
        try tx.run("UPDATE phone SET next_at = \(time), turn = \(turn) WHERE id = \(id)")
    }

    /// Leaves the queue of a phone whose row cannot be read alone until then.
    static func postpone(_ id: PhoneID, until time: Timestamp, in tx: any Transaction) throws {
        try tx.run("UPDATE phone SET next_at = \(time) WHERE id = \(id)")
    }

    /// Which of `numbers` are phones of `userID`. Index: `phone_number`.
    static func known(_ numbers: [String], userID: UserID, in tx: any Transaction) throws -> Set<String> {
        Set(
            try tx.rows(
                "SELECT phone_number FROM phone WHERE user_id = \(userID) AND phone_number IN \(list: numbers)"
            ).map { try $0.get("phone_number") })
    }

    /// How many phones `userID` has. Index: `phone_number`.
    static func count(userID: UserID, in tx: any Transaction) throws -> Int {
        try tx.value("SELECT COUNT(*) AS value FROM phone WHERE user_id = \(userID)") ?? 0
    }

    /// Stores a phone, new or changed.
    static func save(_ phone: Phone, in tx: any Transaction) throws {
        try tx.run(
            """
            INSERT INTO phone (
                id, user_id, phone_number, fcm_token, messages_per_minute, sim, message_send_schedule_id,
                max_send_attempts, message_expiration, missed_call_auto_reply, unarchive_thread, created_at, updated_at,
                push_error, asked_at)
            VALUES (
                \(phone.id), \(phone.userID), \(phone.phoneNumber), \(phone.fcmToken), \(phone.messagesPerMinute),
                \(phone.sim), \(phone.messageSendScheduleID), \(phone.maxSendAttempts), \(phone.messageExpiration),
                \(phone.missedCallAutoReply), \(phone.unarchiveThread), \(phone.createdAt), \(phone.updatedAt),
                \(phone.pushError), \(phone.askedAt))
            ON CONFLICT (id) DO UPDATE SET
                fcm_token = excluded.fcm_token, messages_per_minute = excluded.messages_per_minute,
                sim = excluded.sim, message_send_schedule_id = excluded.message_send_schedule_id,
                max_send_attempts = excluded.max_send_attempts, message_expiration = excluded.message_expiration,
                missed_call_auto_reply = excluded.missed_call_auto_reply,
                unarchive_thread = excluded.unarchive_thread, updated_at = excluded.updated_at,
                push_error = excluded.push_error, asked_at = excluded.asked_at,
                device_id = CASE WHEN excluded.fcm_token IS NULL THEN phone.device_id ELSE NULL END,
                device_slot = CASE WHEN excluded.fcm_token IS NULL THEN phone.device_slot ELSE NULL END
            """)
    }

    /// Notes when the last paced message was handed out.
    static func pace(_ id: PhoneID, at time: Timestamp, in tx: any Transaction) throws {
        try tx.run("UPDATE phone SET paced_at = \(time) WHERE id = \(id)")
    }

    /// Notes once a day that the phone of a message asked for it, if it is one of `numbers`, nil is any, and none of `kinds` pushes
    /// to it. Index: `phone_number`.
    static func noteAsking(
        for id: MessageID, userID: UserID, numbers: [String]?, unlessPushedBy kinds: Set<PushKind>,
        in tx: any Transaction
    ) throws {
        let allowed: SQL = numbers.map { "AND phone_number IN \(list: $0)" } ?? ""
        let phone = try tx.all(
            Phone.self,
            """
            SELECT *
            FROM phone
            WHERE user_id = \(userID)
                AND phone_number = (SELECT owner FROM message WHERE id = \(id) AND user_id = \(userID)) \(allowed)
                AND (asked_at IS NULL OR asked_at <= \(tx.now - .seconds(86_400)))
            """
        ).first
        guard let phone, !phone.isPushed(by: kinds) else { return }
        try tx.run("UPDATE phone SET asked_at = \(tx.now) WHERE id = \(phone.id)")
    }

    /// Forgets an address that reaches nobody any more, unless the phone has another by now, and says so on the phone.
    static func drop(_ address: PushAddress, of id: PhoneID, because reason: String, in tx: any Transaction) throws {
        try tx.run(
            """
            UPDATE phone
            SET fcm_token = NULL, push_error = \(reason), updated_at = \(tx.now)
            WHERE id = \(id) AND fcm_token = \(address.text)
            """)
    }

    /// Says on a phone why nothing reaches it, or with nil that all is well again; false when it said so before. Not when the
    /// phone has another address by now.
    static func notePushError(
        _ error: String?, of id: PhoneID, address: PushAddress, in tx: any Transaction
    ) throws -> Bool {
        try tx.run(
            """
            UPDATE phone
            SET push_error = \(error), updated_at = \(tx.now)
            WHERE id = \(id) AND fcm_token = \(address.text) AND COALESCE(push_error, '') <> \(error ?? "")
            """) == 1
    }

    /// Deletes the phone `id`.
    static func delete(_ id: PhoneID, in tx: any Transaction) throws {
        try tx.run("DELETE FROM phone WHERE id = \(id)")
    }
}
