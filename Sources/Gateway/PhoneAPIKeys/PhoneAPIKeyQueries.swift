import Delivery
import Secrets
import Storage
import Timestamps

/// Reads and writes phone API keys and their bindings.
struct PhoneAPIKeyQueries: Sendable {
    let keyring: Keyring

    /// Who the phone key with this digest acts for. Index: `phone_api_key_hash`.
    static func identity(keyHash: [UInt8], in tx: any Transaction) throws -> Identity? {
        // A key that was made while its account was deleted acts for nobody.
        let row = try tx.rows(
            """
            SELECT k.id, k.user_id
            FROM phone_api_key k
            JOIN users u ON u.id = k.user_id
            WHERE k.api_key_hash = \(keyHash)
            """
        ).first
        guard let row else { return nil }
        let id: PhoneAPIKeyID = try row.get("id")
        return .phone(try row.get("user_id"), key: id, numbers: try phones(of: id, in: tx).map(\.number))
    }

    /// The keys of `userID`, newest first, whose name contains `page.query`. Index: `phone_api_key_user`.
    func list(userID: UserID, page: Page, in tx: any Transaction) throws -> [PhoneAPIKey] {
        let query = SearchQuery(page.query)
        var filter: SQL = ""
        if !query.isEmpty {
            // Names are short and few, so they are folded as they are read.
            let names = try tx.rows(
                "SELECT id, name FROM phone_api_key WHERE user_id = \(userID) ORDER BY id LIMIT \(Self.mostNamed)")
            let found: [PhoneAPIKeyID] = try names.filter { query.isIn(try $0.get("name")) }.map { try $0.get("id") }
            filter = "AND k.id IN \(list: found)"
        }
        return try tx.all(
            """
            SELECT k.*, u.email
            FROM phone_api_key k
            JOIN users u ON u.id = k.user_id
            WHERE k.user_id = \(userID) \(filter)
            ORDER BY k.created_at DESC, k.id DESC
            LIMIT \(page.limit) OFFSET \(page.skip)
            """
        ) { try key(row: $0, in: tx) }
    }

    /// Keys of one account that a search by name looks at.
    private static let mostNamed = 10_000

    /// Stores a new key of `userID` without phones, and gives it back.
    func insert(
        _ id: PhoneAPIKeyID, name: String, apiKey: String, userID: UserID, in tx: any Transaction
    ) throws -> PhoneAPIKey? {
        try tx.run(
            """
            INSERT INTO phone_api_key (id, user_id, name, api_key_hash, api_key, created_at, updated_at)
            VALUES (
                \(id), \(userID), \(name), \(SHA256Digest.bytes(apiKey)),
                \(try keyring.seal(apiKey, at: Self.keyPlace(id, userID))), \(tx.now), \(tx.now))
            """)
        return try tx.rows(
            """
            SELECT k.*, u.email
            FROM phone_api_key k
            JOIN users u ON u.id = k.user_id
            WHERE k.id = \(id)
            """
        ).first.map { try key(row: $0, in: tx) }
    }

    /// Deletes a key and its bindings; false when `userID` has no such key.
    func delete(_ id: PhoneAPIKeyID, userID: UserID, in tx: any Transaction) throws -> Bool {
        let deleted = try tx.run("DELETE FROM phone_api_key WHERE id = \(id) AND user_id = \(userID)")
        try tx.run("DELETE FROM phone_api_key_phone WHERE phone_api_key_id = \(id) AND \(deleted) = 1")
        return deleted == 1
    }

    /// How many keys `userID` has. Index: `phone_api_key_user`.
    static func count(userID: UserID, in tx: any Transaction) throws -> Int {
        try tx.value("SELECT COUNT(*) AS value FROM phone_api_key WHERE user_id = \(userID)") ?? 0
    }

    /// Whether `userID` has the key `id`.
    func exists(_ id: PhoneAPIKeyID, userID: UserID, in tx: any Transaction) throws -> Bool {
        try !tx.rows("SELECT id FROM phone_api_key WHERE id = \(id) AND user_id = \(userID)").isEmpty
    }

    /// What decides whether a key may take a number.
    struct Claimant: Sendable {
        let id: PhoneAPIKeyID
        let name: String
        /// When a request was made with it last; nil when that is not known.
        let lastUsedAt: Timestamp?
        /// Whether a number was ever bound to it: that alone changes a key.
        let hasHeldNumbers: Bool
    }

    /// The key `id` of `userID`, locked; nil when it was deleted meanwhile.
    static func claimant(_ id: PhoneAPIKeyID, userID: UserID, in tx: any Transaction) throws -> Claimant? {
        try tx.rows("SELECT * FROM phone_api_key WHERE id = \(id) AND user_id = \(userID) \(.forUpdate)").first
            .map(claimant)
    }

    /// The key `id`; nil when it was deleted.
    static func holding(_ id: PhoneAPIKeyID, in tx: any Transaction) throws -> Claimant? {
        try tx.rows("SELECT * FROM phone_api_key WHERE id = \(id)").first.map(claimant)
    }

    private static func claimant(_ row: Row) throws -> Claimant {
        Claimant(
            id: try row.get("id"), name: try row.get("name"), lastUsedAt: try row.find("last_used_at"),
            hasHeldNumbers: try row.get("updated_at", as: Timestamp.self) != row.get("created_at"))
    }

    /// The key that a phone is bound to; nil when it is bound to none.
    static func holder(of phone: PhoneID, in tx: any Transaction) throws -> PhoneAPIKeyID? {
        try tx.value("SELECT phone_api_key_id AS value FROM phone_api_key_phone WHERE phone_id = \(phone)")
    }

    /// Notes when keys were used last.
    static func noteUses(_ uses: [PhoneAPIKeyID: Timestamp], in tx: any Transaction) throws {
        // In one order everywhere, so that no two nodes wait for each other.
        try tx.runBatch(
            uses.sorted { $0.key < $1.key }.map { id, time in
                "UPDATE phone_api_key SET last_used_at = \(time) WHERE id = \(id)"
            })
    }

    /// Has no key be used later than `now`: after a clock that was ahead, it would never be silent.
    static func clampUses(to now: Timestamp, in tx: any Transaction) throws {
        try tx.run("UPDATE phone_api_key SET last_used_at = \(now) WHERE last_used_at > \(now)")
    }

    /// Moves a phone to a key; it leaves the one it was bound to.
    static func bind(_ phone: PhoneID, to key: PhoneAPIKeyID, in tx: any Transaction) throws {
        try tx.run(
            """
            INSERT INTO phone_api_key_phone (phone_id, phone_api_key_id)
            VALUES (\(phone), \(key))
            ON CONFLICT (phone_id) DO UPDATE SET phone_api_key_id = excluded.phone_api_key_id
            """)
        try tx.run("UPDATE phone_api_key SET updated_at = \(tx.now) WHERE id = \(key)")
    }

    /// Takes a phone from its key, from `key` only when one is given.
    static func unbind(_ phone: PhoneID, from key: PhoneAPIKeyID? = nil, in tx: any Transaction) throws {
        try tx.run(
            """
            DELETE FROM phone_api_key_phone
            WHERE phone_id = \(phone) AND phone_api_key_id = COALESCE(\(key), phone_api_key_id)
            """)
    }

    /// The phones that are bound to `key`, oldest first.
    static func phones(
        of key: PhoneAPIKeyID, in tx: any Transaction
    ) throws -> [(id: PhoneID, number: String)] {
        try tx.rows(
            """
            SELECT p.id, p.phone_number
            FROM phone_api_key_phone b
            JOIN phone p ON p.id = b.phone_id
            WHERE b.phone_api_key_id = \(key)
            ORDER BY p.created_at, p.id
            """
        ).map { (try $0.get("id"), try $0.get("phone_number")) }
    }

    private func key(row: Row, in tx: any Transaction) throws -> PhoneAPIKey {
        let id: PhoneAPIKeyID = try row.get("id")
        let userID: UserID = try row.get("user_id")
        let phones = try Self.phones(of: id, in: tx)
        return PhoneAPIKey(
            id: id, name: try row.get("name"), userID: userID, userEmail: try row.get("email"),
            phoneNumbers: phones.map(\.number), phoneIDs: phones.map(\.id),
            apiKey: Secret(try keyring.open(row.get("api_key"), at: Self.keyPlace(id, userID))),
            createdAt: try row.get("created_at"), updatedAt: try row.get("updated_at"))
    }

    /// Where the keys are sealed.
    static let sealed = SealedTable(name: "phone_api_key", columns: ["api_key"], key: ["id"], others: ["user_id"]) {
        keyPlace(try $0.get("id"), try $0.get("user_id"))
    }

    private static func keyPlace(_ id: PhoneAPIKeyID, _ userID: UserID) -> Keyring.Place {
        Keyring.Place("phone_api_key", "api_key", id.text, userID)
    }
}
