import Delivery
import Storage
import Timestamps

extension WebhookOperations {
    /// Holds what is for the webhook from now on; nil when the user has none such.
    func pause(_ id: EndpointID, userID: UserID) async throws -> EndpointReport? {
        try await change(id, userID: userID) { endpoint, _ in
            endpoint.status = .paused
            endpoint.statusReason = "paused by its owner"
            endpoint.release = nil
        }
    }

    /// Lets what was held go, at `rate` deliveries a second, nil for as fast as the webhook takes them; nil when the user
    /// has none such.
    ///
    /// - Throws: `APIError` 422 when it has no phone numbers.
    func resume(_ id: EndpointID, rate: Double?, userID: UserID) async throws -> EndpointReport? {
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

    /// Gives the webhook another signing key; the one before stays valid for `overlap`. Nil when the user has none such.
    func rotate(
        _ id: EndpointID, to key: String, overlap: Duration, userID: UserID
    ) async throws -> EndpointReport? {
        let now = clock.now()
        return try await change(id, userID: userID) { endpoint, _ in
            let previous = overlap > .zero ? endpoint.signingKey : nil
            endpoint.previousSigningKey = previous.map { RetiringKey(key: $0, expiresAt: now + overlap) }
            endpoint.signingKey = Secret(key)
            endpoint.unreadableKey = nil
        }
    }

    /// Ends the validity of the key before; nil when the user has no such webhook.
    func finishRotation(_ id: EndpointID, userID: UserID) async throws -> EndpointReport? {
        try await change(id, userID: userID) { endpoint, _ in endpoint.previousSigningKey = nil }
    }
}
