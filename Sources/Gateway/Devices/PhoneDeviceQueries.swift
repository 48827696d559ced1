import Delivery
import Secrets
import Storage
import Timestamps

/// Reads and writes devices, their tokens and their numbers.
package struct PhoneDeviceQueries: Sendable {
    let keyring: Keyring

    /// The devices of `userID`, newest first, whose name contains `page.query`. Index: `device_user`.
    static func list(userID: UserID, page: Page, in tx: any Transaction) throws -> [Device] {
        let query = SearchQuery(page.query)
        let devices = try tx.all(
            Device.self,
            """
            SELECT *
            FROM device
            WHERE user_id = \(userID)
            ORDER BY created_at DESC, id DESC
            LIMIT \(most)
            """)
        let found = devices.filter { query.isEmpty || query.isIn($0.name) }
        return try found.dropFirst(page.skip).prefix(page.limit).map { try numbered($0, in: tx) }
    }

    /// Devices of one account.
    static let most = 100

    /// How many `userID` has. Index: `device_user`.
    static func count(userID: UserID, in tx: any Transaction) throws -> Int {
        try tx.value("SELECT COUNT(*) AS value FROM device WHERE user_id = \(userID)") ?? 0
    }

    /// The device `id`, locked, so that what is done for it is done in turn.
    static func lock(_ id: DeviceID, in tx: any Transaction) throws -> Device? {
        try tx.first(Device.self, "SELECT * FROM device WHERE id = \(id) \(.forUpdate)")
            .map { try numbered($0, in: tx) }
    }

    /// The device `id`, whose ever it is.
    package static func find(_ id: DeviceID, in tx: any Transaction) throws -> Device? {
        try tx.first(Device.self, "SELECT * FROM device WHERE id = \(id)").map { try numbered($0, in: tx) }
    }

    /// The device with this token, and whether the token is its newest. Indexes: the key of `device_token`,
    /// `device_token_device`.
    static func find(tokenHash: [UInt8], in tx: any Transaction) throws -> (Device, isNewest: Bool)? {
        let row = try tx.rows(
            """
            SELECT d.*, t.generation,
                (SELECT MAX(n.generation) FROM device_token n WHERE n.device_id = d.id) AS newest
            FROM device_token t
            JOIN device d ON d.id = t.device_id
            WHERE t.token_hash = \(tokenHash)
            """
        ).first
        guard let row else { return nil }
        let isNewest = try row.get("generation", as: Int64.self) == row.get("newest", as: Int64.self)
        return (try numbered(Device(row: row), in: tx), isNewest)
    }

    /// The device that may be posted to with this token. Index: `device_inbound`.
    static func find(inboundHash: [UInt8], in tx: any Transaction) throws -> Device? {
        try tx.first(Device.self, "SELECT * FROM device WHERE inbound_hash = \(inboundHash)")
            .map { try numbered($0, in: tx) }
    }

    /// The device that registered with this private token before, locked. Index: `device_private`.
    static func find(privateTokenHash: [UInt8], in tx: any Transaction) throws -> DeviceID? {
        try tx.value("SELECT id AS value FROM device WHERE private_token_hash = \(privateTokenHash) \(.forUpdate)")
    }

    /// The same device, not locked.
    static func look(privateTokenHash: [UInt8], in tx: any Transaction) throws -> Device? {
        try tx.first(Device.self, "SELECT * FROM device WHERE private_token_hash = \(privateTokenHash)")
            .map { try numbered($0, in: tx) }
    }

    /// Whether the app of the device `id` keeps a connection open, as `Device.opensStream` says; the rest of its row is not
    /// read.
    static func opensStream(_ id: DeviceID, in tx: any Transaction) throws -> Bool {
        let streaming: Int64? = try tx.value(
            "SELECT COUNT(*) AS value FROM device WHERE id = \(id) AND uses_firebase = 0 AND streamed_at IS NOT NULL")
        return streaming == 1
    }

    /// The devices of `userID` that have no number, at most 20, newest first. Indexes: `device_user`, `phone_device`.
    package static func withoutNumbers(of userID: UserID, in tx: any Transaction) throws -> [Device] {
        try tx.all(
            Device.self,
            """
            SELECT *
            FROM device d
            WHERE d.user_id = \(userID) AND NOT EXISTS (SELECT 1 FROM phone p WHERE p.device_id = d.id)
            ORDER BY d.created_at DESC, d.id DESC
            LIMIT 20
            """)
    }

    /// Whether the device knows a token that lets it in. Index: `device_token_device`.
    static func isLetIn(_ id: DeviceID, in tx: any Transaction) throws -> Bool {
        let count: Int? = try tx.value("SELECT COUNT(*) AS value FROM device_token WHERE device_id = \(id)")
        return count ?? 0 > 0
    }

    /// The e-mail address of a device's account.
    static func login(of id: DeviceID, in tx: any Transaction) throws -> String? {
        try tx.value("SELECT u.email AS value FROM users u JOIN device d ON d.user_id = u.id WHERE d.id = \(id)")
    }

    /// The device with its numbers. Index: `phone_device`.
    private static func numbered(_ device: Device, in tx: any Transaction) throws -> Device {
        var device = device
        device.numbers = try tx.all(
            Device.Binding.self,
            """
            SELECT p.id, p.phone_number, p.device_slot, p.sim, p.message_expiration, r.online, r.last_heartbeat_at
            FROM phone p
            LEFT JOIN presence r ON r.phone_id = p.id
            WHERE p.device_id = \(device.id)
            ORDER BY p.device_slot, p.id
            LIMIT 2
            """)
        return device
    }

    /// Stores a device that registers for the first time.
    func insert(
        _ id: DeviceID, name: String, privateTokenHash: [UInt8], userID: UserID, in tx: any Transaction
    ) throws {
        let (token, key) = (DeviceSecrets.inboundToken(), DeviceSecrets.signingKey())
        try tx.run(
            """
            INSERT INTO device (
                id, user_id, name, inbound_hash, inbound_token, signing_key, private_token_hash, uses_firebase,
                sim_cards, sim_card_count, registered_at, created_at)
            VALUES (
                \(id), \(userID), \(name), \(SHA256Digest.bytes(token)),
                \(try keyring.seal(token, at: Self.tokenPlace(id, userID))),
                \(try keyring.seal(key, at: Self.keyPlace(id, userID))), \(privateTokenHash), 0, '[]', 0, \(tx.now),
                \(tx.now))
            """)
    }

    /// Gives a device that is connected again what it registers with from now on.
    static func setPrivateToken(hash: [UInt8], of id: DeviceID, in tx: any Transaction) throws {
        try tx.run("UPDATE device SET private_token_hash = \(hash) WHERE id = \(id)")
    }

    /// Ends all that a device is known by: its tokens, and where it may post to. Its numbers stay with it, and say why nothing
    /// reaches them.
    func revoke(_ id: DeviceID, userID: UserID, in tx: any Transaction) throws {
        let (token, key) = (DeviceSecrets.inboundToken(), DeviceSecrets.signingKey())
        try tx.run("DELETE FROM device_token WHERE device_id = \(id)")
        try tx.run(
            """
            UPDATE device
            SET inbound_hash = \(SHA256Digest.bytes(token)),
                inbound_token = \(try keyring.seal(token, at: Self.tokenPlace(id, userID))),
                signing_key = \(try keyring.seal(key, at: Self.keyPlace(id, userID))),
                private_token_hash = \(SHA256Digest.bytes(DeviceSecrets.privateToken()))
            WHERE id = \(id)
            """)
        try tx.run(
            "UPDATE phone SET push_error = \(Self.revoked), updated_at = \(tx.now) WHERE device_id = \(id)")
    }

    private static let revoked = "The tokens of its device were revoked: pair it again."

    /// The end of the URL that the device posts to.
    func inboundToken(of device: Device) throws -> String {
        try keyring.open(device.inboundToken, at: Self.tokenPlace(device.id, device.userID))
    }

    /// What the device signs its posts with.
    func signingKey(of device: Device) throws -> String {
        try keyring.open(device.signingKey, at: Self.keyPlace(device.id, device.userID))
    }

    /// Gives a device its next token. Of those before, the last three still open the stream: the app reads its token once, when
    /// it opens one. Index: `device_token_device`.
    static func addToken(_ token: String, of id: DeviceID, in tx: any Transaction) throws {
        let last: Int64 =
            try tx.value("SELECT MAX(generation) AS value FROM device_token WHERE device_id = \(id)") ?? 0
        try tx.run(
            """
            INSERT INTO device_token (token_hash, device_id, generation)
            VALUES (\(SHA256Digest.bytes(token)), \(id), \(last.clampedAdding(1)))
            """)
        try tx.run("DELETE FROM device_token WHERE device_id = \(id) AND generation < \(last.clampedSubtracting(2))")
    }

    /// Deletes a device with its tokens and offers, and takes its numbers from it.
    static func delete(_ id: DeviceID, in tx: any Transaction) throws {
        try tx.run("DELETE FROM device WHERE id = \(id)")
        try tx.run("DELETE FROM device_token WHERE device_id = \(id)")
        try tx.run("DELETE FROM device_offer WHERE device_id = \(id)")
        try tx.run(
            """
            UPDATE phone
            SET device_id = NULL, device_slot = NULL, push_error = \(removed), updated_at = \(tx.now)
            WHERE device_id = \(id)
            """)
    }

    /// Why nothing reaches a phone any more.
    private static let removed =
        "The device that had this number was removed: no app is connected for it. Connect a phone for this number."

    private static let replaced =
        "Its device took another number in place of this one: no app is connected for it. Connect a phone for this number."

    /// Has a device the number of `phone`, in whose slot it had another one before, if it had.
    static func bind(_ phone: Phone, to id: DeviceID, slot: Int, in tx: any Transaction) throws {
        try tx.run(
            """
            UPDATE phone
            SET device_id = NULL, device_slot = NULL, push_error = \(replaced), updated_at = \(tx.now)
            WHERE device_id = \(id) AND device_slot = \(slot) AND id <> \(phone.id)
            """)
        try tx.run(
            """
            UPDATE phone
            SET device_id = \(id), device_slot = \(slot), fcm_token = NULL, push_error = NULL, asked_at = NULL,
                updated_at = \(tx.now)
            WHERE id = \(phone.id)
            """)
    }

    /// What a device's request may tell of it; nil leaves what is known.
    struct Told: Sendable {
        var appVersion: AppVersion?
        var simCards: (json: String, count: Int)?
        var usesFirebase: Bool?
        var battery: Int?
        var isCharging: Bool?
        var clockError: Duration?
        var isSignatureRight: Bool?
    }

    /// Notes what a device told.
    static func note(_ told: Told, of id: DeviceID, in tx: any Transaction) throws {
        try tx.run(
            """
            UPDATE device
            SET app_version = COALESCE(\(told.appVersion), app_version),
                sim_cards = COALESCE(\(told.simCards?.json), sim_cards),
                sim_card_count = COALESCE(\(told.simCards?.count), sim_card_count),
                uses_firebase = COALESCE(\(told.usesFirebase), uses_firebase),
                battery = COALESCE(\(told.battery), battery), charging = COALESCE(\(told.isCharging), charging),
                clock_error = COALESCE(\(told.clockError), clock_error),
                signature_ok = COALESCE(\(told.isSignatureRight), signature_ok)
            WHERE id = \(id)
            """)
    }

    /// Something that a device does, whose last time is kept.
    enum Act: Sendable {
        case seen, pulled, streamed, fetchedWebhooks, fetchedSettings
        /// Its inbox was asked for: done to it, not by it.
        case askedForInbox

        fileprivate var column: SQL {
            switch self {
            case .seen: "last_seen_at"
            case .pulled: "pulled_at"
            case .streamed: "streamed_at"
            case .fetchedWebhooks: "webhooks_at"
            case .fetchedSettings: "settings_at"
            case .askedForInbox: "inbox_asked_at"
            }
        }
    }

    static func note(_ act: Act, of id: DeviceID, in tx: any Transaction) throws {
        try tx.run("UPDATE device SET \(act.column) = \(tx.now) WHERE id = \(id)")
    }

    /// Has the streams of a device look at what there is to tell, on every node: those of this one when `tx` is durable, the
    /// others a moment later by a hint, or within a second by `nudged_at`.
    static func nudge(_ id: DeviceID, in tx: any Transaction) throws {
        try tx.run("UPDATE device SET nudged_at = \(tx.now) WHERE id = \(id)")
        wakeStreams(of: id, in: tx)
    }

    /// The same without a trace in the store, where it does no harm that it may be lost.
    static func wakeStreams(of id: DeviceID, in tx: any Transaction) {
        let wakeups = tx.wakeups
        tx.afterCommit {
            wakeups.signal(.devices, key: id.text)
            wakeups.share(.devices, key: id.text)
        }
    }

    /// The devices that were nudged since a time, and when they were, at most the last 1,000. Index: `device_nudged`.
    static func nudged(since time: Timestamp, in tx: any Transaction) throws -> [DeviceID: Timestamp] {
        let rows = try tx.rows(
            """
            SELECT id, nudged_at
            FROM device
            WHERE nudged_at IS NOT NULL AND nudged_at >= \(time)
            ORDER BY nudged_at DESC, id DESC
            LIMIT 1000
            """)
        return Dictionary(try rows.map { (try $0.get("id"), try $0.get("nudged_at")) }) { last, _ in last }
    }

    /// Notes that a device registered: it has not fetched anything since.
    static func register(_ id: DeviceID, in tx: any Transaction) throws {
        try tx.run(
            """
            UPDATE device
            SET registered_at = \(tx.now), webhooks_at = NULL, settings_at = NULL
            WHERE id = \(id)
            """)
    }

    /// Where the ends of URLs are sealed.
    static let sealedTokens = SealedTable(
        name: "device", columns: ["inbound_token"], key: ["id"], others: ["user_id"]
    ) { tokenPlace(try $0.get("id"), try $0.get("user_id")) }

    /// Where the signing keys are sealed.
    static let sealedKeys = SealedTable(
        name: "device", columns: ["signing_key"], key: ["id"], others: ["user_id"]
    ) { keyPlace(try $0.get("id"), try $0.get("user_id")) }

    private static func tokenPlace(_ id: DeviceID, _ userID: UserID) -> Keyring.Place {
        Keyring.Place("device", "inbound_token", id.text, userID)
    }

    private static func keyPlace(_ id: DeviceID, _ userID: UserID) -> Keyring.Place {
        Keyring.Place("device", "signing_key", id.text, userID)
    }
}
