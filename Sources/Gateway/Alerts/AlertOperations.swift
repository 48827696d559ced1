import Delivery
import HTTPSMSWebhooks
import Storage
import Timestamps

/// Looks at accounts, and tells of what is wrong with them.
struct AlertOperations: Sendable {
    let store: any Store
    let conditions: AlertConditions
    let endpoints: EndpointQueries
    let quotas: Quotas
    let vetting: AddressVetting
    let clock: any WallClock
    /// Whether e-mail can be sent.
    let mails: Bool

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
        let receivers = try endpoints.ids(userID: userID.alerts, in: tx)
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
        _ change: AlertChange, userID: UserID, _ person: AlertQueries.Person, _ receivers: [EndpointID],
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
        _ alert: Alert, isOver: Bool, userID: UserID, _ receivers: [EndpointID], in tx: any Transaction
    ) throws {
        if receivers.isEmpty { return }
        try tx.emit(
            OutgoingEvent(
                id: EventID(at: tx.now), userID: userID.alerts, owner: "", source: "/v1/alerts",
                payload: .unknown(type: alert.condition.cause.rawValue, data: alert.data(isOver: isOver, at: tx.now))),
            to: receivers)
    }

    /// Adds a webhook for alerts.
    ///
    /// - Throws: ``Refusal`` `.invalid` when a rule is broken, or the account has five.
    func create(
        _ update: WebhookUpdate, userID: UserID, receipt: Receipt<EndpointReport>
    ) async throws -> EndpointReport {
        let message = "validation errors while storing the webhook"
        let settings = try update.settings(over: nil, message: message, isForAlerts: true)
        let isOwner = try await store.read(.user(userID)) { tx in try FirstRunQueries.isOwner(userID, in: tx) }
        try await vetting.vet(settings, userID: userID, isOwner: isOwner, message)
        let id = EndpointID(at: clock.now())
        return try await store.write(for: userID) { [endpoints] tx in
            try receipt.keep(in: tx) {
                try UserQueries.lock(userID, in: tx)
                guard try endpoints.count(userID: userID.alerts, in: tx) < Self.maximum else {
                    throw Refusal(.quota, "You can't create more than \(Self.maximum) webhooks for alerts.")
                }
                var endpoint = Endpoint(
                    id: id, userID: userID.alerts, url: settings.url, signingKey: settings.signingKey, eventTypes: [],
                    owners: [], isPublicOnly: !isOwner, createdAt: tx.now, updatedAt: tx.now)
                endpoint.payloadFormat = settings.payloadFormat
                endpoint.headers = settings.headers
                endpoint.plan = settings.plan
                endpoint.trust = settings.trust
                try endpoints.insert(endpoint, in: tx)
                try AlertQueries.watch(userID, in: tx)
                return EndpointReport(new: endpoint)
            }
        }
    }

    /// Sets when an account wants to be told.
    func set(_ settings: AlertSettings, userID: UserID) async throws {
        try await store.write(for: userID) { tx in try AlertQueries.set(settings, of: userID, in: tx) }
    }

    /// The webhooks for alerts of an account, newest first.
    func webhooks(of userID: UserID) async throws -> [EndpointReport] {
        try await store.read(.user(userID)) { [endpoints] tx in
            try endpoints.reports(userID: userID.alerts, containing: "", skip: 0, limit: Self.maximum, in: tx)
        }
    }

    /// Deletes one of them; false when the account has none of that id.
    func delete(_ id: EndpointID, userID: UserID) async throws -> Bool {
        try await store.write(.user(userID)) { [endpoints] tx in
            guard try endpoints.find(id, userID: userID.alerts, in: tx) != nil else { return false }
            try endpoints.delete(id, in: tx)
            return true
        }
    }

    /// Sends a sample to one of them, which is tried again if it was disabled.
    ///
    /// - Throws: ``Refusal`` `.absent` when the account has none of that id.
    func test(
        _ id: EndpointID, userID: UserID, receipt: Receipt<DeliveryRecord>
    ) async throws -> DeliveryRecord {
        try await store.write(.user(userID)) { tx in try receipt.keep(in: tx) { try test(id, userID: userID, in: tx) } }
    }

    private func test(_ id: EndpointID, userID: UserID, in tx: any Transaction) throws -> DeliveryRecord {
        let missing = Refusal.absent("cannot find webhook with ID [\(id)]")
        guard var endpoint = try endpoints.find(id, userID: userID.alerts, in: tx) else { throw missing }
        if endpoint.status != .active {
            endpoint.status = .active
            endpoint.statusReason = nil
            endpoint.updatedAt = tx.now
            try endpoints.update(endpoint, in: tx)
        }
        let sample = Alert(
            id: AlertID(at: tx.now),
            condition: AlertCondition(
                cause: .phoneOffline, subject: "+18005550199", title: "A test: phone +18005550199 is offline",
                advice: "Nothing is wrong. So alerts look."), openedAt: tx.now)
        let event = OutgoingEvent(
            id: EventID(at: tx.now), userID: userID.alerts, owner: "", source: "/v1/alerts",
            payload: .unknown(
                type: sample.condition.cause.rawValue, data: sample.data(isOver: false, at: tx.now)))
        let delivery = try tx.emit(event, only: id)
        guard let record = try DeliveryHistory.find(delivery, userID: userID, in: tx) else { throw missing }
        return record
    }

    static let interval: Duration = .seconds(60)
    private static let batch = 4
    /// 5: a chat, a pager, and some more.
    static let maximum = 5
}
