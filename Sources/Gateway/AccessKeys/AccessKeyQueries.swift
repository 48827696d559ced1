import Delivery
import Secrets
import Storage
import Timestamps

/// Reads and writes access keys.
package enum AccessKeyQueries {
    /// Who the access key with this digest acts for. Index: `access_key_hash`.
    static func identity(keyHash: [UInt8], in tx: any Transaction) throws -> Identity? {
        // A key that was made while its account was deleted acts for nobody.
        let row = try tx.rows(
            """
            SELECT k.*
            FROM access_key k
            JOIN users u ON u.id = k.user_id
            WHERE k.key_hash = \(keyHash)
            """
        ).first
        guard let row else { return nil }
        let key = try AccessKey(row: row)
        return .key(
            try row.get("user_id"),
            AccessKey.Grant(id: key.id, scopes: Set(key.scopes), expiresAt: key.expiresAt))
    }

    /// The keys of `userID`, newest first. Index: `access_key_user`.
    package static func list(userID: UserID, page: Page, in tx: any Transaction) throws -> [AccessKey] {
        try tx.all(
            AccessKey.self,
            """
            SELECT *
            FROM access_key
            WHERE user_id = \(userID)
            ORDER BY created_at DESC, id DESC
            LIMIT \(page.limit) OFFSET \(page.skip)
            """)
    }

    /// How many keys `userID` has. Index: `access_key_user`.
    static func count(userID: UserID, in tx: any Transaction) throws -> Int {
        try tx.value("SELECT COUNT(*) AS value FROM access_key WHERE user_id = \(userID)") ?? 0
    }

    /// Stores a new key of `userID`.
    static func insert(_ key: AccessKey, text: String, userID: UserID, in tx: any Transaction) throws {
        try tx.run(
            """
            INSERT INTO access_key (id, user_id, name, key_hash, scopes, expires_at, created_at)
            VALUES (
                \(key.id), \(userID), \(key.name), \(SHA256Digest.bytes(text)),
                \(key.scopes.map(\.rawValue).joined(separator: " ")), \(key.expiresAt), \(key.createdAt))
            """)
    }

    /// Deletes a key; false when `userID` has no such key.
    static func delete(_ id: AccessKeyID, userID: UserID, in tx: any Transaction) throws -> Bool {
        try tx.run("DELETE FROM access_key WHERE id = \(id) AND user_id = \(userID)") == 1
    }

    /// Notes when keys were used last.
    static func noteUses(_ uses: [AccessKeyID: Timestamp], in tx: any Transaction) throws {
        // In one order everywhere, so that no two nodes wait for each other.
        try tx.runBatch(
            uses.sorted { $0.key < $1.key }.map { id, time in
                "UPDATE access_key SET last_used_at = \(time) WHERE id = \(id)"
            })
    }
}
