import Delivery
import Secrets
import Storage
import Timestamps
import Wire

/// Takes the callback URLs of messages, which are stored as endpoints that no list of webhooks has.
package struct CallbackOperations: Sendable {
    /// Where they are.
    package let store: any Store
    let callbacks: CallbackQueries
    let users: UserQueries
    let vetting: AddressVetting
    let quotas: Quotas
    let clock: any WallClock

    /// How many different ones an invited account may have at a time: ten for each webhook.
    var limitOfInvited: Int {
        min(quotas.webhooks?.clampedMultiplying(by: 10) ?? .max, CallbackQueries.maximum)
    }

    /// Judges what a message names as its callback URL: by its form, and where it is new, by its addresses.
    ///
    /// - Returns: What can be stored with the message; nil when it names none.
    /// - Throws: ``Refusal`` `.invalid` with `message`.
    package func callback(_ text: String?, userID: UserID, message: String) async throws -> Callback? {
        let text = (text ?? "").trimmed
        if text.isEmpty { return nil }
        let url: CallbackURL
        do {
            url = try CallbackURL(text)
        } catch {
            var errors = FieldErrors()
            errors.add("callback_url", "The callback_url field must be an http or https URL: \(error)")
            try errors.check(message)
            return nil
        }
        let (isKnown, isOwner) = try await store.read(.user(userID)) { tx in
            (try CallbackQueries.find(url, userID: userID, in: tx) != nil, try FirstRunQueries.isOwner(userID, in: tx))
        }
        // What is known was judged before, and is judged again at each dial.
        if !isKnown {
            try await vetting.vet(url, field: "callback_url", userID: userID, isOwner: isOwner, message)
        }
        return Callback(url: url, id: EndpointID(at: clock.now()), operations: self, message: message)
    }

    /// The callbacks of an account, newest first.
    package func list(_ page: Page, userID: UserID) async throws -> [EndpointReport] {
        try await store.read(.user(userID)) { [callbacks] tx in
            try callbacks.reports(
                userID: userID, containing: page.query, skip: page.skip, limit: page.limit, in: tx)
        }
    }
}

/// A callback URL that may be stored.
package struct Callback: Sendable {
    fileprivate let url: CallbackURL
    /// What its endpoint is called when it is new.
    fileprivate let id: EndpointID
    fileprivate let operations: CallbackOperations
    fileprivate let message: String

    /// The endpoint that messages of `userID` with this URL share; made where there is none. One that was disabled is tried
    /// again.
    ///
    /// - Throws: ``Refusal`` `.invalid` when the account has too many.
    func endpoint(userID: UserID, in tx: any Transaction) throws -> EndpointID {
        if let known = try known(userID: userID, in: tx) { return known }
        // Of two that name the same new URL, the second finds what the first made.
        try UserQueries.lock(userID, in: tx)
        if let known = try known(userID: userID, in: tx) { return known }
        let callbacks = operations.callbacks
        let isOwner = try FirstRunQueries.isOwner(userID, in: tx)
        let limit = isOwner ? CallbackQueries.maximum : operations.limitOfInvited
        if try callbacks.count(userID: userID, in: tx) >= limit {
            var errors = FieldErrors()
            errors.add(
                "callback_url",
                """
                The account has \(limit) different callback URLs, which is the maximum; those that are not used for three \
                days make room. Use one URL for many messages: their events have request_id to tell them apart
                """)
            try errors.check(message)
        }
        let key = try key(of: userID, in: tx)
        try callbacks.insert(id, url, userID: userID, signingKey: key, isPublicOnly: !isOwner, in: tx)
        return id
    }

    private func known(userID: UserID, in tx: any Transaction) throws -> EndpointID? {
        guard let (id, isActive) = try CallbackQueries.find(url, userID: userID, in: tx),
            try CallbackQueries.keep(id, in: tx)
        else { return nil }
        if !isActive {
            try operations.callbacks.revive(id, userID: userID, signingKey: try key(of: userID, in: tx), in: tx)
        }
        return id
    }

    /// What signs its requests: the API key of the account.
    private func key(of userID: UserID, in tx: any Transaction) throws -> Secret<String> {
        guard let user = try operations.users.find(userID, in: tx) else { throw Refusal.unauthenticated }
        return user.apiKey
    }
}
