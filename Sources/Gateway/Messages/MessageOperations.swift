import Delivery
import HTTPSMSWebhooks
import Storage
import Timestamps

/// What can be done with messages; everything that comes from a phone is in ``InboundOperations``.
package struct MessageOperations: Sendable {
    /// Where messages are.
    package let store: any Store
    let quotas: Quotas
    /// What tells the time.
    package let clock: any WallClock
    /// Says whether the time of day was set.
    let clocks: ClockGuard
    /// The services that take pushes of the server.
    package let pushes: Set<PushKind>

    /// Accepts `draft` for sending; the sweep hands it out when its time has come.
    ///
    /// - Parameters:
    ///   - draft: What to send.
    ///   - callback: Where its events go beside the webhooks; nil for nowhere.
    ///   - userID: Whose phone sends it.
    ///   - source: What its events name as their source.
    ///   - receipt: Keeps the answer.
    /// - Returns: The message, with the time that is forecast for it.
    /// - Throws: ``Refusal``.
    package func send(
        _ draft: Draft, callback: Callback? = nil, userID: UserID, source: String, receipt: Receipt<Message>
    ) async throws -> Message {
        let id = MessageID(at: clock.now())
        return try await store.write(.user(userID)) { [quotas] tx in
            try receipt.keep(in: tx) {
                guard let phone = try PhoneQueries.find(number: draft.from, userID: userID, in: tx) else {
                    throw Self.unknownPhone(
                        draft.from, action: "install", message: "validation errors while sending message")
                }
                try Self.check(draft, for: phone)
                let message = Message(
                    outgoing: id, from: phone, to: draft.to, content: draft.content, attachments: draft.attachments,
                    isEncrypted: draft.isEncrypted, requestID: draft.requestID, sendAt: draft.sendAt,
                    callback: try Self.endpoint(of: callback, for: 1, from: phone, within: quotas, in: tx),
                    source: source, at: tx.now)
                return try Self.add([message], from: phone, within: quotas, in: tx)[0]
            }
        }
    }

    /// Accepts the same text for many recipients, all or none: one lane of the phone's queue, so that what is sent to
    /// somebody else meanwhile need not wait for all of it.
    func send(
        _ draft: Draft, to recipients: [String], callback: Callback? = nil, userID: UserID, source: String,
        receipt: Receipt<[Message]>
    ) async throws -> [Message] {
        let now = clock.now()
        // In order, so that lists that sort by time and id show them so.
        let ids = recipients.map { _ in MessageID(at: now) }.sorted()
        return try await store.write(.user(userID)) { [quotas] tx in
            try receipt.keep(in: tx) {
                guard let phone = try PhoneQueries.find(number: draft.from, userID: userID, in: tx) else {
                    throw Self.unknownPhone(
                        draft.from, action: "Install", message: "validation errors while sending messages")
                }
                try Self.check(draft, for: phone)
                let endpoint = try Self.endpoint(
                    of: callback, for: recipients.count, from: phone, within: quotas, in: tx)
                let messages = zip(ids, recipients).map { id, recipient in
                    Message(
                        outgoing: id, from: phone, to: recipient, content: draft.content,
                        attachments: draft.attachments,
                        isEncrypted: draft.isEncrypted, requestID: draft.requestID, batch: ids[0].text,
                        callback: endpoint,
                        source: source, at: tx.now)
                }
                return try Self.add(messages, from: phone, within: quotas, in: tx)
            }
        }
    }

    /// The endpoint of the callback of `count` messages.
    ///
    /// - Throws: ``Refusal``: where the account has neither room for a callback nor messages left, that it may send no more today,
    ///   which another URL would not change.
    private static func endpoint(
        of callback: Callback?, for count: Int, from phone: Phone, within quotas: Quotas, in tx: any Transaction
    ) throws -> EndpointID? {
        do {
            return try callback?.endpoint(userID: phone.userID, in: tx)
        } catch let refusal as Refusal where refusal.kind == .invalid {
            // Nothing of this is kept, as both refuse.
            try quotas.take(messages: count, userID: phone.userID, in: tx)
            throw refusal
        }
    }

    /// Queues messages that share a callback, which stays until the last of them has its turn.
    static func add(
        _ messages: [Message], from phone: Phone, within quotas: Quotas, in tx: any Transaction
    ) throws -> [Message] {
        let planned = try MessagePlanner.add(messages, from: phone, within: quotas, in: tx)
        if let callback = messages.first?.callbackID, let last = planned.compactMap(\.plannedAt).max() {
            try CallbackQueries.keep(callback, until: last, in: tx)
        }
        return planned
    }

    /// - Throws: ``Refusal`` `.invalid` when the app on the phone cannot send such a message.
    private static func check(_ draft: Draft, for phone: Phone) throws {
        guard case .device = phone.transport,
            let reason = Device.refusal(isEncrypted: draft.isEncrypted, attachments: draft.attachments)
        else { return }
        var errors = FieldErrors()
        errors.add(draft.isEncrypted ? "encrypted" : "attachments", reason)
        throw Refusal(
            .invalid, "validation errors while sending message", problems: errors.messages)
    }

    /// 422: the account has no such phone.
    private static func unknownPhone(_ number: String, action: String, message: String) -> Refusal {
        var errors = FieldErrors()
        errors.add(
            "from",
            """
            no phone found with 'from' number [\(number)]. \(action) the android app on your phone to start sending \
            messages
            """)
        return Refusal(.invalid, message, problems: errors.messages)
    }

    /// Gives an outstanding message to the phone that asks for it; the second call finds nothing (K7).
    func fetchOutstanding(_ id: MessageID, identity: Identity) async throws -> Message? {
        try await store.write(.user(identity.userID)) { [pushes] tx in
            let numbers = try identity.numbers(in: tx)
            // A phone that nothing has told of the message asks by itself. Where all are pushed to, there is none.
            if pushes.count < PushKind.allCases.count {
                try PhoneQueries.noteAsking(
                    for: id, userID: identity.userID, numbers: numbers, unlessPushedBy: pushes, in: tx)
            }
            guard var message = try MessageQueries.fetch(id, userID: identity.userID, numbers: numbers, in: tx) else {
                return nil
            }
            // No attempt runs and none is planned: without a time of its own it could stay `sending` forever.
            if message.expiresAt == nil, message.plannedAt == nil {
                let expiration = try Self.phone(of: message, in: tx)?.messageExpiration ?? Phone.defaultExpiration
                message.expiresAt = tx.now + expiration
                try MessageQueries.expire(message.id, at: tx.now + expiration, in: tx)
            }
            return message
        }
    }

    /// Applies what a phone reports of a message. A report that changes nothing emits nothing and is not an error (K5).
    ///
    /// - Throws: ``Refusal`` `.absent` when there is no such message, `.unauthenticated` when the phone key does not cover
    ///   its owner.
    func report(
        _ report: MessageReport, on id: MessageID, at told: PhoneTime?, identity: Identity, source: String
    ) async throws -> Message {
        let eventID = EventID(at: clock.now())
        return try await store.write(.user(identity.userID)) { tx in
            guard let message = try MessageQueries.find(id, userID: identity.userID, in: tx) else {
                throw Refusal.absent("cannot find message with ID [\(id)]")
            }
            try identity.authorize(message.owner, in: tx)
            return try Self.apply(report, to: message, at: told, id: eventID, source: source, in: tx)
        }
    }

    /// Applies a report to a message, and tells webhooks under the id of the event when it changes anything.
    ///
    /// - Returns: The message as it is then.
    static func apply(
        _ report: MessageReport, to message: Message, at told: PhoneTime?, id: EventID, source: String,
        in tx: any Transaction
    ) throws -> Message {
        let timestamp = told?.believed(at: tx.now) ?? tx.now
        guard var next = MessageTransition.message(message, after: report, at: timestamp, now: tx.now)
        else { return message }
        next.disbelievedTime = told?.disbelieved(at: tx.now) ?? message.disbelievedTime
        guard try MessageQueries.move(message, to: next, in: tx) else { return message }
        next.updatedAt = tx.now
        try next.emit(next.payload(of: report, at: timestamp), id: id, source: source, in: tx)
        return next
    }

    /// Deletes a message with its attachments; false when there is none. A waiting one is thereby cancelled.
    package func delete(_ id: MessageID, userID: UserID) async throws -> Bool {
        try await store.write(.user(userID)) { tx in
            guard let message = try MessageQueries.find(id, userID: userID, in: tx) else { return false }
            try Self.erase(message, in: tx)
            return true
        }
    }

    /// Deletes a message with its attachments.
    static func erase(_ message: Message, in tx: any Transaction) throws {
        try MessageQueries.delete(message.id, in: tx)
        if let device = try DeviceOfferQueries.cancel(message.id, in: tx) {
            try PhoneDeviceQueries.nudge(device, in: tx)
        }
        try AttachmentQueries.discard(of: message.id, in: tx)
        try MessageThreadQueries.forget(message, in: tx)
    }

    /// One transaction of the message sweep: ends at most 200 attempts that took too long, hands out at most 200 that have a time
    /// of their own and is due, and gives 50 phones their turn. Each of the three stops at 64 KiB of texts, the phones at twice as much, and a
    /// single message goes whatever it has: webhooks' filters look at all of it. What cannot be read is passed over for an hour.
    func handOutAndExpire(unreadable: UnreadableRows, in tx: any Transaction) throws -> Sweep.Outcome {
        func passOver(_ id: MessageID, _ error: any Error) throws {
            try MessageQueries.postpone(id, until: tx.now + UnreadableRows.pause, in: tx)
            unreadable.note("message", id.text, error, in: tx)
        }
        // Who had no time has not taken too long. A time in which no server ran counts like a step: no phone could report.
        let expiring = try MessageQueries.expiring(
            limit: Self.batch, leads: clocks.leads(withAbsence: true), in: tx)
        let ending = try expiring.fitting(bytes: Self.batchBytes)
        try tx.each(ending) {
            try expire(try Message(row: $0), in: tx)
        } passOver: {
            try passOver($0.get("id"), $1)
        }
        let planned = try MessageQueries.planned(limit: Self.batch, doubt: doubt, in: tx)
        let starting = try planned.fitting(bytes: Self.batchBytes)
        try tx.each(starting) { row in
            let message = try Message(row: row)
            let phone = try Self.phone(of: message, in: tx)
            // One that keeps the phone's rate and is not in the queue was put aside, or stored by an older version.
            if message.isPaced, let phone { return try MessagePlanner.addRetry(of: message, from: phone, in: tx) }
            try handOut(message, from: phone, in: tx)
        } passOver: {
            try passOver($0.get("id"), $1)
        }
        let phones = try PhoneQueries.due(limit: Self.phones, in: tx)
        var mayHaveMore = [expiring.count, planned.count].contains(Self.batch) || phones.count == Self.phones
        mayHaveMore = mayHaveMore || ending.count < expiring.count || starting.count < planned.count
        var (handedOut, bytes) = (0, 0)
        try tx.each(phones) { row in
            guard handedOut < Self.batch, bytes < Self.batchBytes else {
                mayHaveMore = true
                return
            }
            var phone = try Phone(row: row)
            // What fails is not paced, so that all of it fails at once.
            if try PhoneReach.lack(of: phone, pushes: pushes, in: tx) != nil { phone.dropPace() }
            let more = try MessagePlanner.takeTurn(of: phone, in: tx) { message, slot in
                var message = message
                message.plannedAt = slot
                handedOut += 1
                bytes += message.content.utf8.count
                try handOut(message, from: phone, in: tx)
            } passOver: {
                try passOver($0, $1)
            }
            mayHaveMore = mayHaveMore || more
        } passOver: { row, error in
            let id: PhoneID = try row.get("id")
            try PhoneQueries.postpone(id, until: tx.now + UnreadableRows.pause, in: tx)
            unreadable.note("phone", id.text, error, in: tx)
        }
        return Sweep.Outcome(mayHaveMore: mayHaveMore, nextDue: try MessageQueries.nextDue(in: tx))
    }

    /// A step forward by so much that it may be a mistake: what was planned for later is not sent because of it at once. After
    /// an hour it is.
    private var doubt: ClockGuard.Lead? {
        let lead = clocks.leads().last { $0.age < ClockGuard.tolerance }
        return lead.flatMap { $0.amount > ClockGuard.tolerance ? $0 : nil }
    }

    /// Counts the attempt, starts its time, and has its phone told of it. A message whose phone cannot be told fails,
    /// also where its device was removed.
    private func handOut(_ message: Message, from phone: Phone?, in tx: any Transaction) throws {
        let expiration = phone?.messageExpiration ?? Phone.defaultExpiration
        let next = MessageTransition.handedOut(message, expiration: expiration, at: tx.now)
        // False says that it moved meanwhile; the next look decides again.
        guard try MessageQueries.move(message, to: next, in: tx), let phone else { return }
        if let lack = try PhoneReach.lack(of: phone, pushes: pushes, in: tx) {
            return try Self.fail(next, because: lack.reason, in: tx)
        }
        switch phone.transport {
        case .device(let device):
            if let reason = Device.refusal(isEncrypted: next.isEncrypted, attachments: next.attachments) {
                return try Self.fail(next, because: reason, in: tx)
            }
            // The message itself stands in the store as what the device must be told of, until it fetches it.
            try PhoneDeviceQueries.nudge(device, in: tx)
        case .push(let address) where pushes.contains(address.kind) && next.status == .scheduled:
            try PushQueries.insert(.message(next, to: phone, lifetime: expiration, at: tx.now), in: tx)
        case .push, .none: return
        }
    }

    /// Ends a message that cannot reach its phone, and tells webhooks.
    static func fail(_ message: Message, because reason: String, in tx: any Transaction) throws {
        let report = MessageReport.failed(reason: reason)
        guard let next = MessageTransition.message(message, after: report, at: tx.now, now: tx.now),
            try MessageQueries.move(message, to: next, in: tx)
        else { return }
        try next.emit(next.payload(of: report, at: tx.now), id: EventID(at: tx.now), source: next.source, in: tx)
    }

    private static func phone(of message: Message, in tx: any Transaction) throws -> Phone? {
        try PhoneQueries.find(number: message.owner, userID: message.userID, in: tx)
    }

    private func expire(_ message: Message, in tx: any Transaction) throws {
        guard let (expired, isFinal) = MessageTransition.expired(message, at: tx.now) else { return }
        var next = expired
        let phone = isFinal ? nil : try Self.phone(of: next, in: tx)
        if phone != nil { next.plannedAt = nil }
        guard try MessageQueries.move(message, to: next, in: tx) else { return }
        try next.emit(
            next.expiredPayload(isFinal: isFinal, at: tx.now), id: EventID(at: tx.now), source: next.source, in: tx)
        if let phone { try MessagePlanner.addRetry(of: next, from: phone, in: tx) }
    }

    /// Messages of each kind in one transaction of the sweep.
    private static let batch = 200
    /// What their texts have together, in bytes. The largest filters of ten webhooks look at so much in 40 million steps.
    static let batchBytes = 64 << 10
    /// Phones in one transaction of the sweep.
    private static let phones = 50
}
