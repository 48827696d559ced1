import Storage
import Timestamps

/// Gives outgoing messages their due times: the one place where they are planned.
///
/// The plan is `message.planned_at`; everything here happens in the caller's transaction, under the lock of the phone's
/// row. Messages with a time of their own (`send_at`) keep it and are not paced; retries are.
enum MessagePlanner {
    /// Stores new messages of one phone, planned after what already waits; gives them with their times, in order.
    ///
    /// All messages of one batch are one lane; those without a batch share another. Lanes take turns.
    ///
    /// ```swift
    /// // Of a request with a thousand recipients: one call, in the transaction of the request.
    /// let stored = try MessagePlanner.add(messages, from: phone, in: tx)
    /// ```
    ///
    /// The messages are all of `phone`, which was read, locked, in this transaction, and all of one batch or of none.
    static func add(_ messages: [Message], from phone: Phone, in tx: any Transaction) throws -> [Message] {
        let pacedCount = messages.count { $0.isPaced }
        let (times, needsReplan) = try slots(pacedCount, batch: messages.first?.batch, of: phone, in: tx)
        var rest = times[...]
        var planned = messages
        for index in planned.indices {
            if planned[index].isPaced { planned[index].plannedAt = rest.popFirst() }
            try MessageQueries.insert(planned[index], in: tx)
        }
        guard needsReplan else { return planned }
        let moved = try replan(phone, in: tx)
        for index in planned.indices {
            if let time = moved[planned[index].id] { planned[index].plannedAt = time }
        }
        return planned
    }

    /// Plans the next attempt of a message that stays where it is otherwise.
    static func addRetry(of message: Message, from phone: Phone, in tx: any Transaction) throws {
        let (times, needsReplan) = try slots(1, batch: message.batch, of: phone, in: tx)
        for time in times { try MessageQueries.plan(message.id, at: time, in: tx) }
        if needsReplan { try replan(phone, in: tx) }
    }

    /// Plans everything of `phone` that waits anew, after a change of its rate, or when times were missed or became free.
    ///
    /// - Returns: The new times.
    @discardableResult
    static func replan(_ phone: Phone, in tx: any Transaction) throws -> [MessageID: Timestamp] {
        let waiting = try MessageQueries.waiting(of: phone, in: tx)
        let batches = waiting.reduce(into: [String?]()) { if !$0.contains($1.batch) { $0.append($1.batch) } }
        let lanes = batches.map { batch in waiting.filter { $0.batch == batch } }
        let gap = SendPlan.gap(messagesPerMinute: phone.messagesPerMinute)
        let times = SendPlan.times(
            waiting.count, after: phone.pacedAt, gap: gap, schedule: try schedule(of: phone, in: tx), at: tx.now)
        var plan: [MessageID: Timestamp] = [:]
        for (message, time) in zip(SendPlan.inTurn(lanes), times) {
            plan[message.id] = time
            if message.plannedAt != time { try MessageQueries.plan(message.id, at: time, in: tx) }
        }
        return plan
    }

    /// Whether the phone may be handed a message now that was planned at `planned`: no sooner than a gap after the last
    /// one and not outside of its schedule, whatever was planned while nobody could send.
    static func isFree(
        _ phone: Phone, forMessagePlannedAt planned: Timestamp, in tx: any Transaction
    ) throws -> Bool {
        let gap = SendPlan.gap(messagesPerMinute: phone.messagesPerMinute)
        if gap > .zero, let last = phone.pacedAt, last + gap > tx.now { return false }
        guard tx.now - planned >= .seconds(1), let schedule = try schedule(of: phone, in: tx) else { return true }
        return schedule.opening(atOrAfter: tx.now)?.lowerBound ?? tx.now <= tx.now
    }

    /// Notes that a message planned at `planned` was handed out. What comes a second late or more moves all that follows.
    static func handedOut(plannedAt planned: Timestamp, by phone: Phone, in tx: any Transaction) throws {
        let slot = tx.now - planned < .seconds(1) ? planned : tx.now
        try PhoneQueries.pace(phone.id, at: max(slot, phone.pacedAt ?? slot), in: tx)
    }

    private static func schedule(of phone: Phone, in tx: any Transaction) throws -> SendSchedule? {
        try phone.messageSendScheduleID.flatMap(SendScheduleID.init).flatMap {
            try SendScheduleQueries.find($0, userID: phone.userID, in: tx)
        }
    }

    /// The next free times at the end of the queue; a new lane needs its turn before the end.
    private static func slots(
        _ count: Int, batch: String?, of phone: Phone, in tx: any Transaction
    ) throws -> (times: [Timestamp], needsReplan: Bool) {
        let last = try MessageQueries.lastWaiting(of: phone, in: tx)
        let after = [last?.plannedAt, phone.pacedAt].compactMap(\.self).max()
        let gap = SendPlan.gap(messagesPerMinute: phone.messagesPerMinute)
        let times = SendPlan.times(
            count, after: after, gap: gap, schedule: try schedule(of: phone, in: tx), at: tx.now)
        return (times, gap > .zero && count > 0 && last != nil && last?.batch != batch)
    }
}

/// A message that waits for its turn.
struct WaitingMessage: Sendable, RowDecodable {
    let id: MessageID
    let batch: String?
    let plannedAt: Timestamp

    init(row: Row) throws {
        id = try row.get("id")
        batch = try row.find("batch")
        plannedAt = try row.get("planned_at")
    }
}
