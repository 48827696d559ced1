import Delivery
import Storage

/// Judges the URLs that an account wants to be sent to, before they are stored.
struct AddressVetting: Sendable {
    let resolver: any AddressResolver
    let policy: AddressPolicy

    /// Judges both URLs of a webhook.
    ///
    /// - Throws: ``Refusal`` `.invalid` with `message`.
    func vet(
        _ settings: WebhookUpdate.Settings, userID: UserID, isOwner: Bool, _ message: String
    ) async throws(Refusal) {
        try await vet(settings.callback, field: "url", userID: userID, isOwner: isOwner, message)
        guard let fallback = settings.fallback else { return }
        try await vet(fallback, field: "fallback_url", userID: userID, isOwner: isOwner, message)
    }

    /// The networks that the operator allows are for what belongs to the owner: anybody else would read what answers there.
    ///
    /// - Throws: ``Refusal`` `.invalid` with `message`, for `field`.
    func vet(
        _ url: CallbackURL, field: String, userID: UserID, isOwner: Bool, _ message: String
    ) async throws(Refusal) {
        do {
            try await vetCallback(
                url, account: userID.text, resolver: resolver, policy: isOwner ? policy : policy.publicOnly)
        } catch {
            var errors = FieldErrors()
            let advice =
                switch (error.mayBeAllowed, isOwner) {
                case (false, _): ""
                case (true, true): ". The operator of this server can allow networks with WEBHOOK_ALLOWED_NETWORKS"
                case (true, false): ". Networks that the operator allows are for the account that owns the server"
                }
            errors.add(field, "The \(field) field must lead to a public address: \(error)\(advice)")
            try errors.check(message)
        }
    }
}
