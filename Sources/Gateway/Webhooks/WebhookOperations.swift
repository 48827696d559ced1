import Delivery
import HTTPSMSWebhooks
import Storage
import Timestamps

/// What can be done with webhooks, which are stored as endpoints.
package struct WebhookOperations: Sendable {
    /// Where webhooks are.
    package let store: any Store
    /// Finds webhooks.
    package let endpoints: EndpointQueries
    let vetting: AddressVetting
    let quotas: Quotas
    /// What tells the time.
    package let clock: any WallClock

    /// Stores a new webhook.
    ///
    /// - Throws: ``Refusal`` `.invalid` when a rule is broken, `.quota` when the user has ten already.
    package func create(
        _ update: WebhookUpdate, userID: UserID, receipt: Receipt<EndpointReport>
    ) async throws -> EndpointReport {
        let message = "validation errors while storing webhook"
        let settings = try update.settings(over: nil, message: message)
        let isOwner = try await store.read(.user(userID)) { tx in try FirstRunQueries.isOwner(userID, in: tx) }
        try await vetting.vet(settings, userID: userID, isOwner: isOwner, message)
        let id = EndpointID(at: clock.now())
        return try await store.write(for: userID) { [endpoints, quotas] tx in
            try receipt.keep(in: tx) {
                try Self.requireOwned(settings.ownedNumbers, userID: userID, message, in: tx)
                try quotas.require(roomFor: .webhooks, userID: userID, in: tx) {
                    try endpoints.count(userID: userID, in: tx)
                }
                try UserQueries.lock(userID, in: tx)
                guard try !isOwner || endpoints.count(userID: userID, in: tx) < Self.maximum else {
                    throw Refusal(
                        .quota,
                        """
                        You can't create more than \(Self.maximum) webhooks: delete one that is not needed any more.
                        """)
                }
                var endpoint = settings.endpoint(id, of: userID, isPublicOnly: !isOwner, at: tx.now)
                endpoint.filter = try Self.zoned(settings.filter, userID: userID, in: tx)
                try endpoints.insert(endpoint, in: tx)
                return EndpointReport(new: endpoint)
            }
        }
    }

    /// Changes a webhook; what waits for it goes to its new URL under its new key. One that is off stays off, unless what was
    /// saved removes the cause: a key that could not be read, or a webhook without numbers. Nil when the user has no such
    /// webhook.
    ///
    /// - Throws: ``Refusal`` `.invalid` when a rule is broken.
    package func update(_ id: EndpointID, _ update: WebhookUpdate, userID: UserID) async throws -> EndpointReport? {
        let message = "validation errors while updating webhook"
        let (found, isOwner) = try await store.read(.user(userID)) { [endpoints] tx in
            (try endpoints.find(id, userID: userID, in: tx), try FirstRunQueries.isOwner(userID, in: tx))
        }
        guard let found else { return nil }
        let wanted = try update.settings(over: found, message: message)
        try await vetting.vet(wanted, userID: userID, isOwner: isOwner, message)
        return try await store.write(.user(userID)) { [endpoints] tx in
            guard var endpoint = try endpoints.find(id, userID: userID, in: tx) else { return nil }
            let settings = try update.settings(over: endpoint, message: message)
            let added = settings.ownedNumbers.filter { !endpoint.owners.contains($0) }
            try Self.requireOwned(added, userID: userID, message, in: tx)
            settings.apply(to: &endpoint, isPublicOnly: !isOwner, at: tx.now)
            endpoint.filter = try Self.zoned(settings.filter, userID: userID, in: tx)
            try endpoints.update(endpoint, in: tx)
            return try endpoints.report(id, userID: userID, in: tx)
        }
    }

    /// Changes a webhook by `change`, which is also given the sequence of its newest delivery; nil when the user has none
    /// such.
    func change(
        _ id: EndpointID, userID: UserID, _ change: @escaping @Sendable (inout Endpoint, Int64) throws -> Void
    ) async throws -> EndpointReport? {
        try await store.write(.user(userID)) { [endpoints] tx in
            guard var endpoint = try endpoints.find(id, userID: userID, in: tx) else { return nil }
            try change(&endpoint, endpoints.sequenceHead(of: id, in: tx))
            endpoint.updatedAt = tx.now
            try endpoints.update(endpoint, in: tx)
            return try endpoints.report(id, userID: userID, in: tx)
        }
    }

    /// Sends a sample event to one webhook, through the log and the outbox like any other.
    ///
    /// - Throws: ``Refusal`` `.absent` when the user has no such webhook.
    package func test(
        _ id: EndpointID, _ type: EventType, userID: UserID, source: String, receipt: Receipt<DeliveryRecord>
    ) async throws -> DeliveryRecord {
        let eventID = EventID(at: clock.now())
        return try await store.write(.user(userID)) { [endpoints] tx in
            try receipt.keep(in: tx) {
                let missing = Refusal.noWebhook(id)
                guard let endpoint = try endpoints.find(id, userID: userID, in: tx) else { throw missing }
                let sample = type.declaration.sample.payload
                let first = endpoint.hearsEveryOwner ? nil : endpoint.owners.first
                let event = OutgoingEvent(
                    id: eventID, userID: userID, owner: first ?? sample.owner ?? "", source: source,
                    payload: sample)
                let delivery = try tx.emit(event, only: id)
                guard let record = try DeliveryHistory.find(delivery, userID: userID, in: tx) else { throw missing }
                return record
            }
        }
    }

    /// Deletes a webhook and cancels what waits for it; false when the user has no such webhook.
    package func delete(_ id: EndpointID, userID: UserID) async throws -> Bool {
        try await store.write(.user(userID)) { [endpoints] tx in
            guard try endpoints.find(id, userID: userID, in: tx) != nil else { return false }
            try endpoints.delete(id, in: tx)
            return true
        }
    }

    /// Times of the day are those of the account; a change of its zone changes them.
    private static func zoned(
        _ filter: EventFilter, userID: UserID, in tx: any Transaction
    ) throws -> EventFilter {
        guard filter.times != nil else { return filter }
        var filter = filter
        filter.zone = try UserQueries.lockedZone(of: userID, in: tx)
        return filter
    }

    private static func requireOwned(
        _ numbers: [String], userID: UserID, _ message: String, in tx: any Transaction
    ) throws {
        let known = try PhoneQueries.known(numbers, userID: userID, in: tx)
        var errors = FieldErrors()
        for number in numbers where !known.contains(number) {
            errors.add(
                "phone_numbers",
                """
                The phone number [\(number)] is not available in your account. Install the android app on your phone to \
                store a webhook with this phone number
                """)
        }
        try errors.check(message)
    }

    /// 10 webhooks of the owner, as in httpSMS.
    private static let maximum = 10
}
