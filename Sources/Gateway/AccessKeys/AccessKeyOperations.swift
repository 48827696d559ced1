import Delivery
import Secrets
import Storage
import Timestamps
import Wire

/// What can be done with access keys, all of it with the account's own key only.
package struct AccessKeyOperations: Sendable {
    let store: any Store
    let identities: Identities
    /// What tells the time.
    package let clock: any WallClock

    /// Keys of one account: one for each program that anybody runs, many times over.
    package static let mostOfAccount = 100
    /// All that an account can have.
    package static let wholeList = Page(skip: 0, limit: mostOfAccount, query: "")

    /// The keys of `userID`, newest first.
    package func list(userID: UserID, page: Page) async throws -> [AccessKey] {
        try await store.read(.user(userID)) { tx in try AccessKeyQueries.list(userID: userID, page: page, in: tx) }
    }

    /// Draws a new key, which ends at `expiresAt`; nil for never. `errors` are what was wrong before.
    ///
    /// - Throws: ``Refusal`` `.invalid` when a rule is broken, `.quota` when there are too many.
    package func create(
        name: String, scopes: [String], expiresAt: Timestamp?, errors: FieldErrors = FieldErrors(), userID: UserID,
        receipt: Receipt<FreshAccessKey>
    ) async throws -> FreshAccessKey {
        let now = clock.now()
        let name = name.trimmed
        var errors = errors
        errors.require("name", name)
        errors.requireBytes("name", name, max: 60)
        errors.require("scopes", scopes)
        errors.requireAll("scopes", scopes, of: KeyScope.allCases.map(\.rawValue))
        if let expiresAt, expiresAt <= now { errors.add("expires_at", "The expires_at field must be a time to come") }
        try errors.check("validation errors while creating access key")
        let fresh = FreshAccessKey(
            key: AccessKey(
                id: AccessKeyID(at: now), name: name,
                scopes: Set(scopes.compactMap(KeyScope.init(rawValue:))).sorted(), expiresAt: expiresAt,
                lastUsedAt: nil,
                createdAt: now),
            text: APIKey.random(prefix: APIKey.accessPrefix))
        return try await store.write(for: userID) { tx in
            try receipt.keep(in: tx) {
                try UserQueries.lock(userID, in: tx)
                guard try AccessKeyQueries.count(userID: userID, in: tx) < Self.mostOfAccount else {
                    throw Refusal(
                        .quota,
                        "You can't have more than \(Self.mostOfAccount) access keys. Delete one that is not used.")
                }
                try AccessKeyQueries.insert(fresh.key, text: fresh.text, userID: userID, in: tx)
                return fresh
            }
        }
    }

    /// Deletes a key, which is refused from then on. False when the user has no such key.
    package func delete(_ id: AccessKeyID, userID: UserID) async throws -> Bool {
        try await store.write(.user(userID)) { [identities] tx in
            guard try AccessKeyQueries.delete(id, userID: userID, in: tx) else { return false }
            try identities.forgetAll(in: tx)
            return true
        }
    }
}
