import Storage

/// Reads the database of an httpSMS server, as its GORM entities make it (httpSMS, api/pkg/entities). Only what every version
/// has is named; rows come as JSON, with the columns that there are.
///
/// Rows are read in the order of their primary keys and told apart by account here: by the index of accounts, each page
/// would sort all messages.
enum OldDatabaseQueries {
    /// The ids of the accounts with an e-mail address, two at most.
    static func users(email: String, in tx: any Transaction) throws -> [String] {
        try tx.rows(
            """
            SELECT CAST(u.id AS TEXT) AS user_id
            FROM users u
            WHERE LOWER(u.email) = \(email.lowercased())
            ORDER BY u.id
            LIMIT 2
            """
        ).map { try $0.get("user_id") }
    }

    /// At most `limit` messages behind the id `last`, of all accounts, without their texts.
    static func messages(after last: String?, limit: Int, in tx: any Transaction) throws -> [Row] {
        try tx.rows(
            """
            SELECT CAST(m.id AS TEXT) AS message_id, COALESCE(CAST(m.user_id AS TEXT), '') AS user_id,
                CAST(COALESCE(OCTET_LENGTH(m.content), 0) AS BIGINT) AS byte_count
            FROM messages m
            \(behind(last, "m"))
            ORDER BY m.id
            LIMIT \(limit)
            """)
    }

    /// The messages of some ids, as JSON.
    static func messages(_ ids: [String], in tx: any Transaction) throws -> [String] {
        let list = "{" + ids.joined(separator: ",") + "}"
        return try tx.rows(
            """
            SELECT CAST(ROW_TO_JSON(m) AS TEXT) AS json
            FROM messages m
            WHERE m.id = ANY(CAST(\(list) AS UUID[]))
            ORDER BY m.id
            """
        ).map { try $0.get("json") }
    }

    /// At most `limit` conversations behind the id `last`, of all accounts, as JSON without their last message's text.
    static func threads(
        after last: String?, limit: Int, in tx: any Transaction
    ) throws -> [(id: String, userID: String, json: String)] {
        try tx.rows(
            """
            SELECT CAST(t.id AS TEXT) AS thread_id, COALESCE(CAST(t.user_id AS TEXT), '') AS user_id,
                CAST(CAST(ROW_TO_JSON(t) AS JSONB) - 'last_message_content' AS TEXT) AS json
            FROM message_threads t
            \(behind(last, "t"))
            ORDER BY t.id
            LIMIT \(limit)
            """
        ).map { (try $0.get("thread_id"), try $0.get("user_id"), try $0.get("json")) }
    }

    private static func behind(_ id: String?, _ table: SQL) -> SQL {
        id.map { "WHERE \(table).id > CAST(\($0) AS UUID)" } ?? ""
    }
}
