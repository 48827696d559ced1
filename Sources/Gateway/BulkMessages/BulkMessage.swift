import Delivery
import HTTPSMSWebhooks
import JSON
import Storage
import Timestamps

/// One uploaded file, and what has become of its messages (contract 3.8).
struct BulkMessage: Sendable {
    /// What its messages carry as `request_id`: `bulk-<time in base 62>-<name of the file>` (K11).
    let requestID: String
    let createdAt: Timestamp
    /// Messages by their status.
    let counts: [MessageStatus: Int]

    var total: Int { counts.values.reduce(0, +) }
}

extension BulkMessage: JSONWritable {
    func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("request_id", requestID)
            o.field("total", total)
            // Those that a phone is sending just now are in the total only.
            o.field("scheduled_count", counts[.scheduled] ?? 0)
            o.field("pending_count", counts[.pending] ?? 0)
            o.field("failed_count", counts[.failed] ?? 0)
            o.field("expired_count", counts[.expired] ?? 0)
            o.field("sent_count", counts[.sent] ?? 0)
            o.field("delivered_count", counts[.delivered] ?? 0)
            o.field("created_at", createdAt)
        }
    }

    /// The id of an upload at `time`; the web interface strips the first two parts to show the name.
    static func requestID(fileName: String, at time: Timestamp) -> String {
        "bulk-\(base62(time.microseconds / 1_000))-\(shortened(fileName))"
    }

    private static func base62(_ number: Int64) -> String {
        let digits = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
        var rest = Int(max(number, 0))
        var text = ""
        repeat {
            text.insert(digits[rest % 62], at: text.startIndex)
            rest /= 62
        } while rest > 0
        return text
    }

    /// At most 32 characters: the ends of the name, and its extension.
    static func shortened(_ fileName: String) -> String {
        let kept = fileName.filter { character in
            guard let byte = character.asciiValue, character != "\r\n" else { return false }
            return allowed.contains(byte)
        }
        guard kept.count > 32 else { return kept }
        let dot = kept.lastIndex(of: ".") ?? kept.endIndex
        let suffix = kept[dot...].prefix(16)
        let stem = kept[..<dot]
        let room = 32 - suffix.count
        return String(stem.prefix(room / 2)) + String(stem.suffix(room - room / 2)) + String(suffix)
    }

    private static let allowed = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_: ".utf8)
}

/// Reads and writes uploads. Their messages carry `request_id` as `batch`, which is their lane in the queue of a phone.
enum BulkMessageQueries {
    /// Stores an upload under the first free id at `time` or after, and gives that.
    static func insert(
        fileName: String, userID: UserID, at time: Timestamp, in tx: any Transaction
    ) throws -> String {
        var moment = time
        while true {
            let id = BulkMessage.requestID(fileName: fileName, at: moment)
            let inserted = try tx.run(
                """
                INSERT INTO bulk_message (user_id, request_id, created_at)
                VALUES (\(userID), \(id), \(tx.now))
                ON CONFLICT (user_id, request_id) DO NOTHING
                """)
            if inserted == 1 { return id }
            moment = moment + .milliseconds(1)
        }
    }

    /// The last ten uploads that have messages left, newest first. Indexes: `bulk_message_user`, `message_batch`.
    static func latest(userID: UserID, in tx: any Transaction) throws -> [BulkMessage] {
        let rows = try tx.rows(
            """
            SELECT request_id, created_at
            FROM bulk_message b
            WHERE user_id = \(userID)
                AND EXISTS (SELECT 1 FROM message WHERE user_id = \(userID) AND batch = b.request_id)
            ORDER BY created_at DESC, request_id DESC
            LIMIT 10
            """)
        return try rows.map { row in
            try upload(row.get("request_id"), createdAt: row.get("created_at"), userID: userID, in: tx)
        }
    }

    /// The upload `requestID` of `userID`; nil when there is none.
    static func find(_ requestID: String, userID: UserID, in tx: any Transaction) throws -> BulkMessage? {
        let createdAt: Timestamp? = try tx.value(
            "SELECT created_at AS value FROM bulk_message WHERE user_id = \(userID) AND request_id = \(requestID)")
        return try createdAt.map { try upload(requestID, createdAt: $0, userID: userID, in: tx) }
    }

    /// Counts the messages of an upload. Index: `message_batch`.
    private static func upload(
        _ requestID: String, createdAt: Timestamp, userID: UserID, in tx: any Transaction
    ) throws -> BulkMessage {
        let counts = try tx.rows(
            """
            SELECT status, COUNT(*) AS total
            FROM message
            WHERE user_id = \(userID) AND batch = \(requestID)
            GROUP BY status
            """)
        return BulkMessage(
            requestID: requestID, createdAt: createdAt,
            counts: Dictionary(
                try counts.map { (try $0.get("status"), try $0.get("total")) }, uniquingKeysWith: { $1 }))
    }

    /// The messages of an upload in the order of its rows, of one status where that is not nil. Index: `message_batch`.
    static func messages(
        of requestID: String, status: MessageStatus?, userID: UserID, page: Page, in tx: any Transaction
    ) throws -> [Message] {
        let filter: SQL = status.map { "AND status = \($0)" } ?? ""
        return try tx.all(
            Message.self,
            """
            SELECT *
            FROM message
            WHERE user_id = \(userID) AND batch = \(requestID) \(filter)
            ORDER BY id
            LIMIT \(page.limit) OFFSET \(page.skip)
            """)
    }
}

enum BulkMessageMigrations {
    static let all: [Migration] = [
        Migration(
            "bulk-messages-1",
            [
                """
                CREATE TABLE bulk_message (
                    user_id \(.text) NOT NULL,
                    request_id \(.text) NOT NULL,
                    created_at \(.int64) NOT NULL,
                    PRIMARY KEY (user_id, request_id)
                ) \(.strict)
                """,
                "CREATE INDEX bulk_message_user ON bulk_message (user_id, created_at, request_id)",
                "CREATE INDEX message_batch ON message (user_id, batch, status) WHERE batch IS NOT NULL",
            ])
    ]
}
