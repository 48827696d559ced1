import Delivery
import Foundation
import Storage

/// Reads and writes the rows of attachments.
package enum AttachmentQueries {
    static func insert(_ file: StoredAttachment, userID: UserID, in tx: any Transaction) throws {
        try tx.run(
            """
            INSERT INTO attachment (message_id, number, user_id, token, file_name, content_type, byte_count)
            VALUES (
                \(file.messageID), \(file.index), \(userID), \(file.token), \(file.fileName), \(file.contentType),
                \(file.byteCount))
            """)
    }

    /// Writes the bytes of a file into the database.
    package static func insertContent(_ data: Data, token: String, in tx: any Transaction) throws {
        try tx.run("INSERT INTO attachment_content (token, content) VALUES (\(token), \([UInt8](data)))")
    }

    /// The bytes of a file; nil when the database does not hold them.
    static func content(_ token: String, in tx: any Transaction) throws -> Data? {
        let bytes: [UInt8]? = try tx.value("SELECT content AS value FROM attachment_content WHERE token = \(token)")
        return bytes.map { Data($0) }
    }

    /// Those of `tokens` whose bytes the database holds.
    package static func inDatabase(among tokens: [String], in tx: any Transaction) throws -> Set<String> {
        let rows = try tx.rows("SELECT token FROM attachment_content WHERE token IN \(list: tokens)")
        return Set(try rows.map { try $0.get("token") })
    }

    /// At most `limit` tokens that rows name, those behind `after`, in order. By `attachment_token`.
    package static func tokens(after: String, limit: Int, in tx: any Transaction) throws -> [String] {
        try tx.rows("SELECT token FROM attachment WHERE token > \(after) ORDER BY token LIMIT \(limit)").map {
            try $0.get("token")
        }
    }

    /// Those of `tokens` that a row names. By `attachment_token` and the key of `attachment_garbage`.
    static func known(among tokens: [String], in tx: any Transaction) throws -> Set<String> {
        let rows = try tx.rows(
            """
            SELECT token FROM attachment WHERE token IN \(list: tokens)
            UNION ALL
            SELECT token FROM attachment_garbage WHERE token IN \(list: tokens)
            """)
        return Set(try rows.map { try $0.get("token") })
    }

    /// Whether this store names a file in a folder. By `attachment_token` and the keys of the others; where the database holds all
    /// files it looks at every row, which is done for a folder that is empty only.
    static func hasFiles(in tx: any Transaction) throws -> Bool {
        let garbage = try tx.rows("SELECT token FROM attachment_garbage ORDER BY token LIMIT 1")
        if !garbage.isEmpty { return true }
        let named = try tx.rows(
            """
            SELECT token
            FROM attachment
            WHERE NOT EXISTS (SELECT 1 FROM attachment_content c WHERE c.token = attachment.token)
            ORDER BY token
            LIMIT 1
            """)
        return !named.isEmpty
    }

    /// The file under this URL: all four parts must fit.
    static func find(
        userID: UserID, message: MessageID, index: Int, fileName: String, in tx: any Transaction
    ) throws -> StoredAttachment? {
        try tx.rows(
            """
            SELECT *
            FROM attachment
            WHERE message_id = \(message) AND number = \(index) AND user_id = \(userID) AND file_name = \(fileName)
                AND EXISTS (
                    SELECT 1
                    FROM message m
                    WHERE m.id = attachment.message_id AND \(ThreadErasureQueries.isLeft("m")))
            """
        ).first.map { row in
            StoredAttachment(
                messageID: message, index: index, token: try row.get("token"), fileName: fileName,
                contentType: try row.get("content_type"), byteCount: try row.get("byte_count"))
        }
    }

    /// The tokens of a message's attachments whose bytes are in files, with how many they are, by their number: 10 at most. By the
    /// key of `attachment`.
    static func files(of message: MessageID, in tx: any Transaction) throws -> [Int: (token: String, byteCount: Int)] {
        let rows = try tx.rows(
            """
            SELECT number, token, byte_count
            FROM attachment
            WHERE message_id = \(message)
                AND NOT EXISTS (SELECT 1 FROM attachment_content c WHERE c.token = attachment.token)
            """)
        let files = try rows.map { row -> (Int, (token: String, byteCount: Int)) in
            (try row.get("number"), (try row.get("token"), try row.get("byte_count")))
        }
        return Dictionary(files) { first, _ in first }
    }

    /// Deletes what the database holds of a deleted message's files, and gives the rest to the sweep.
    static func discard(of message: MessageID, in tx: any Transaction) throws {
        let rows = try tx.rows("DELETE FROM attachment WHERE message_id = \(message) RETURNING token")
        let files = try rows.map { try $0.get("token", as: String.self) }.filter { token in
            try tx.run("DELETE FROM attachment_content WHERE token = \(token)") == 0
        }
        for token in files { try tx.run("INSERT INTO attachment_garbage (token) VALUES (\(token))") }
        if !files.isEmpty { tx.wake(.attachments) }
    }

    /// At most `limit` files to delete.
    static func garbage(limit: Int, in tx: any Transaction) throws -> [String] {
        try tx.rows("SELECT token FROM attachment_garbage ORDER BY token LIMIT \(limit)").map { try $0.get("token") }
    }

    /// Notes that files are gone.
    static func forgetGarbage(_ tokens: [String], in tx: any Transaction) throws {
        try tx.run("DELETE FROM attachment_garbage WHERE token IN \(list: tokens)")
    }

    /// The id by which a folder names this store; nil while it has none.
    package static func storeID(in tx: any Transaction) throws -> String? {
        try tx.value("SELECT store_id AS value FROM attachment_owner ORDER BY id LIMIT 1")
    }

    /// The id by which a folder names this store, drawn now unless there is one.
    static func ensureStoreID(in tx: any Transaction) throws -> String {
        if let id = try storeID(in: tx) { return id }
        // Of two nodes that start at the same time one draws it.
        try tx.run(
            """
            INSERT INTO attachment_owner (id, store_id)
            VALUES (1, \(StoreIDFile.draw()))
            ON CONFLICT (id) DO NOTHING
            """)
        guard let id = try storeID(in: tx) else { throw StorageError.corrupt("attachment_owner has no row") }
        return id
    }

    /// Makes this store another one than that whose copy it is.
    package static func replaceStoreID(by id: String, in tx: any Transaction) throws {
        try tx.run("DELETE FROM attachment_owner")
        try tx.run("INSERT INTO attachment_owner (id, store_id) VALUES (1, \(id))")
    }
}
