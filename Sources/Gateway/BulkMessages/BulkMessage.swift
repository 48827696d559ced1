import Delivery
import JSON
import Storage
import Timestamps

/// One uploaded file, and what has become of its messages.
package struct BulkMessage: Sendable {
    /// What its messages carry as `request_id`: `bulk-<time in base 62>-<name of the file>` (K11).
    package let requestID: String
    /// When its file was sent.
    package let createdAt: Timestamp
    /// Messages by their status.
    package let counts: [MessageStatus: Int]
    /// Whether what waits is held.
    package var isPaused = false
    /// When what is held begins by itself; nil when it does not.
    package var startsAt: Timestamp?
    /// How many messages were cancelled: those are gone.
    package var cancelled = 0
    /// The rows of its file that were wrong, and were not sent.
    package var leftOut: [LeftOutRow] = []
    /// When the last one that waits is to go out, as it was forecast; nil when none waits, or all are held.
    package var lastAt: Timestamp?

    /// All of its messages.
    package var total: Int { counts.values.reduce(0, +) }
}

extension BulkMessage: JSONWritable {
    package func write(to json: inout JSONWriter) {
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

    /// The name of the file of an upload, as far as its id has it; empty when it has none.
    package static func fileName(of requestID: String) -> String {
        let parts = requestID.split(separator: "-", maxSplits: 2, omittingEmptySubsequences: false)
        return parts.count > 2 ? String(parts[2]) : ""
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
            ]),
        Migration(
            "bulk-messages-2",
            [
                "ALTER TABLE bulk_message ADD COLUMN paused \(.int64) NOT NULL DEFAULT 0",
                "ALTER TABLE bulk_message ADD COLUMN starts_at \(.int64)",
                "ALTER TABLE bulk_message ADD COLUMN cancelled \(.int64) NOT NULL DEFAULT 0",
                // Of what it asks for, so that the same file is known again.
                "ALTER TABLE bulk_message ADD COLUMN digest \(.text)",
            ],
            indexes: [
                TableIndex("bulk_message_starts", on: "bulk_message", "(starts_at) WHERE starts_at IS NOT NULL"),
                TableIndex(
                    "bulk_message_digest", on: "bulk_message", "(user_id, digest, created_at) WHERE digest IS NOT NULL"),
            ]),
        Migration(
            "bulk-messages-3",
            // The rows that were wrong when the others were sent; see `LeftOutRow`.
            ["ALTER TABLE bulk_message ADD COLUMN left_out \(.text) NOT NULL DEFAULT ''"]),
    ]
}
