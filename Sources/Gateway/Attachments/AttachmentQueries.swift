import Delivery
import Storage

/// Reads and writes the rows of attachments.
enum AttachmentQueries {
    static func insert(_ file: StoredAttachment, userID: UserID, in tx: any Transaction) throws {
        try tx.run(
            """
            INSERT INTO attachment (message_id, number, user_id, token, file_name, content_type, byte_count)
            VALUES (
                \(file.messageID), \(file.index), \(userID), \(file.token), \(file.fileName), \(file.contentType),
                \(file.byteCount))
            """)
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
            """
        ).first.map { row in
            StoredAttachment(
                messageID: message, index: index, token: try row.get("token"), fileName: fileName,
                contentType: try row.get("content_type"), byteCount: try row.get("byte_count"))
        }
    }

    /// Gives the files of a deleted message to the sweep.
    static func discard(of message: MessageID, in tx: any Transaction) throws {
        let tokens = try tx.rows("DELETE FROM attachment WHERE message_id = \(message) RETURNING token")
        for row in tokens {
            try tx.run("INSERT INTO attachment_garbage (token) VALUES (\(try row.get("token", as: String.self)))")
        }
        let wakeups = tx.wakeups
        if !tokens.isEmpty { tx.afterCommit { wakeups.signal(.attachments) } }
    }

    /// At most `limit` files to delete.
    static func garbage(limit: Int, in tx: any Transaction) throws -> [String] {
        try tx.rows("SELECT token FROM attachment_garbage ORDER BY token LIMIT \(limit)").map { try $0.get("token") }
    }

    /// Notes that files are gone.
    static func forgetGarbage(_ tokens: [String], in tx: any Transaction) throws {
        try tx.run("DELETE FROM attachment_garbage WHERE token IN \(list: tokens)")
    }
}
