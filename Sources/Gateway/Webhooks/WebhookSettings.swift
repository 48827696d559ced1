import Delivery
import HTTPSMSWebhooks
import Secrets
import Storage
import Timestamps

extension WebhookUpdate {
    /// What a webhook is made of, checked as far as it can be without the store and the network.
    struct Settings: Sendable {
        let callback: CallbackURL
        /// The URL as the user wrote it, with a scheme.
        let url: String
        let signingKey: Secret<String>?
        /// Whether the update itself names a key, or clears it.
        let setsSigningKey: Bool
        let eventTypes: [EventType]
        /// ``Endpoint/everyOwner`` alone for all.
        let phoneNumbers: [String]
        let ordering: DeliveryOrdering
        let payloadFormat: PayloadFormat
        let headers: EndpointHeaders
        /// Whether the update itself names headers.
        let setsHeaders: Bool
        let plan: EndpointPlan
        /// Where events go while ``callback`` is out.
        let fallback: CallbackURL?
        let filter: EventFilter
        let trust: EndpointTrust
        /// Whether the update itself says something of the private key.
        let setsClientKey: Bool

        /// What must be numbers of the account.
        var ownedNumbers: [String] { phoneNumbers == [Endpoint.everyOwner] ? [] : phoneNumbers }
    }
}

extension WebhookUpdate.Settings {
    /// What a new webhook is stored as, but for its filter, which has the zone of the account.
    func endpoint(_ id: EndpointID, of userID: UserID, isPublicOnly: Bool, at now: Timestamp) -> Endpoint {
        var endpoint = Endpoint(
            id: id, userID: userID, url: url, signingKey: signingKey, eventTypes: eventTypes, owners: phoneNumbers,
            createdAt: now, updatedAt: now)
        apply(to: &endpoint, isPublicOnly: isPublicOnly, at: now)
        return endpoint
    }

    /// Takes all of it over but for the filter, which has the zone of the account. One that is off stays off, unless this removes
    /// the cause.
    func apply(to endpoint: inout Endpoint, isPublicOnly: Bool, at now: Timestamp) {
        endpoint.url = url
        // A key that is set is the only one: it ends a rotation.
        if endpoint.signingKey != signingKey { endpoint.previousSigningKey = nil }
        endpoint.signingKey = signingKey
        endpoint.eventTypes = eventTypes
        endpoint.owners = phoneNumbers
        endpoint.ordering = ordering
        endpoint.payloadFormat = payloadFormat
        endpoint.headers = headers
        endpoint.plan = plan
        endpoint.trust = trust
        endpoint.isPublicOnly = isPublicOnly
        if setsSigningKey { endpoint.unreadableKey = nil }
        if setsHeaders { endpoint.unreadableHeaders = nil }
        if setsClientKey { endpoint.unreadableClientKey = nil }
        let isMended =
            switch endpoint.statusReason {
            case EndpointQueries.noOwnersLeft: true
            case EndpointQueries.unreadableKey: endpoint.unreadableKey == nil
            case EndpointQueries.unreadableHeaders: endpoint.unreadableHeaders == nil
            case EndpointQueries.unreadableClientKey: endpoint.unreadableClientKey == nil
            default: false
            }
        if isMended {
            endpoint.status = .active
            endpoint.statusReason = nil
        }
        endpoint.updatedAt = now
    }
}
