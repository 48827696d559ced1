import Delivery
import Secrets
import Storage
import Timestamps
import Wire

/// What can be done with phone API keys.
package struct PhoneAPIKeyOperations: Sendable {
    /// Where keys are.
    package let store: any Store
    let queries: PhoneAPIKeyQueries
    let identities: Identities
    let quotas: Quotas
    /// What tells the time.
    package let clock: any WallClock

    /// The keys of `userID`, newest first.
    package func list(userID: UserID, page: Page) async throws -> [PhoneAPIKey] {
        try await store.read(.user(userID)) { [queries] tx in try queries.list(userID: userID, page: page, in: tx) }
    }

    /// Draws a new key, without phones: one is bound to it when it first speaks with it.
    ///
    /// - Throws: ``Refusal`` `.invalid` when the name breaks a rule.
    package func create(name: String, userID: UserID, receipt: Receipt<PhoneAPIKey?>) async throws -> PhoneAPIKey? {
        let name = name.trimmed
        var errors = FieldErrors()
        errors.require("name", name)
        errors.requireBytes("name", name, max: 60)
        try errors.check("validation errors while creating phone API key")
        let id = PhoneAPIKeyID(at: clock.now())
        let apiKey = APIKey.random(prefix: APIKey.phonePrefix)
        return try await store.write(for: userID) { [queries, quotas] tx in
            try receipt.keep(in: tx) {
                try quotas.require(roomFor: .phoneKeys, userID: userID, in: tx) {
                    try PhoneAPIKeyQueries.count(userID: userID, in: tx)
                }
                return try queries.insert(id, name: name, apiKey: apiKey, userID: userID, in: tx)
            }
        }
    }

    /// Deletes a key: the phones that use it are no longer let in. False when the user has no such key.
    package func delete(_ id: PhoneAPIKeyID, userID: UserID) async throws -> Bool {
        try await store.write(.user(userID)) { [queries, identities] tx in
            try identities.forgetAll(in: tx)
            return try queries.delete(id, userID: userID, in: tx)
        }
    }

    /// Takes a phone from a key. False when the user has no such key or no such phone.
    package func unbind(_ phone: PhoneID, from key: PhoneAPIKeyID, userID: UserID) async throws -> Bool {
        try await store.write(.user(userID)) { [queries, identities] tx in
            guard try queries.exists(key, userID: userID, in: tx),
                try PhoneQueries.find(phone, userID: userID, in: tx) != nil
            else { return false }
            try PhoneAPIKeyQueries.unbind(phone, from: key, in: tx)
            try identities.forgetAll(in: tx)
            return true
        }
    }
}
