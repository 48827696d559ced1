import Delivery
import Secrets
import Storage
import Timestamps

/// Reads and writes users. API keys are found by their digest and stored encrypted.
package struct UserQueries: Sendable {
    let keyring: Keyring

    /// Who the user key with this digest belongs to. Index: `users_api_key`.
    static func identity(keyHash: [UInt8], in tx: any Transaction) throws -> Identity? {
        let id: UserID? = try tx.value("SELECT id AS value FROM users WHERE api_key_hash = \(keyHash)")
        return id.map(Identity.user)
    }

    /// The user `id`; nil when there is none.
    func find(_ id: UserID, in tx: any Transaction) throws -> User? {
        try tx.rows("SELECT * FROM users WHERE id = \(id)").first.map(user(row:))
    }

    /// Whether there is such an account. Index: the primary key.
    static func exists(_ id: UserID, in tx: any Transaction) throws -> Bool {
        try !tx.rows("SELECT id FROM users WHERE id = \(id)").isEmpty
    }

    /// Locks what is counted of the account until `tx` ends, so that two requests cannot both take the last place.
    static func lock(_ id: UserID, in tx: any Transaction) throws {
        try tx.run("UPDATE users SET updated_at = updated_at WHERE id = \(id)")
    }

    /// What whoever made the account signs in with; nil when there is no such account. Index: the primary key.
    package static func email(of id: UserID, in tx: any Transaction) throws -> String? {
        try tx.value("SELECT email AS value FROM users WHERE id = \(id)")
    }

    /// The zone of the account, an IANA name, which stays the same until `tx` ends; nil when there is no such account.
    static func lockedZone(of id: UserID, in tx: any Transaction) throws -> String? {
        try lock(id, in: tx)
        return try tx.value("SELECT timezone AS value FROM users WHERE id = \(id)")
    }

    /// Stores a new user.
    ///
    /// - Throws: `StorageError.uniqueViolation` when the id, the e-mail or the key is taken.
    func insert(_ user: User, in tx: any Transaction) throws {
        try tx.run(
            """
            INSERT INTO users (
                id, email, api_key_hash, api_key, timezone, active_phone_id, notification_message_status_enabled,
                notification_webhook_enabled, notification_heartbeat_enabled, notification_newsletter_enabled,
                created_at, updated_at)
            VALUES (
                \(user.id), \(user.email), \(SHA256Digest.bytes(user.apiKey.exposed)),
                \(try keyring.seal(user.apiKey.exposed, at: Self.keyPlace(user.id))), \(user.timezone),
                \(user.activePhoneID), \(user.notificationMessageStatusEnabled), \(user.notificationWebhookEnabled),
                \(user.notificationHeartbeatEnabled), \(user.notificationNewsletterEnabled), \(user.createdAt),
                \(user.updatedAt))
            """)
    }

    /// Stores what a user may change of the account, the key aside.
    func update(_ user: User, in tx: any Transaction) throws {
        try tx.run(
            """
            UPDATE users
            SET timezone = \(user.timezone), active_phone_id = \(user.activePhoneID),
                notification_message_status_enabled = \(user.notificationMessageStatusEnabled),
                notification_webhook_enabled = \(user.notificationWebhookEnabled),
                notification_heartbeat_enabled = \(user.notificationHeartbeatEnabled),
                notification_newsletter_enabled = \(user.notificationNewsletterEnabled), updated_at = \(user.updatedAt)
            WHERE id = \(user.id)
            """)
    }

    /// Gives the user `id` another API key.
    func setAPIKey(_ key: String, of id: UserID, in tx: any Transaction) throws {
        try tx.run(
            """
            UPDATE users
            SET api_key_hash = \(SHA256Digest.bytes(key)), api_key = \(try keyring.seal(key, at: Self.keyPlace(id))),
                updated_at = \(tx.now)
            WHERE id = \(id)
            """)
    }

    private func user(row: Row) throws -> User {
        let id: UserID = try row.get("id")
        return User(
            id: id, email: try row.get("email"),
            apiKey: Secret(try keyring.open(row.get("api_key"), at: Self.keyPlace(id))),
            timezone: try row.get("timezone"), activePhoneID: try row.find("active_phone_id"),
            notificationMessageStatusEnabled: try row.get("notification_message_status_enabled"),
            notificationWebhookEnabled: try row.get("notification_webhook_enabled"),
            notificationHeartbeatEnabled: try row.get("notification_heartbeat_enabled"),
            notificationNewsletterEnabled: try row.get("notification_newsletter_enabled"),
            createdAt: try row.get("created_at"), updatedAt: try row.get("updated_at"))
    }

    /// Where the keys are sealed.
    static let sealed = SealedTable(name: "users", columns: ["api_key"], key: ["id"]) { keyPlace(try $0.get("id")) }

    private static func keyPlace(_ id: UserID) -> Keyring.Place {
        Keyring.Place("users", "api_key", id.text, id)
    }
}
