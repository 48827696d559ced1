import Delivery
import Secrets
import Storage
import Timestamps

/// Reads and writes pairings that wait for their phone.
enum DevicePairingQueries {
    /// - Throws: `StorageError.uniqueViolation` when the code is taken.
    static func insert(_ pairing: DevicePairing, privateToken: String, in tx: any Transaction) throws {
        try tx.run(
            """
            INSERT INTO device_pairing (
                id, user_id, name, code_hash, private_token_hash, numbers, expires_at, device_id)
            VALUES (
                \(pairing.id), \(pairing.userID), \(pairing.name),
                \(SHA256Digest.bytes(DeviceSecrets.code(of: privateToken))), \(SHA256Digest.bytes(privateToken)),
                \(SIMNumber.text(pairing.numbers)), \(pairing.expiresAt), \(pairing.deviceID))
            """)
    }

    /// The pairing with this code, locked; nil when it is used or too old. Index: `device_pairing_code`.
    static func find(codeHash: [UInt8], in tx: any Transaction) throws -> (DevicePairing, tokenHash: [UInt8])? {
        try find("code_hash = \(codeHash)", in: tx)
    }

    /// The pairing with this private token, locked; nil when it is used or too old. Index: `device_pairing_token`.
    static func find(tokenHash: [UInt8], in tx: any Transaction) throws -> (DevicePairing, tokenHash: [UInt8])? {
        try find("private_token_hash = \(tokenHash)", in: tx)
    }

    /// The same, not locked.
    static func look(tokenHash: [UInt8], in tx: any Transaction) throws -> DevicePairing? {
        try tx.first(
            DevicePairing.self,
            """
            SELECT *
            FROM device_pairing
            WHERE private_token_hash = \(tokenHash) AND expires_at > \(tx.now)
                AND expires_at <= \(tx.now + DevicePairing.lifetime)
            """)
    }

    private static func find(
        _ condition: SQL, in tx: any Transaction
    ) throws -> (DevicePairing, tokenHash: [UInt8])? {
        let row = try tx.rows(
            """
            SELECT *
            FROM device_pairing
            WHERE \(condition) AND expires_at > \(tx.now) AND expires_at <= \(tx.now + DevicePairing.lifetime)
            \(.forUpdate)
            """
        ).first
        return try row.map { (try DevicePairing(row: $0), tokenHash: try $0.get("private_token_hash")) }
    }

    /// Ends what was begun to connect a device again.
    static func delete(of device: DeviceID, userID: UserID, in tx: any Transaction) throws {
        try tx.run("DELETE FROM device_pairing WHERE user_id = \(userID) AND device_id = \(device)")
    }

    /// Deletes a pairing, which is used; false when another phone was faster.
    static func delete(_ id: DevicePairingID, in tx: any Transaction) throws -> Bool {
        try tx.run("DELETE FROM device_pairing WHERE id = \(id)") == 1
    }

    /// Deletes the oldest pairings of an account beyond ``DevicePairing/mostWaiting`` less one. Index: `device_pairing_user`.
    static func makeRoom(userID: UserID, in tx: any Transaction) throws {
        try tx.run(
            """
            DELETE FROM device_pairing
            WHERE id IN (
                SELECT id
                FROM device_pairing
                WHERE user_id = \(userID)
                ORDER BY expires_at DESC, id DESC
                LIMIT 100 OFFSET \(DevicePairing.mostWaiting - 1))
            """)
    }

    /// Deletes at most 500 that are too old; true when there may be more. Index: `device_pairing_expires`.
    static func prune(in tx: any Transaction) throws -> Bool {
        try tx.run(
            """
            DELETE FROM device_pairing
            WHERE id IN (
                SELECT id
                FROM device_pairing
                WHERE expires_at <= \(tx.now)
                ORDER BY expires_at, id
                LIMIT 500)
            """) == 500
    }
}
