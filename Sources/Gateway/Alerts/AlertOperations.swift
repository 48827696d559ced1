import Delivery
import HTTPSMSWebhooks
import Storage
import Timestamps

/// Looks at accounts, and tells of what is wrong with them.
package struct AlertOperations: Sendable {
    /// Where alerts are.
    package let store: any Store
    let conditions: AlertConditions
    let endpoints: EndpointQueries
    let quotas: Quotas
    let vetting: AddressVetting
    let clock: any WallClock
    /// Whether e-mail can be sent.
    package let mails: Bool

    /// One transaction of the sweep: looks at no more than four accounts, as a look reads some hundred rows.
    func sweep(unreadable: UnreadableRows, in tx: any Transaction) throws -> Sweep.Outcome {
        let due = try AlertQueries.due(limit: Self.batch, in: tx)
        try tx.each(due) { row in
            try look(at: try AlertQueries.Watched(row: row), in: tx)
        } passOver: { row, error in
            let userID: UserID = try row.get("user_id")
            try AlertQueries.look(at: tx.now + UnreadableRows.pause, userID: userID, in: tx)
            unreadable.note("alert_watch", userID.text, error, in: tx)
        }
        if due.count == Self.batch { return Sweep.Outcome(mayHaveMore: true, nextDue: nil) }
        let mayHaveMore = mails ? try AlertQueries.watchOthers(in: tx) : false
        return Sweep.Outcome(mayHaveMore: mayHaveMore, nextDue: try AlertQueries.nextDue(in: tx))
    }

    /// Looks at one account, in a minute again. Where nobody is to be told, nobody looks.
    func look(at watched: AlertQueries.Watched, in tx: any Transaction) throws {
        let userID = watched.userID
        let receivers = try receivers(of: userID, in: tx)
        guard let person = try AlertQueries.person(userID, in: tx), mails || !receivers.isEmpty else {
            return try AlertQueries.look(at: nil, userID: userID, in: tx)
        }
        try AlertQueries.look(at: tx.now + Self.interval, userID: userID, in: tx)
        let known = try AlertQueries.list(of: userID, in: tx)
        let open = Set(known.filter { $0.clearedAt == nil }.map(\.condition.cause))
        let found = try conditions.all(of: userID, open: open, in: tx)
        let isQuiet = watched.settings.isQuiet(at: tx.now, timezone: person.timezone)
        for change in AlertChange.all(known: known, found: found, at: tx.now, isQuiet: isQuiet) {
            try apply(change, userID: userID, person, receivers, in: tx)
        }
    }

    private func apply(
        _ change: AlertChange, userID: UserID, _ person: AlertQueries.Person, _ receivers: [EndpointID: AlertCauses],
        in tx: any Transaction
    ) throws {
        func tell(_ alert: Alert, isOver: Bool) throws {
            try self.tell(alert, isOver: isOver, userID: userID, receivers, in: tx)
            guard mails, person.wants(alert.condition.cause) else { return }
            try MailQueries.insert(
                Mail(
                    id: MailID(at: tx.now), recipient: person.email, subject: alert.title(isOver: isOver),
                    body: isOver ? "It is over." : alert.condition.advice), userID: userID, in: tx)
        }
        switch change {
        case .open(let condition, let isTold):
            let alert = Alert(
                id: AlertID(at: tx.now), condition: condition, openedAt: tx.now, toldAt: isTold ? tx.now : nil)
            try AlertQueries.insert(alert, of: userID, in: tx)
            if isTold { try tell(alert, isOver: false) }
        case .tell(var alert):
            alert.toldAt = tx.now
            alert.clearedAt = nil
            try AlertQueries.update(alert, in: tx)
            try tell(alert, isOver: false)
        case .clear(var alert):
            alert.clearedAt = tx.now
            try AlertQueries.update(alert, in: tx)
        case .recur(var alert):
            alert.clearedAt = nil
            try AlertQueries.update(alert, in: tx)
        case .end(let alert, let isTold):
            try AlertQueries.delete(alert.id, in: tx)
            if isTold { try tell(alert, isOver: true) }
        }
    }

    private func tell(
        _ alert: Alert, isOver: Bool, userID: UserID, _ receivers: [EndpointID: AlertCauses], in tx: any Transaction
    ) throws {
        let hearing = receivers.filter { $0.value.contains(alert.condition.cause) }.keys.sorted { $0.text < $1.text }
        if hearing.isEmpty { return }
        try tx.emit(
            OutgoingEvent(
                id: EventID(at: tx.now), userID: userID.alerts, owner: "", source: "/v1/alerts",
                payload: .unknown(type: alert.condition.cause.rawValue, data: alert.data(isOver: isOver, at: tx.now))),
            to: hearing)
    }

    /// Sets when an account wants to be told.
    package func set(_ settings: AlertSettings, userID: UserID) async throws {
        try await store.write(for: userID) { tx in try AlertQueries.set(settings, of: userID, in: tx) }
    }

    /// The webhooks that are told, each with what it hears of.
    private func receivers(of userID: UserID, in tx: any Transaction) throws -> [EndpointID: AlertCauses] {
        let ids = try endpoints.ids(userID: userID.alerts, in: tx)
        if ids.isEmpty { return [:] }
        let causes = try AlertWebhookQueries.causes(of: userID, in: tx)
        return Dictionary(ids.map { ($0, causes[$0] ?? .all) }) { first, _ in first }
    }

    static let interval: Duration = .seconds(60)
    private static let batch = 4
}
