import Delivery
import HTTPSMSWebhooks
import Storage
import Timestamps

/// The webhooks that are told of alerts.
extension AlertOperations {
    /// Adds one.
    ///
    /// - Parameters:
    ///   - update: What it is to be.
    ///   - identity: Whose key asks; nil for somebody in the dashboard.
    ///   - userID: Whose it is.
    ///   - receipt: Keeps the answer.
    /// - Returns: It.
    /// - Throws: ``Refusal`` `.invalid` when a rule is broken, `.quota` when the account has five, `.outOfScope` where an access key
    ///   would hear of the log of changes.
    package func create(
        _ update: WebhookUpdate, by identity: Identity? = nil, userID: UserID, receipt: Receipt<AlertWebhook>
    ) async throws -> AlertWebhook {
        let message = "validation errors while storing the webhook"
        let (settings, causes) = try Self.checked(update, over: nil, message)
        try identity?.requireOwnKey(where: causes.hasChanges)
        let isOwner = try await store.read(.user(userID)) { tx in try FirstRunQueries.isOwner(userID, in: tx) }
        try await vetting.vet(settings, userID: userID, isOwner: isOwner, message)
        let id = EndpointID(at: clock.now())
        return try await store.write(for: userID) { [endpoints] tx in
            try receipt.keep(in: tx) {
                try UserQueries.lock(userID, in: tx)
                guard try endpoints.count(userID: userID.alerts, in: tx) < Self.maximum else {
                    throw Refusal(.quota, "You can't create more than \(Self.maximum) webhooks for alerts.")
                }
                let endpoint = settings.endpoint(id, of: userID.alerts, isPublicOnly: !isOwner, at: tx.now)
                try endpoints.insert(endpoint, in: tx)
                try AlertWebhookQueries.set(causes, of: id, userID: userID, in: tx)
                try AlertQueries.watch(userID, in: tx)
                return AlertWebhook(report: EndpointReport(new: endpoint), causes: causes)
            }
        }
    }

    /// Changes one; nil when the account has none of that id. What is absent stays, and one that is off stays off, as with
    /// webhooks of events.
    ///
    /// - Parameters:
    ///   - id: Which.
    ///   - update: What it is to be.
    ///   - identity: Whose key asks; nil for somebody in the dashboard.
    ///   - userID: Whose it is.
    /// - Returns: It.
    /// - Throws: ``Refusal`` `.invalid` when a rule is broken, `.outOfScope` for an access key where it heard or would hear of the log
    ///   of changes.
    package func update(
        _ id: EndpointID, _ update: WebhookUpdate, by identity: Identity? = nil, userID: UserID
    ) async throws -> AlertWebhook? {
        let message = "validation errors while updating the webhook"
        let (found, isOwner) = try await store.read(.user(userID)) { tx in
            (try find(id, userID: userID, in: tx), try FirstRunQueries.isOwner(userID, in: tx))
        }
        guard let found else { return nil }
        try await vetting.vet(
            Self.checked(update, over: found, message).settings, userID: userID, isOwner: isOwner, message)
        return try await store.write(.user(userID)) { [endpoints] tx in
            guard let current = try find(id, userID: userID, in: tx) else { return nil }
            let (settings, causes) = try Self.checked(update, over: current, message)
            try identity?.requireOwnKey(where: current.causes.hasChanges || causes.hasChanges)
            var endpoint = current.endpoint
            settings.apply(to: &endpoint, isPublicOnly: !isOwner, at: tx.now)
            try endpoints.update(endpoint, in: tx)
            try AlertWebhookQueries.set(causes, of: id, userID: userID, in: tx)
            return try endpoints.report(id, userID: userID.alerts, in: tx)
                .map { AlertWebhook(report: $0, causes: causes) }
        }
    }

    /// Those of an account, newest first.
    package func webhooks(of userID: UserID) async throws -> [AlertWebhook] {
        try await store.read(.user(userID)) { [endpoints] tx in
            let causes = try AlertWebhookQueries.causes(of: userID, in: tx)
            return try endpoints.reports(userID: userID.alerts, containing: "", skip: 0, limit: Self.maximum, in: tx)
                .map { AlertWebhook(report: $0, causes: causes[$0.endpoint.id] ?? .all) }
        }
    }

    /// One of them; nil when the account has none of that id.
    package func webhook(_ id: EndpointID, userID: UserID) async throws -> AlertWebhook? {
        try await store.read(.user(userID)) { [endpoints] tx in
            let causes = try AlertWebhookQueries.causes(of: userID, in: tx)
            return try endpoints.report(id, userID: userID.alerts, in: tx)
                .map { AlertWebhook(report: $0, causes: causes[id] ?? .all) }
        }
    }

    /// Deletes one of them; false when the account has none of that id.
    ///
    /// - Parameters:
    ///   - id: Which.
    ///   - identity: Whose key asks; nil for somebody in the dashboard.
    ///   - userID: Whose it is.
    /// - Returns: Whether there was one.
    /// - Throws: ``Refusal`` `.outOfScope` for an access key where it hears of the log of changes.
    package func delete(
        _ id: EndpointID, by identity: Identity? = nil, userID: UserID
    ) async throws -> Bool {
        try await store.write(.user(userID)) { [endpoints] tx in
            guard let current = try find(id, userID: userID, in: tx) else { return false }
            try identity?.requireOwnKey(where: current.causes.hasChanges)
            try endpoints.delete(id, in: tx)
            try AlertWebhookQueries.set(.all, of: id, userID: userID, in: tx)
            return true
        }
    }

    /// Sends a sample to one of them, which is tried again if it was disabled.
    ///
    /// - Throws: ``Refusal`` `.absent` when the account has none of that id.
    package func test(
        _ id: EndpointID, userID: UserID, receipt: Receipt<DeliveryRecord>
    ) async throws -> DeliveryRecord {
        try await store.write(.user(userID)) { tx in try receipt.keep(in: tx) { try test(id, userID: userID, in: tx) } }
    }

    private func test(_ id: EndpointID, userID: UserID, in tx: any Transaction) throws -> DeliveryRecord {
        let missing = Refusal.noWebhook(id)
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
                advice: "Nothing is wrong. This is what an alert looks like."), openedAt: tx.now)
        let event = OutgoingEvent(
            id: EventID(at: tx.now), userID: userID.alerts, owner: "", source: "/v1/alerts",
            payload: .unknown(
                type: sample.condition.cause.rawValue, data: sample.data(isOver: false, at: tx.now)))
        let delivery = try tx.emit(event, only: id)
        guard let record = try DeliveryHistory.find(delivery, userID: userID, in: tx) else { throw missing }
        return record
    }

    /// What there is of one, locked.
    private struct Current {
        let endpoint: Endpoint
        let causes: AlertCauses
    }

    private func find(_ id: EndpointID, userID: UserID, in tx: any Transaction) throws -> Current? {
        guard let endpoint = try endpoints.find(id, userID: userID.alerts, in: tx) else { return nil }
        return Current(endpoint: endpoint, causes: try AlertWebhookQueries.causes(of: userID, in: tx)[id] ?? .all)
    }

    /// What `current`, nil for a new one, becomes, with all faults at once.
    private static func checked(
        _ update: WebhookUpdate, over current: Current?, _ message: String
    ) throws(Refusal) -> (settings: WebhookUpdate.Settings, causes: AlertCauses) {
        var errors = FieldErrors()
        let names = update.events.applied(to: (current?.causes ?? .all).names) ?? AlertCauses.all.names
        let causes = AlertCauses(names: names, &errors)
        let settings = try update.settings(
            over: current?.endpoint, message: message, isForAlerts: true, besides: errors)
        return (settings, causes)
    }

    /// 5: a chat, a pager, and some more.
    package static let maximum = 5
}
