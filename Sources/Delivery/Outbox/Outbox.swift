import HTTPSMSWebhooks
import Storage
import Timestamps

/// An event that is about to be told.
package struct OutgoingEvent: Sendable {
    /// Drawn before the transaction, so that a body that runs again emits the same event.
    package let id: EventID
    /// Whose event it is.
    package let userID: UserID
    /// The phone number it belongs to, which webhooks choose by.
    package let owner: String
    /// The path of the request that caused it, without the query string.
    package let source: String
    /// The CloudEvent's `data`, which also gives its type.
    package let payload: EventPayload
    /// What orders it among others: the events of one message; nil when nothing does.
    package let order: EventOrder?

    /// Describes an event; ``Transaction/emit(_:)`` dates and stores it.
    package init(
        id: EventID, userID: UserID, owner: String, source: String, payload: EventPayload, order: EventOrder? = nil
    ) {
        self.id = id
        self.userID = userID
        self.owner = owner
        self.source = source
        self.payload = payload
        self.order = order
    }
}

/// The place of an event among those of one subject.
package struct EventOrder: Sendable, Hashable {
    /// The subject, such as a message id.
    package let key: String
    /// 1 for the subject's first event, without gaps.
    package let number: Int

    /// Places an event.
    package init(key: String, number: Int) {
        self.key = key
        self.number = number
    }
}

extension Transaction {
    /// Publishes `event`: writes it to the log and one delivery for each webhook of its user that wants it.
    ///
    /// The only way to publish anything. It stands or falls with the caller's transaction, so there is no event without
    /// its state change and no state change without its event; the dispatcher is woken once both are durable.
    ///
    /// - Parameters:
    ///   - event: What happened.
    ///   - callback: An endpoint that gets it beside those, whatever it wants; nil for none.
    /// - Throws: `StorageError`.
    package func emit(_ event: OutgoingEvent, also callback: EndpointID? = nil) throws {
        let body = body(of: event)
        var matches = try EventMatch.all(
            userID: event.userID, type: event.payload.type, owner: event.owner, body: body, in: self)
        if let callback { matches.append(EventMatch(endpoint: callback)) }
        try emit(event, body, matches: matches, only: nil)
    }

    /// Publishes `event` to these endpoints, whatever they want, and to no others.
    package func emit(_ event: OutgoingEvent, to endpoints: [EndpointID]) throws {
        try emit(event, body(of: event), matches: endpoints.map { EventMatch(endpoint: $0) }, only: nil)
    }

    /// Publishes `event` to one endpoint only, whatever it wants: a test. No other endpoint gets it, not even through a replay.
    ///
    /// - Returns: The delivery.
    package func emit(_ event: OutgoingEvent, only endpoint: EndpointID) throws -> DeliveryID {
        try emit(event, body(of: event), matches: [EventMatch(endpoint: endpoint)], only: endpoint)
        return DeliveryID(event: event.id, endpoint: endpoint, at: now)
    }

    private func body(of event: OutgoingEvent) -> [UInt8] {
        CloudEvent(id: event.id.text, source: event.source, time: now, payload: event.payload).encoded()
    }

    private func emit(
        _ event: OutgoingEvent, _ body: [UInt8], matches: [EventMatch], only: EndpointID?
    ) throws {
        let created = now
        let type = event.payload.type
        let position = isSerial ? try EventNumbering.nextPosition(in: self) : nil
        var statements: [SQL] = [
            """
            INSERT INTO event (
                id, position, user_id, type, owner, source, matches, order_key, order_no, only_endpoint_id, created_at,
                retained_from)
            VALUES (
                \(event.id), \(position), \(event.userID), \(type), \(event.owner), \(event.source),
                \(EventMatch.encode(matches)), \(event.order?.key), \(event.order?.number), \(only), \(created),
                \(created))
            """,
            "INSERT INTO event_body (event_id, body) VALUES (\(event.id), \(body))",
        ]
        for match in matches where match.reason == nil {
            statements.append(
                try delivery(of: event.id, to: match.endpoint, lane: .first, order: event.order, eventAt: created))
        }
        try runBatch(statements)
        wake(isSerial ? .events : .unnumbered)
        count("events", type)
    }

    /// Writes the delivery of an event to an endpoint, due at once; the next one of the endpoint's sequence, or one that is
    /// numbered after the commit.
    func insertDelivery(
        of event: EventID, to endpoint: EndpointID, lane: DeliveryLane, order: EventOrder?, eventAt: Timestamp
    ) throws {
        try run(delivery(of: event, to: endpoint, lane: lane, order: order, eventAt: eventAt))
        if !isSerial { wake(.unnumbered) }
    }

    private func delivery(
        of event: EventID, to endpoint: EndpointID, lane: DeliveryLane, order: EventOrder?, eventAt: Timestamp
    ) throws -> SQL {
        let sequence = isSerial ? try EventNumbering.nextSequence(of: endpoint, in: self) : nil
        let id = DeliveryID(event: event, endpoint: endpoint, at: eventAt)
        wake(.deliveries, key: endpoint.text)
        return """
            INSERT INTO delivery (
                id, event_id, endpoint_id, sequence, state, lane, due_at, attempt, step, order_key, order_no, created_at)
            VALUES (
                \(id), \(event), \(endpoint), \(sequence), \(literal: DeliveryState.pending.rawValue), \(lane), \(now), 0,
                0, \(order?.key), \(order?.number), \(now))
            """
    }
}
