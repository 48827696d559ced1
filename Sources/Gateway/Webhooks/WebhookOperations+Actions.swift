import Delivery
import HTTPSMSWebhooks
import Secrets
import Storage
import Timestamps
import Wire

extension WebhookOperations {
    /// Holds what is for the webhook from now on; nil when the user has no such webhook.
    package func pause(_ id: EndpointID, userID: UserID) async throws -> EndpointReport? {
        try await change(id, userID: userID) { endpoint, _ in
            endpoint.status = .paused
            endpoint.statusReason = Endpoint.pausedByOwner
            endpoint.release = nil
        }
    }

    /// Lets what was held go, at `rate` deliveries a second, nil for as fast as the webhook takes them; nil when the user
    /// has no such webhook.
    ///
    /// - Throws: ``Refusal`` `.invalid` when it has no phone numbers.
    package func resume(_ id: EndpointID, rate: Double?, userID: UserID) async throws -> EndpointReport? {
        try await change(id, userID: userID) { endpoint, sequenceHead in
            guard endpoint.status != .active else { return }
            if endpoint.owners.isEmpty {
                var errors = FieldErrors()
                errors.add("phone_numbers", "The phone_numbers field is required")
                try errors.check("validation errors while resuming webhook")
            }
            endpoint.status = .active
            endpoint.statusReason = nil
            endpoint.release = Release(rate: rate, through: sequenceHead)
        }
    }

    /// Gives the webhook another signing key; the one before stays valid for `overlap`. Nil when the user has no such webhook.
    package func rotate(
        _ id: EndpointID, to key: String, overlap: Duration, userID: UserID
    ) async throws -> EndpointReport? {
        let now = clock.now()
        return try await change(id, userID: userID) { endpoint, _ in
            if endpoint.payloadFormat.isSigned, endpoint.headers.hasAuthorization {
                var errors = FieldErrors()
                errors.add("signing_key", "The webhook has an Authorization header of its own: remove that first")
                try errors.check("validation errors while rotating the signing key")
            }
            let previous = overlap > .zero ? endpoint.signingKey : nil
            endpoint.previousSigningKey = previous.map { RetiringKey(key: $0, expiresAt: now + overlap) }
            endpoint.signingKey = Secret(key)
            endpoint.unreadableKey = nil
        }
    }

    /// Sends events of the past again.
    ///
    /// - Parameters:
    ///   - id: The webhook.
    ///   - since: Events accepted from then on; nil is refused.
    ///   - until: Events accepted before then; nil is now.
    ///   - names: Names of `ReplayedStatus`.
    ///   - filter: What they are narrowed to; an empty contact is none.
    ///   - userID: Whose webhook and events.
    ///   - receipt: Keeps the answer.
    /// - Returns: The replay, which runs in the background; nil when the user has no such webhook.
    /// - Throws: ``Refusal`` `.invalid` when a rule is broken.
    package func replay(
        _ id: EndpointID, since: Timestamp?, until: Timestamp?, statuses names: [String],
        filter: Replay.Filter = Replay.Filter(), userID: UserID, receipt: Receipt<Replay>
    ) async throws -> Replay? {
        var errors = FieldErrors()
        if since == nil { errors.add("since", "The since field is required") }
        errors.require("statuses", names)
        for name in names { errors.requireOne("statuses", name, of: ReplayedStatus.allCases.map(\.rawValue)) }
        if let type = filter.eventType { errors.requireOne("event_type", type, of: EventType.allCases.map(\.rawValue)) }
        errors.requireRange("status_code", filter.statusCode, 100...599)
        var filter = filter
        filter.contact = filter.contact.flatMap { $0.trimmed.isEmpty ? nil : $0.trimmed }
        errors.requireCharacters("contact", filter.contact ?? "", max: 255)
        let until = until ?? clock.now()
        if let since, until <= since { errors.add("until", "The until field must be later than since") }
        try errors.check("validation errors while creating replay")
        let from = since ?? until
        let statuses = names.unique.compactMap(ReplayedStatus.init(rawValue:))
        try await EventNumbering.catchUp(store)
        let range = try await store.read(.user(userID)) { tx in
            try ReplayQueries.range(userID: userID, since: from, until: until, in: tx)
        }
        let replayID = ReplayID(at: clock.now())
        do {
            return try await store.write(.user(userID)) { [endpoints, filter] tx in
                try receipt.keep(in: tx) {
                    guard let endpoint = try endpoints.find(id, userID: userID, in: tx) else { throw NoSuchWebhook() }
                    try ReplayQueries.insert(
                        replayID, endpoint: endpoint, statuses: statuses, filter: filter, since: from, until: until,
                        range: range, in: tx)
                    guard let replay = try ReplayQueries.find(replayID, userID: userID, in: tx) else {
                        throw NoSuchWebhook()
                    }
                    return replay
                }
            }
        } catch is NoSuchWebhook {
            return nil
        }
    }

    private struct NoSuchWebhook: Error {}

    /// Ends the validity of the key before; nil when the user has no such webhook.
    func finishRotation(_ id: EndpointID, userID: UserID) async throws -> EndpointReport? {
        try await change(id, userID: userID) { endpoint, _ in endpoint.previousSigningKey = nil }
    }
}
