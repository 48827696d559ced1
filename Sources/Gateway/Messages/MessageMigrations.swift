import Storage

/// `message.attachments` holds URLs, one a line. `inbound_digest` outlives its message, so that a phone that repeats a
/// deleted one does not bring it back.
enum MessageMigrations {
    static let all: [Migration] = [
        Migration(
            "messages-1",
            [
                """
                CREATE TABLE message (
                    id \(.text) PRIMARY KEY,
                    request_id \(.text),
                    owner \(.text) NOT NULL,
                    user_id \(.text) NOT NULL,
                    contact \(.text) NOT NULL,
                    content \(.text) NOT NULL,
                    attachments \(.text) NOT NULL,
                    encrypted \(.int64) NOT NULL,
                    type \(.text) NOT NULL,
                    status \(.text) NOT NULL,
                    sim \(.text) NOT NULL,
                    send_time \(.int64),
                    request_received_at \(.int64) NOT NULL,
                    created_at \(.int64) NOT NULL,
                    updated_at \(.int64) NOT NULL,
                    order_timestamp \(.int64) NOT NULL,
                    last_attempted_at \(.int64),
                    scheduled_at \(.int64),
                    sent_at \(.int64),
                    scheduled_send_time \(.int64),
                    delivered_at \(.int64),
                    expired_at \(.int64),
                    failed_at \(.int64),
                    send_attempt_count \(.int64) NOT NULL,
                    max_send_attempts \(.int64) NOT NULL,
                    received_at \(.int64),
                    failure_reason \(.text),
                    source \(.text) NOT NULL,
                    event_count \(.int64) NOT NULL,
                    planned_at \(.int64),
                    expires_at \(.int64)
                ) \(.strict)
                """,
                "CREATE INDEX message_conversation ON message (user_id, owner, contact, order_timestamp, id)",
                "CREATE INDEX message_planned ON message (planned_at, id) WHERE planned_at IS NOT NULL",
                "CREATE INDEX message_expires ON message (expires_at, id) WHERE expires_at IS NOT NULL",
                """
                CREATE TABLE inbound_digest (
                    digest \(.blob) PRIMARY KEY,
                    message_id \(.text) NOT NULL
                ) \(.strict)
                """,
            ]),
        Migration(
            "messages-2",
            [
                "ALTER TABLE message ADD COLUMN batch \(.text)",
                "ALTER TABLE message ADD COLUMN paced \(.int64) NOT NULL DEFAULT 0",
                """
                CREATE INDEX message_waiting ON message (user_id, owner, planned_at, id)
                WHERE planned_at IS NOT NULL AND paced = 1
                """,
                "CREATE INDEX message_scheduled ON message (user_id, owner) WHERE status = 'scheduled'",
            ]),
        Migration("messages-3", ["CREATE INDEX message_created ON message (user_id, created_at, id)"]),
        // With the type, a day is counted without reading its messages: 100,000 in 20 ms instead of 47.
        Migration(
            "messages-4", [],
            indexes: [TableIndex("message_recent", on: "message", "(user_id, created_at, id, type)")]),
        Migration("messages-5", ["DROP INDEX message_created"]),
        Migration("messages-6", ["ALTER TABLE message ADD COLUMN disbelieved_time \(.text)"]),
        // What waits for a phone is a queue whose order is stored, and no longer a list of times. What was planned before joins
        // it when its time comes.
        Migration(
            "messages-7",
            [
                "ALTER TABLE message ADD COLUMN turn \(.int64)",
                "DROP INDEX message_waiting",
                "DROP INDEX message_planned",
            ],
            indexes: [
                TableIndex(
                    "message_due", on: "message", "(planned_at, id) WHERE planned_at IS NOT NULL AND turn IS NULL"),
                TableIndex(
                    "message_queue", on: "message",
                    "(user_id, owner, turn, id) WHERE turn IS NOT NULL AND planned_at IS NOT NULL"),
                TableIndex(
                    "message_lane", on: "message",
                    "(user_id, owner, batch, turn) WHERE turn IS NOT NULL AND planned_at IS NOT NULL"),
            ]),
        Migration(
            "messages-planned-1", [],
            indexes: [
                TableIndex(
                    "message_planned_for", on: "message",
                    "(user_id, planned_at, id) WHERE scheduled_send_time IS NOT NULL AND planned_at IS NOT NULL")
            ]),
        Migration("messages-callback-1", ["ALTER TABLE message ADD COLUMN callback_id \(.text)"]),
    ]
}
