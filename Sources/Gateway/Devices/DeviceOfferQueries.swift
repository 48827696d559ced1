import Delivery
import Storage
import Timestamps

/// Reads and writes what devices were given.
enum DeviceOfferQueries {
    /// Notes that a device was given a message.
    static func hold(
        _ id: MessageID, by device: DeviceID, until time: Timestamp, in tx: any Transaction
    ) throws {
        try tx.run(
            """
            INSERT INTO device_offer (message_id, device_id, state, offered_at, valid_until, questions)
            VALUES (\(id), \(device), \(DeviceOffer.State.held), \(tx.now), \(time), 0)
            ON CONFLICT (message_id) DO UPDATE SET
                device_id = excluded.device_id, state = excluded.state, valid_until = excluded.valid_until
            """)
    }

    /// What a device was given and must be offered again: it is still being sent. The first that were given first, of the 1,000
    /// last ones. Index: `device_offer_device`.
    static func again(
        _ device: DeviceID, owners: [String], limit: Int, in tx: any Transaction
    ) throws -> [Message] {
        if owners.isEmpty { return [] }
        return try tx.all(
            Message.self,
            """
            SELECT m.*
            FROM (
                SELECT message_id, offered_at
                FROM device_offer
                WHERE device_id = \(device) AND state = \(DeviceOffer.State.held)
                ORDER BY offered_at DESC, message_id DESC
                LIMIT 1000) AS o
            JOIN message m ON m.id = o.message_id
            WHERE m.status = \(MessageStatus.sending) AND m.owner IN \(list: owners)
                AND \(ThreadErasureQueries.isLeft("m"))
            ORDER BY o.offered_at, o.message_id
            LIMIT \(limit)
            """)
    }

    /// What was handed out for a device and not fetched yet, as it was planned. Index: `message_scheduled`.
    ///
    /// Whether its time is over says the sweep alone, which knows when the clock was set: a message that looked too old here
    /// would wait for a sweep that finds it young.
    static func outstanding(
        userID: UserID, owners: [String], limit: Int, in tx: any Transaction
    ) throws -> [Message] {
        if owners.isEmpty { return [] }
        return try tx.all(
            Message.self,
            """
            SELECT *
            FROM message
            WHERE user_id = \(userID) AND owner IN \(list: owners) AND status = 'scheduled'
                AND \(ThreadErasureQueries.isLeft("message"))
            ORDER BY scheduled_at, id
            LIMIT \(limit)
            """)
    }

    /// Whether anything was handed out for a device that it did not fetch yet. Index: `message_scheduled`.
    static func isAnythingOutstanding(userID: UserID, owners: [String], in tx: any Transaction) throws -> Bool {
        if owners.isEmpty { return false }
        // Not in an order, which would look at all of them.
        let count: Int? = try tx.value(
            """
            SELECT COUNT(*) AS value
            FROM (
                SELECT id
                FROM message
                WHERE user_id = \(userID) AND owner IN \(list: owners) AND status = 'scheduled'
                LIMIT 1) AS found
            """)
        return count == 1
    }

    /// Has a device that comes back be asked for what it was given in the day before its silence, the 500 last ones. Index:
    /// `device_offer_device`.
    static func askAll(of device: DeviceID, silentSince: Timestamp, in tx: any Transaction) throws {
        try tx.run(
            """
            UPDATE device_offer
            SET ask_at = \(tx.now), questions = 0
            WHERE message_id IN (
                SELECT message_id
                FROM device_offer
                WHERE device_id = \(device) AND state IN ('held', 'sent')
                    AND offered_at > \(silentSince - DeviceOffer.questionSpan) AND offered_at <= \(tx.now)
                ORDER BY offered_at DESC, message_id DESC
                LIMIT 500)
            """)
    }

    /// What a device is asked for now, each question counted; not what is still to be sent, which is offered until it is over.
    /// Index: `device_offer_ask`.
    static func questions(
        for device: DeviceID, owners: [String], limit: Int, in tx: any Transaction
    ) throws -> [Message] {
        if owners.isEmpty { return [] }
        let messages = try tx.all(
            Message.self,
            """
            SELECT m.*
            FROM device_offer o
            JOIN message m ON m.id = o.message_id
            WHERE o.device_id = \(device) AND o.ask_at IS NOT NULL AND o.ask_at <= \(tx.now)
                AND m.owner IN \(list: owners) AND m.status IN ('sending', 'sent', 'expired')
                AND NOT (o.state = 'held' AND m.status = 'sending')
            ORDER BY o.ask_at, o.message_id
            LIMIT \(limit)
            """)
        if messages.isEmpty { return [] }
        try tx.run(
            """
            UPDATE device_offer
            SET ask_at = CASE
                    WHEN questions + 1 >= \(DeviceOffer.mostQuestions) THEN NULL
                    ELSE \(tx.now + DeviceOffer.questionInterval) END,
                questions = questions + 1
            WHERE message_id IN \(list: messages.map(\.id))
            """)
        return messages
    }

    /// Which of these messages a device was given for the first time since then. By the primary key.
    static func new(
        _ ids: [MessageID], of device: DeviceID, since time: Timestamp, in tx: any Transaction
    ) throws -> Set<MessageID> {
        if ids.isEmpty { return [] }
        let rows = try tx.rows(
            """
            SELECT message_id
            FROM device_offer
            WHERE message_id IN \(list: ids) AND device_id = \(device) AND offered_at > \(time)
            """)
        return Set(try rows.map { try $0.get("message_id") })
    }

    /// Whether a device was given a message, and no report has ended that. By the primary key.
    static func isHeld(_ id: MessageID, by device: DeviceID, in tx: any Transaction) throws -> Bool {
        let count: Int? = try tx.value(
            "SELECT COUNT(*) AS value FROM device_offer WHERE message_id = \(id) AND device_id = \(device)")
        return count == 1
    }

    /// What a report means for an offer.
    enum Outcome: Sendable {
        /// The device has the message, and more will follow.
        case noted
        /// It was sent; a delivery report may follow.
        case sent
        /// Nothing can follow.
        case ended
    }

    /// Notes that a device reported a message: it need not be asked for.
    static func note(
        _ outcome: Outcome, of id: MessageID, by device: DeviceID, in tx: any Transaction
    ) throws {
        switch outcome {
        case .ended: try tx.run("DELETE FROM device_offer WHERE message_id = \(id) AND device_id = \(device)")
        case .noted, .sent:
            let held = DeviceOffer.State.held
            try tx.run(
                """
                UPDATE device_offer
                SET ask_at = NULL,
                    state = CASE WHEN state = \(held) THEN \(outcome == .sent ? .sent : held) ELSE state END
                WHERE message_id = \(id) AND device_id = \(device)
                """)
        }
    }

    /// Notes that a message is deleted which a device may hold, so that it is told; gives the device. Nil when none does.
    static func cancel(_ id: MessageID, in tx: any Transaction) throws -> DeviceID? {
        try tx.rows(
            """
            UPDATE device_offer
            SET state = \(DeviceOffer.State.cancelled), ask_at = NULL
            WHERE message_id = \(id) AND state = \(DeviceOffer.State.held)
            RETURNING device_id
            """
        ).first?.get("device_id")
    }

    /// The same for many messages; gives the devices. By the primary key.
    static func cancel(_ ids: [MessageID], in tx: any Transaction) throws -> Set<DeviceID> {
        Set(
            try tx.rows(
                """
                UPDATE device_offer
                SET state = \(DeviceOffer.State.cancelled), ask_at = NULL
                WHERE state = \(DeviceOffer.State.held) AND message_id IN \(list: ids)
                RETURNING device_id
                """
            ).map { try $0.get("device_id") })
    }

    /// What a device is told to give up: what was deleted and could still be sent, at most 200. Index: `device_offer_device`.
    static func cancelled(of device: DeviceID, in tx: any Transaction) throws -> [MessageID] {
        try tx.rows(
            """
            SELECT message_id
            FROM device_offer
            WHERE device_id = \(device) AND state = \(DeviceOffer.State.cancelled) AND valid_until > \(tx.now)
            ORDER BY offered_at, message_id
            LIMIT 200
            """
        ).map { try $0.get("message_id") }
    }

    /// Deletes at most 500 whose end was two days ago; true when there may be more. Index: `device_offer_valid`.
    static func prune(in tx: any Transaction) throws -> Bool {
        try tx.run(
            """
            DELETE FROM device_offer
            WHERE message_id IN (
                SELECT message_id
                FROM device_offer
                WHERE valid_until <= \(tx.now - DeviceOffer.questionSpan * 2)
                ORDER BY valid_until, message_id
                LIMIT 500)
            """) == 500
    }
}
