import Delivery
import Foundation
import HTTPSMSWebhooks
import Secrets
import Storage
import Timestamps

/// Reads and writes forwarders and their last requests.
struct ForwarderQueries: Sendable {
    let keyring: Keyring

    /// The forwarders of `userID`, newest first; at most ``SMSForwarder/maximumCount``. Index: `forwarder_user`.
    func list(userID: UserID, in tx: any Transaction) throws -> [SMSForwarder] {
        try tx.all(
            """
            SELECT *
            FROM forwarder
            WHERE user_id = \(userID)
            ORDER BY created_at DESC, id DESC
            LIMIT \(SMSForwarder.maximumCount)
            """, forwarder)
    }

    /// The forwarder `id` of `userID`.
    func find(_ id: ForwarderID, userID: UserID, in tx: any Transaction) throws -> SMSForwarder? {
        try tx.rows("SELECT * FROM forwarder WHERE id = \(id) AND user_id = \(userID)").first.map(forwarder)
    }

    /// The forwarder whose token this is, and the time zone of its account. Index: `forwarder_token`.
    func find(token: String, in tx: any Transaction) throws -> (forwarder: SMSForwarder, timezone: String)? {
        try tx.rows(
            """
            SELECT f.*, u.timezone
            FROM forwarder f
            JOIN users u ON u.id = f.user_id
            WHERE f.token_hash = \(SHA256Digest.bytes(token))
            """
        ).first.map { (try forwarder(row: $0), try $0.get("timezone")) }
    }

    /// How many `userID` has, locked. Index: `forwarder_user`.
    static func count(userID: UserID, in tx: any Transaction) throws -> Int {
        try UserQueries.lock(userID, in: tx)
        return try tx.value("SELECT COUNT(*) AS value FROM forwarder WHERE user_id = \(userID)") ?? 0
    }

    /// Stores a new forwarder.
    func insert(_ forwarder: SMSForwarder, in tx: any Transaction) throws {
        let (id, userID, token) = (forwarder.id, forwarder.userID, forwarder.token.exposed)
        try tx.run(
            """
            INSERT INTO forwarder (id, user_id, name, preset, numbers, template, token_hash, token, created_at)
            VALUES (
                \(id), \(userID), \(forwarder.name), \(forwarder.preset), \(SIMNumber.text(forwarder.numbers)),
                \(forwarder.template?.stored), \(SHA256Digest.bytes(token)),
                \(try keyring.seal(token, at: Self.place(id, userID))), \(forwarder.createdAt))
            """)
    }

    /// Deletes a forwarder with its requests; false when `userID` has no such forwarder.
    static func delete(_ id: ForwarderID, userID: UserID, in tx: any Transaction) throws -> Bool {
        let deleted = try tx.run("DELETE FROM forwarder WHERE id = \(id) AND user_id = \(userID)")
        try tx.run("DELETE FROM forwarder_request WHERE forwarder_id = \(id) AND \(deleted) = 1")
        return deleted == 1
    }

    /// The last requests, newest first. Index: `forwarder_request_last`.
    static func requests(of id: ForwarderID, in tx: any Transaction) throws -> [ForwardedRequest] {
        try tx.all(
            ForwardedRequest.self,
            """
            SELECT *
            FROM forwarder_request
            WHERE forwarder_id = \(id)
            ORDER BY id DESC
            LIMIT \(ForwardedRequest.kept)
            """)
    }

    /// Keeps a request in place of the oldest one; not when the forwarder was deleted meanwhile.
    /// Index: `forwarder_request_last`.
    static func record(
        _ request: ForwardedRequest, of forwarder: SMSForwarder, in tx: any Transaction
    ) throws {
        // Waits for a deletion, and has one wait for this.
        let known = try tx.run(
            "UPDATE forwarder SET last_request_at = \(request.receivedAt) WHERE id = \(forwarder.id)")
        guard known == 1 else { return }
        try tx.run(
            """
            INSERT INTO forwarder_request (
                id, forwarder_id, user_id, received_at, method, content_type, query, body, status, answer, message_id,
                readings)
            VALUES (
                \(request.id), \(forwarder.id), \(forwarder.userID), \(request.receivedAt), \(request.method),
                \(request.contentType), \(request.query), \(request.body), \(request.status), \(request.answer),
                \(request.messageID), \(ForwardedRequest.Reading.stored(request.readings)))
            """)
        try tx.run(
            """
            DELETE FROM forwarder_request
            WHERE forwarder_id = \(forwarder.id) AND id NOT IN (
                SELECT id
                FROM forwarder_request
                WHERE forwarder_id = \(forwarder.id)
                ORDER BY id DESC
                LIMIT \(ForwardedRequest.kept))
            """)
    }

    private func forwarder(row: Row) throws -> SMSForwarder {
        let (id, userID): (ForwarderID, UserID) = (try row.get("id"), try row.get("user_id"))
        return SMSForwarder(
            id: id, userID: userID, name: try row.get("name"), preset: try row.get("preset"),
            numbers: SIMNumber.list(try row.get("numbers")),
            template: try row.find("template", as: String.self).map { ForwarderTemplate(stored: $0) },
            token: Secret(try keyring.open(row.get("token"), at: Self.place(id, userID))),
            lastRequestAt: try row.find("last_request_at"), createdAt: try row.get("created_at"))
    }

    /// Where the tokens are sealed.
    static let sealed = SealedTable(name: "forwarder", columns: ["token"], key: ["id"], others: ["user_id"]) {
        place(try $0.get("id"), try $0.get("user_id"))
    }

    private static func place(_ id: ForwarderID, _ userID: UserID) -> Keyring.Place {
        Keyring.Place("forwarder", "token", id.text, userID)
    }
}
