import Delivery
import HTTPTypes
import Secrets
import Storage
import Timestamps

/// Reads and writes kept answers. They may hold keys, so they are encrypted like those.
package struct IdempotencyQueries: Sendable {
    let keyring: Keyring
    /// By how much the clock was set forward within a time: an answer is no older because of that.
    var lead: @Sendable (Duration) -> Duration = { _ in .zero }

    /// The answer that is kept under `key`; nil when there is none, or it is older than 24 hours.
    ///
    /// - Throws: ``Refusal`` `.conflict` when it is the answer to something else.
    func find(_ key: IdempotencyKey, in tx: any Transaction) throws -> Answer? {
        let row = try tx.rows(
            """
            SELECT *
            FROM idempotency_key
            WHERE user_id = \(key.userID) AND idempotency_key = \(key.storedText) AND created_at > \(oldest(at: tx.now))
            """
        ).first
        guard let row else { return nil }
        guard try row.get("digest") == key.digest else {
            throw Refusal(
                .conflict,
                """
                The Idempotency-Key [\(key.text)] was used for another request within the last 24 hours. Use a new key for \
                a new request.
                """)
        }
        return Answer(
            status: HTTPResponse.Status(code: try row.get("status")),
            body: Array(try keyring.open(row.get("answer"), at: Self.place(key)).utf8))
    }

    /// Keeps the answer to `key`.
    ///
    /// - Throws: ``Replayed`` when another request with the same key was quicker.
    func insert(_ key: IdempotencyKey, _ answer: Answer, in tx: any Transaction) throws {
        let sealed = try keyring.seal(String(decoding: answer.body, as: UTF8.self), at: Self.place(key))
        let inserted = try tx.run(
            """
            INSERT INTO idempotency_key (user_id, idempotency_key, digest, status, answer, created_at)
            VALUES (\(key.userID), \(key.storedText), \(key.digest), \(answer.status.code), \(sealed), \(tx.now))
            ON CONFLICT (user_id, idempotency_key) DO UPDATE SET
                digest = excluded.digest, status = excluded.status, answer = excluded.answer,
                created_at = excluded.created_at
            WHERE idempotency_key.created_at <= \(oldest(at: tx.now))
            """)
        if inserted == 1 { return }
        // On an engine with many writers, the other one has committed by now.
        guard let earlier = try find(key, in: tx) else { throw StorageError.unavailable("the key is in use") }
        throw Replayed(answer: earlier)
    }

    /// Deletes as many answers that are too old as a transaction may; true when there may be more. Index:
    /// `idempotency_key_created`.
    static func prune(in tx: any Transaction) throws -> Bool {
        var room = DeletionRoom()
        try Deletion(
            "idempotency_key", key: "user_id, idempotency_key", byteCount: "LENGTH(answer)",
            where: "created_at <= \(tx.now - lifetime)", order: "created_at, user_id, idempotency_key"
        ).delete(&room, in: tx)
        return room.isFull
    }

    /// Where the answers are sealed.
    static let sealed = SealedTable(name: "idempotency_key", columns: ["answer"], key: ["user_id", "idempotency_key"]) {
        Keyring.Place("idempotency_key", "answer", try $0.get("idempotency_key"), try $0.get("user_id"))
    }

    private func oldest(at now: Timestamp) -> Timestamp { now - Self.lifetime - lead(Self.lifetime) }

    private static func place(_ key: IdempotencyKey) -> Keyring.Place {
        Keyring.Place("idempotency_key", "answer", key.storedText, key.userID)
    }

    private static let lifetime: Duration = .seconds(86_400)

    static let migrations: [Migration] = [
        Migration(
            "idempotency-1",
            [
                """
                CREATE TABLE idempotency_key (
                    user_id \(.text) NOT NULL,
                    idempotency_key \(.text) NOT NULL,
                    digest \(.blob) NOT NULL,
                    status \(.int64) NOT NULL,
                    answer \(.blob) NOT NULL,
                    created_at \(.int64) NOT NULL,
                    PRIMARY KEY (user_id, idempotency_key)
                ) \(.strict)
                """,
                "CREATE INDEX idempotency_key_created ON idempotency_key (created_at)",
            ])
    ]
}
