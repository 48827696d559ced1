import Delivery
import Storage
import Timestamps

/// Reads and writes messages.
package enum MessageQueries {
    /// The message `id` of `userID`, locked.
    package static func find(_ id: MessageID, userID: UserID, in tx: any Transaction) throws -> Message? {
        try tx.first(
            Message.self,
            """
            SELECT *
            FROM message
            WHERE id = \(id) AND user_id = \(userID) AND \(ThreadErasureQueries.isLeft("message"))
            \(.forUpdate)
            """)
    }

    /// Those of `ids` that are messages of `userID`, the one that moved last first.
    static func all(_ ids: [MessageID], of userID: UserID, in tx: any Transaction) throws -> [Message] {
        try tx.all(
            Message.self,
            """
            SELECT *
            FROM message
            WHERE id IN \(list: ids) AND user_id = \(userID) AND \(ThreadErasureQueries.isLeft("message"))
            ORDER BY order_timestamp DESC, id DESC
            """)
    }

    /// The newest messages of `userID` with `contact`, at any of its phones: at most ``newest``. A national number is read as each
    /// phone would dial it. Index: `message_conversation`.
    static func ids(with contact: String, userID: UserID, in tx: any Transaction) throws -> [MessageID] {
        var found: [(at: Timestamp, id: MessageID)] = []
        for owner in try PhoneQueries.numbers(of: userID, in: tx) {
            let rows = try tx.rows(
                """
                SELECT id, order_timestamp
                FROM message
                WHERE user_id = \(userID) AND owner = \(owner) AND contact = \(PhoneNumber.contact(contact, owner: owner))
                ORDER BY order_timestamp DESC, id DESC
                LIMIT \(literal: newest)
                """)
            for row in rows {
                let (at, id): (Timestamp, MessageID) = (try row.get("order_timestamp"), try row.get("id"))
                found.append((at: at, id: id))
            }
        }
        found.sort { ($0.at, $0.id.text) > ($1.at, $1.id.text) }
        return found.prefix(newest).map { $0.id }
    }

    /// Those of the messages `ids` of `userID` that are with `contact`, which is read as each phone would dial it. One that
    /// cannot be read is with nobody. By their primary key; by the account, all of its messages might be read for a few.
    package static func among(
        _ ids: [String], with contact: String, userID: UserID, in tx: any Transaction
    ) throws -> Set<String> {
        if ids.isEmpty { return [] }
        var numbers: [String: String] = [:]
        let found: [String?] = try tx.all(
            """
            SELECT id, owner, contact
            FROM message
            WHERE id IN \(list: SearchIndexQueries.padded(ids)) AND COALESCE(user_id, '') = \(userID)
            """
        ) { row in
            let (id, owner): (String, String) = (try row.get("id"), try row.get("owner"))
            let number = numbers[owner] ?? PhoneNumber.contact(contact, owner: owner)
            numbers[owner] = number
            return try row.get("contact", as: String.self) == number ? id : nil
        }
        return Set(found.compactMap { $0 })
    }

    /// 1,000 messages with one contact: more than most logs of deliveries hold, and one statement can name them.
    private static let newest = 1_000

    /// A conversation, newest first, whose content contains `page.query`. Indexes: `message_conversation`,
    /// `message_unfolded`.
    package static func list(
        userID: UserID, owner: String, contact: String, page: Page, in tx: any Transaction
    ) throws -> [Message] {
        let query = SearchQuery(page.query)
        var filter: SQL = ""
        if !query.isEmpty {
            let unfolded = try SearchFillQueries.messages(of: userID, in: tx) { content, _, _ in query.isIn(content) }
            filter = """
                AND (\(SearchText.contentContains("search_text", query.text))
                    OR id IN \(list: unfolded))
                """
        }
        return try tx.all(
            Message.self,
            """
            SELECT *
            FROM message
            WHERE user_id = \(userID) AND owner = \(owner) AND contact = \(contact) \(filter)
                AND \(ThreadErasureQueries.isLeft("message"))
            ORDER BY order_timestamp DESC, id DESC
            LIMIT \(page.limit) OFFSET \(page.skip)
            """)
    }

    static func insert(_ message: Message, in tx: any Transaction) throws {
        let statement: SQL =
            """
            INSERT INTO message (
                id, request_id, owner, user_id, contact, content, attachments, encrypted, type, status, sim,
                request_received_at, created_at, updated_at, order_timestamp, scheduled_send_time,
                send_attempt_count, max_send_attempts, received_at, failure_reason, source, event_count, planned_at,
                batch, turn, paced, disbelieved_time, callback_id, search_text)
            VALUES (
                \(message.id), \(message.requestID), \(message.owner), \(message.userID), \(message.contact),
                \(message.content), \(message.attachments.joined(separator: "\n")), \(message.isEncrypted),
                \(message.type), \(message.status), \(message.sim), \(message.requestReceivedAt), \(message.createdAt),
                \(message.updatedAt), \(message.orderTimestamp), \(message.scheduledSendTime),
                \(message.sendAttemptCount), \(message.maxSendAttempts), \(message.receivedAt),
                \(message.failureReason), \(message.source), \(message.eventCount), \(message.plannedAt),
                \(message.batch), \(message.turn), \(message.isPaced), \(message.disbelievedTime),
                \(message.callbackID), \(SearchText.of(message)))
            """
        let changed = try tx.runBatch([
            statement, SearchIndexQueries.add(message), ThreadErasureQueries.meets(message),
        ])
        if changed.last == 1 { try ThreadErasureQueries.makeRoom(for: message, in: tx) }
        try MessageThreadQueries.follow(message, isNew: true, in: tx)
        // What came in waits for nothing: a look for it would be a transaction more for each SMS.
        if message.type == .mobileTerminated { tx.wake(.messages) }
    }

    /// Says on a message that came in, and was stored in this transaction, what is odd about it; gives it as it is then.
    static func note(_ note: String, on message: Message, in tx: any Transaction) throws -> Message {
        var noted = message
        noted.failureReason = [message.failureReason, note].compactMap(\.self).joined(separator: "; ")
        try tx.run(
            """
            UPDATE message
            SET failure_reason = \(noted.failureReason), search_text = \(SearchText.of(noted))
            WHERE id = \(message.id)
            """)
        return noted
    }

    /// Stores `next` if the message still stands where `previous` was read; false when it moved meanwhile.
    static func move(_ previous: Message, to next: Message, in tx: any Transaction) throws -> Bool {
        let text = next.failureReason == previous.failureReason ? nil : SearchText.of(next)
        let changed = try tx.run(
            """
            UPDATE message
            SET status = \(next.status), send_time = \(next.sendTime), updated_at = \(tx.now),
                order_timestamp = \(next.orderTimestamp), last_attempted_at = \(next.lastAttemptedAt),
                scheduled_at = \(next.scheduledAt), sent_at = \(next.sentAt), delivered_at = \(next.deliveredAt),
                expired_at = \(next.expiredAt), failed_at = \(next.failedAt),
                send_attempt_count = \(next.sendAttemptCount), failure_reason = \(next.failureReason),
                event_count = \(next.eventCount), planned_at = \(next.plannedAt), turn = \(next.turn),
                expires_at = \(next.expiresAt),
                paced = \(next.isPaced), disbelieved_time = \(next.disbelievedTime),
                search_text = COALESCE(\(text), search_text)
            WHERE id = \(previous.id) AND status = \(previous.status) AND event_count = \(previous.eventCount)
                AND send_attempt_count = \(previous.sendAttemptCount)
            """)
        guard changed == 1 else { return false }
        if text != nil { try tx.run(SearchIndexQueries.add(next)) }
        try MessageThreadQueries.follow(next, isNew: false, in: tx)
        if next.plannedAt != nil || next.expiresAt != nil { tx.wake(.messages) }
        return true
    }

    /// Gives the message to the phone that asks for it, once: nil when it is not outstanding, or belongs to a number that
    /// is not among `numbers` (nil allows all of the user's). What was imported is history: a push of the old server may still
    /// be on its way.
    static func fetch(
        _ id: MessageID, userID: UserID, numbers: [String]?, in tx: any Transaction
    ) throws -> Message? {
        let allowed: SQL = numbers.map { "AND owner IN \(list: $0)" } ?? ""
        let fetched = try tx.first(
            Message.self,
            """
            UPDATE message
            SET status = \(MessageStatus.sending), last_attempted_at = \(tx.now), updated_at = \(tx.now)
            WHERE id = \(id) AND user_id = \(userID) AND type = \(MessageType.mobileTerminated)
                AND status IN \(list: MessageTransition.outstanding) AND source <> \(Message.importSource) \(allowed)
                AND \(ThreadErasureQueries.isLeft("message"))
            RETURNING *
            """)
        if let fetched { try MessageThreadQueries.follow(fetched, isNew: false, in: tx) }
        return fetched
    }

    /// When the outgoing message was due that has waited longest for being handed out; nil when none is due. Index:
    /// `message_planned`.
    static func overdue(in tx: any Transaction) throws -> Timestamp? {
        try tx.value("SELECT MIN(planned_at) AS value FROM message WHERE planned_at <= \(tx.now)")
    }

    /// Whether one of `owners` received an SMS since then, among the first 1,000 messages. Index: `message_recent`.
    static func hasReceived(
        owners: [String], since time: Timestamp, userID: UserID, in tx: any Transaction
    ) throws -> Bool {
        if owners.isEmpty { return false }
        let count: Int? = try tx.value(
            """
            SELECT COUNT(*) AS value
            FROM (
                SELECT owner, type
                FROM message
                WHERE user_id = \(userID) AND created_at >= \(time)
                ORDER BY created_at, id
                LIMIT 1000) AS recent
            WHERE owner IN \(list: owners) AND type = \(MessageType.mobileOriginated)
            """)
        return count ?? 0 > 0
    }

    /// Gives a message that was fetched outside of an attempt a time by which it is too late.
    static func expire(_ id: MessageID, at time: Timestamp, in tx: any Transaction) throws {
        try tx.run("UPDATE message SET expires_at = \(time) WHERE id = \(id)")
        tx.wake(.messages)
    }

    /// What the text of a row of `message` holds, in bytes: what each webhook's filter looks at when something happens to it.
    static let contentBytes: SQL = "CAST(\(SQL.byteCount(of: "content")) AS BIGINT)"

    /// What a row of `message` holds, in bytes, with its files that are in the database.
    static let byteCount: SQL =
        SQL.byteCount(of: "content", "search_text", "failure_reason") + """
            + COALESCE((
                SELECT SUM(LENGTH(c.content))
                FROM attachment a
                JOIN attachment_content c ON c.token = a.token
                WHERE a.message_id = message.id), 0)
            """

    /// Deletes the message `id`.
    static func delete(_ id: MessageID, in tx: any Transaction) throws {
        try tx.run("DELETE FROM message WHERE id = \(id)")
    }

    /// At most `limit` messages outside of the queues whose attempt is due, as rows, longest first. Index: `message_due`.
    ///
    /// What has a time of its own and was accepted before `doubt` is due by the time of day as it was before that; nil for no
    /// doubt.
    static func planned(limit: Int, doubt: ClockGuard.Lead? = nil, in tx: any Transaction) throws -> [Row] {
        let isSure: SQL =
            doubt.map {
                "AND (paced = 1 OR planned_at <= \(tx.now - $0.amount) OR created_at >= \(tx.now - $0.age))"
            } ?? ""
        return try tx.rows(
            """
            SELECT *, \(contentBytes) AS byte_count
            FROM message
            WHERE planned_at IS NOT NULL AND turn IS NULL AND planned_at <= \(tx.now) \(isSure)
            ORDER BY planned_at, id
            LIMIT \(limit)
            \(.forUpdateSkipLocked)
            """)
    }

    /// At most `limit` messages whose attempt took too long, as rows, longest first. Index: `message_expires`.
    ///
    /// `leads` says how far the time of day ran ahead of them, the latest step first: nobody had less time because of it.
    static func expiring(limit: Int, leads: [ClockGuard.Lead] = [], in tx: any Transaction) throws -> [Row] {
        try tx.rows(
            """
            SELECT *, \(contentBytes) AS byte_count
            FROM message
            WHERE expires_at IS NOT NULL AND expires_at <= \(tx.now) \(isReallyOver(leads, at: tx.now))
            ORDER BY expires_at, id
            LIMIT \(limit)
            \(.forUpdateSkipLocked)
            """)
    }

    /// That the time of an attempt is over by a clock that nobody set; each phone has its own.
    private static func isReallyOver(_ leads: [ClockGuard.Lead], at now: Timestamp) -> SQL {
        let leads = leads.filter { $0.amount > .zero && $0.age < Phone.longestExpiration }
        if leads.isEmpty { return "" }
        let cases = leads.reversed().reduce("" as SQL) { cases, lead in
            cases + """
                WHEN \(expiration) > \(lead.age) THEN \(now - lead.amount)
                """
        }
        return "AND expires_at <= CASE \(cases) ELSE \(now) END"
    }

    /// How long an attempt of a message may take. Index: `phone_number`.
    static let expiration: SQL = """
        COALESCE(
            (SELECT p.message_expiration
             FROM phone p
             WHERE p.user_id = message.user_id AND p.phone_number = message.owner),
            \(Phone.defaultExpiration))
        """

    /// Leaves an attempt that cannot be handed out, or ended, alone until then.
    static func postpone(_ id: MessageID, until time: Timestamp, in tx: any Transaction) throws {
        try tx.run(
            """
            UPDATE message
            SET planned_at = CASE WHEN planned_at IS NULL THEN NULL ELSE \(time) END, turn = NULL,
                expires_at = CASE WHEN expires_at IS NULL THEN NULL ELSE \(time) END
            WHERE id = \(id)
            """)
    }

    /// When the sweep has work next. Indexes: `message_due`, `message_expires`, `phone_next`.
    static func nextDue(in tx: any Transaction) throws -> Timestamp? {
        let planned: Timestamp? = try tx.value(
            "SELECT MIN(planned_at) AS value FROM message WHERE planned_at IS NOT NULL AND turn IS NULL")
        let expires: Timestamp? = try tx.value(
            "SELECT MIN(expires_at) AS value FROM message WHERE expires_at IS NOT NULL")
        return [planned, expires, try PhoneQueries.nextDue(in: tx)].compactMap(\.self).min()
    }

    /// Notes that `digest` arrived as `id`; gives the message it arrived as before, if it did.
    static func claimDigest(_ digest: [UInt8], for id: MessageID, in tx: any Transaction) throws -> MessageID? {
        let inserted = try tx.run(
            """
            INSERT INTO inbound_digest (digest, message_id)
            VALUES (\(digest), \(id))
            ON CONFLICT (digest) DO NOTHING
            """)
        if inserted == 1 { return nil }
        return try tx.value("SELECT message_id AS value FROM inbound_digest WHERE digest = \(digest)")
    }

    /// The same for a digest that means another report once the first one is older than `age`, or as far ahead, after a clock
    /// was set back.
    static func claimDigest(
        _ digest: [UInt8], for id: MessageID, within age: Duration, in tx: any Transaction
    ) throws -> MessageID? {
        guard let first = try claimDigest(digest, for: id, in: tx) else { return nil }
        // An id begins with its time.
        let oldest = UUIDText.version7(at: tx.now - age, high: 0, low: 0)
        let latest = UUIDText.version7(at: tx.now + age, high: .max, low: .max)
        if (oldest...latest).contains(first.text) { return first }
        let taken = try tx.run(
            """
            UPDATE inbound_digest
            SET message_id = \(id)
            WHERE digest = \(digest) AND message_id = \(first)
            """)
        if taken == 1 { return nil }
        return try tx.value("SELECT message_id AS value FROM inbound_digest WHERE digest = \(digest)")
    }
}
