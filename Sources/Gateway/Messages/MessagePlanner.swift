import Delivery
import Storage
import Timestamps

/// Says when outgoing messages are handed out: the one place where they are planned.
///
/// The paced messages of a phone are a queue, whose order is stored: each has a `turn`, and equal turns go by id. All messages
/// of one batch are a lane; those without a batch share another. A message's turn is one more than that of the last one of its
/// lane, and never one that is over, so that lanes take turns and nothing that waits is ever written again: a message costs the
/// same behind 60 others and behind 60,000. *When* the head of the queue goes is decided at hand-out, from the phone's rate, its
/// schedule and the time of the last one; `phone.next_at` says when to look.
///
/// The times that are shown are a forecast of that (``forecast(_:_:in:)``). Messages with a time of their own (`send_at`) keep
/// it, have no turn and are not paced; their retries are.
///
/// Everything here happens in the caller's transaction, under the lock of the phone's row.
package enum MessagePlanner {
    /// Accepts new messages of one phone for sending, which the account's quota is asked for here, so that no way in passes it by.
    /// They are stored behind what waits in their lane, and given with the times forecast for them, in order.
    ///
    /// The messages are all of `phone`, which was read, locked, in this transaction, and all of one batch or of none.
    ///
    /// - Throws: ``Refusal`` `.tooMany` when the account may not send as many today; nothing is counted or stored then.
    static func add(
        _ messages: [Message], from phone: Phone, within quotas: Quotas, in tx: any Transaction
    ) throws -> [Message] {
        try quotas.take(messages: messages.count, userID: phone.userID, in: tx)
        var planned = messages
        let paced = planned.indices.filter { planned[$0].isPaced }
        if let first = paced.first {
            let last = try MessageQueries.lastTurn(ofLane: planned[first].batch, of: phone, in: tx)
            var turn = max(phone.turn, last ?? phone.turn)
            for index in paced {
                turn = turn.clampedAdding(1)
                planned[index].turn = turn
            }
            let times = try forecast(phone, paced.map { planned[$0] }, in: tx)
            for index in paced { planned[index].plannedAt = times[planned[index].id] ?? tx.now }
            try wake(phone, in: tx)
        }
        for message in planned { try MessageQueries.insert(message, in: tx) }
        return planned
    }

    /// Puts messages that are stored, and in no queue, behind what waits in their lane: all of `phone`, which was read, locked,
    /// and all of one batch.
    static func queue(_ messages: [Message], from phone: Phone, in tx: any Transaction) throws {
        guard let first = messages.first else { return }
        let last = try MessageQueries.lastTurn(ofLane: first.batch, of: phone, in: tx)
        var turn = max(phone.turn, last ?? phone.turn)
        let queued = messages.map { message in
            turn = turn.clampedAdding(1)
            var message = message
            message.turn = turn
            return message
        }
        let times = try forecast(phone, queued, in: tx)
        for message in queued {
            try MessageQueries.queue(
                message.id, turn: message.turn ?? turn, plannedAt: times[message.id] ?? tx.now, in: tx)
        }
        try wake(phone, in: tx)
    }

    /// When the last of `count` messages would go that were queued now, in a lane of their own; nil for none.
    static func end(of count: Int, from phone: Phone, in tx: any Transaction) throws -> Timestamp? {
        let ids = (0..<max(count, 0)).map { _ in MessageID(at: tx.now) }.sorted()
        let adding = ids.enumerated().map { place, id in
            var message = Message(
                outgoing: id, from: phone, to: "", content: "", attachments: [], requestID: nil, sendAt: nil,
                batch: nil,
                source: "", at: tx.now)
            message.turn = phone.turn.clampedAdding(Int64(place + 1))
            return message
        }
        let times = try forecast(phone, adding, in: tx)
        return ids.compactMap { times[$0] }.max()
    }

    /// Puts the next attempt of a message at the end of its lane.
    static func addRetry(of message: Message, from phone: Phone, in tx: any Transaction) throws {
        let last = try MessageQueries.lastTurn(ofLane: message.batch, of: phone, in: tx)
        var retry = message
        retry.turn = max(phone.turn, last ?? phone.turn).clampedAdding(1)
        let time = try forecast(phone, [retry], in: tx)[retry.id] ?? tx.now
        try MessageQueries.queue(message.id, turn: retry.turn ?? 0, plannedAt: time, in: tx)
        try wake(phone, in: tx)
    }

    /// Decides again when the head of the queue goes, after a change of the phone's rate or schedule.
    static func replan(_ phone: Phone, in tx: any Transaction) throws {
        guard phone.nextAt != nil else { return }
        try PhoneQueries.plan(phone.id, at: try earliest(phone, in: tx), turn: phone.turn, in: tx)
        tx.wake(.messages)
    }

    /// One turn of a phone whose time has come: hands out the head of its queue, or all of it, 50 at a time, when it is not
    /// paced.
    ///
    /// - Parameters:
    ///   - phone: The phone, locked.
    ///   - tx: The transaction.
    ///   - handOut: Hands out one message; `slot` is the time that it stands for.
    ///   - passOver: Told of a message that cannot be handed out, for the reason given; it leaves the queue.
    /// - Returns: Whether more may go at once.
    /// - Throws: `StorageError`, and what `passOver` throws.
    static func takeTurn(
        of phone: Phone, in tx: any Transaction, handOut: (_ message: Message, _ slot: Timestamp) throws -> Void,
        passOver: (MessageID, any Error) throws -> Void
    ) throws -> Bool {
        let time = try earliest(phone, in: tx)
        guard time <= tx.now else {
            // From here on the gap counts by the clock as it is now.
            if let last = phone.pacedAt, last > tx.now { try PhoneQueries.pace(phone.id, at: tx.now, in: tx) }
            try PhoneQueries.plan(phone.id, at: time, turn: phone.turn, in: tx)
            return false
        }
        // What comes a second late or more moves all that follows.
        let due = phone.nextAt ?? tx.now
        var after = phone
        let last = phone.pacedAt.map { min($0, tx.now) } ?? .first
        let slot = max(tx.now - due < .seconds(1) ? min(due, tx.now) : tx.now, last)
        let rows = try MessageQueries.head(of: phone, limit: gap(phone) > .zero ? 1 : 50, in: tx)
            .fitting(bytes: MessageOperations.batchBytes)
        try tx.each(rows) { row in
            let message = try Message(row: row)
            try handOut(message, slot)
            after.pacedAt = slot
            after.turn = max(after.turn, message.turn ?? 0)
        } passOver: { row, error in
            try passOver(try row.get("id"), error)
        }
        if after.pacedAt != phone.pacedAt { try PhoneQueries.pace(phone.id, at: slot, in: tx) }
        // A row that another transaction holds waits for a second.
        let isEmpty = try rows.isEmpty && MessageQueries.isQueueEmpty(of: phone, in: tx)
        let next = rows.isEmpty ? tx.now + .seconds(1) : try earliest(after, in: tx)
        try PhoneQueries.plan(phone.id, at: isEmpty ? nil : next, turn: after.turn, in: tx)
        return !rows.isEmpty && next <= tx.now
    }

    /// When the messages at the head of a phone's queue go, as it looks now, and when `adding` would: at most 200 that wait and
    /// all of `adding`, by their ids. Index: `message_queue`.
    ///
    /// What is farther back than that has the time that was forecast when it was queued; single messages that came later move it
    /// back, what was deleted moves it forward. Of `adding`, what comes behind the 200 is put behind the last one that waits.
    static func forecast(
        _ phone: Phone, _ adding: [Message] = [], in tx: any Transaction
    ) throws -> [MessageID: Timestamp] {
        let head = try MessageQueries.places(of: phone, limit: forecastLength, in: tx)
        let new = adding.map { MessageQueries.Place(id: $0.id, turn: $0.turn ?? 0) }
        let order = (head + new).sorted { ($0.turn, $0.id) < ($1.turn, $1.id) }
        let schedule = try schedule(of: phone, in: tx)
        let gap = gap(phone)
        let start = try start(phone, in: tx)
        let times = SendPlan.times(order.count, after: nil, gap: gap, schedule: schedule, at: start)
        var plan = Dictionary(zip(order.map(\.id), times), uniquingKeysWith: { $1 })
        guard head.count == forecastLength, gap > .zero, let end = head.last?.turn,
            let last = try MessageQueries.lastPlanned(of: phone, in: tx)
        else { return plan }
        let behind = new.filter { $0.turn > end }
        let room = SendPlan.times(behind.count, after: last, gap: gap, schedule: schedule, at: start)
        for (place, time) in zip(behind, room) { plan[place.id] = max(plan[place.id] ?? time, time) }
        return plan
    }

    /// Gives `messages` with the times that are forecast for those that wait; for whoever shows them.
    package static func forecast(for messages: [Message], in tx: any Transaction) throws -> [Message] {
        let queues = Set(messages.filter { $0.turn != nil }.map { [$0.userID.text, $0.owner] })
        if queues.isEmpty { return messages }
        var times: [MessageID: Timestamp] = [:]
        for queue in queues {
            guard let phone = try PhoneQueries.look(number: queue[1], userID: UserID(queue[0]), in: tx) else {
                continue
            }
            times.merge(try forecast(phone, in: tx)) { $1 }
        }
        return messages.map { message in
            var message = message
            if message.turn != nil, let time = times[message.id] { message.plannedAt = time }
            return message
        }
    }

    private static let forecastLength = 200

    private static func gap(_ phone: Phone) -> Duration {
        SendPlan.gap(messagesPerMinute: phone.messagesPerMinute)
    }

    /// When the next message may go, not before now. A last one that is in the future was handed out before the clock was set
    /// back; a gap from now is as long as anything waits for it.
    private static func earliest(_ phone: Phone, in tx: any Transaction) throws -> Timestamp {
        SendPlan.times(
            1, after: phone.pacedAt.map { min($0, tx.now) }, gap: gap(phone), schedule: try schedule(of: phone, in: tx),
            at: tx.now
        ).first ?? tx.now
    }

    /// When the head of the queue goes: what the sweep was told, unless it is late.
    private static func start(_ phone: Phone, in tx: any Transaction) throws -> Timestamp {
        let earliest = try earliest(phone, in: tx)
        guard let next = phone.nextAt, next <= tx.now, tx.now - next < .seconds(1), earliest <= tx.now else {
            return earliest
        }
        return next
    }

    /// Has the sweep look at the phone when its next message may go, unless it will already. What it was told may lie further
    /// ahead, from before the clock was set back.
    private static func wake(_ phone: Phone, in tx: any Transaction) throws {
        let earliest = try earliest(phone, in: tx)
        if let next = phone.nextAt, tx.now - next < .seconds(1), next <= earliest { return }
        try PhoneQueries.plan(phone.id, at: earliest, turn: phone.turn, in: tx)
    }

    private static func schedule(of phone: Phone, in tx: any Transaction) throws -> SendSchedule? {
        try phone.messageSendScheduleID.flatMap(SendScheduleID.init).flatMap {
            try SendScheduleQueries.look($0, userID: phone.userID, in: tx)
        }
    }
}
