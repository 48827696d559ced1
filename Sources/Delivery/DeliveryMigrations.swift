import Storage

/// The tables of the delivery engine.
///
/// - `log_head`: one row, the position of the newest event.
/// - `event`, `event_body`: the log. The body is stored once and apart, so that reading the log stays cheap.
/// - `endpoint`: where a user wants events; `endpoint_health`: how it fared lately; `tally`: how its deliveries ended;
///   `endpoint_hour`: the same by the hour; `endpoint_slot`: what is to be added to these three where many write at once, and
///   `tally_now`: the tally with it.
/// - `tally_repair`: what `doctor --repair` set right.
/// - `delivery`: one row per event and endpoint that matched. `attempt`: one row per try.
/// - `node`: the processes that share the store, each with its lease.
package enum DeliveryMigrations {
    /// What of `column` was noted in seconds that are not added up yet; those shortly before count as such, as some may be
    /// committed late.
    private static func noted(_ column: SQL) -> SQL {
        """
        COALESCE((
            SELECT CAST(SUM(s.\(column)) AS BIGINT)
            FROM endpoint_slot s
            WHERE s.endpoint_id = t.endpoint_id AND s.slot >= t.folded_slot - 15), 0)
        """
    }

    /// In the order they are applied.
    package static let all: [Migration] = [
        Migration(
            "delivery-1",
            [
                """
                CREATE TABLE master_key_check (
                    key_id \(.text) PRIMARY KEY,
                    ciphertext \(.blob) NOT NULL
                ) \(.strict)
                """,
                """
                CREATE TABLE log_head (
                    id \(.int64) PRIMARY KEY,
                    position \(.int64) NOT NULL
                ) \(.strict)
                """,
                "INSERT INTO log_head (id, position) VALUES (1, 0)",
                """
                CREATE TABLE event (
                    id \(.text) PRIMARY KEY,
                    position \(.int64) NOT NULL,
                    user_id \(.text) NOT NULL,
                    type \(.text) NOT NULL,
                    owner \(.text) NOT NULL,
                    source \(.text) NOT NULL,
                    matches \(.text) NOT NULL,
                    order_key \(.text),
                    order_no \(.int64),
                    only_endpoint_id \(.text),
                    created_at \(.int64) NOT NULL,
                    retained_from \(.int64) NOT NULL
                ) \(.strict)
                """,
                "CREATE UNIQUE INDEX event_position ON event (position)",
                "CREATE INDEX event_user ON event (user_id, position)",
                """
                CREATE TABLE event_body (
                    event_id \(.text) PRIMARY KEY,
                    body \(.blob) NOT NULL
                ) \(.strict)
                """,
                """
                CREATE TABLE endpoint (
                    id \(.text) PRIMARY KEY,
                    user_id \(.text) NOT NULL,
                    url \(.text) NOT NULL,
                    signing_key \(.blob),
                    previous_signing_key \(.blob),
                    previous_signing_key_expires_at \(.int64),
                    ordering \(.int64) NOT NULL,
                    release_rate \(.double),
                    release_through \(.int64),
                    event_types \(.text) NOT NULL,
                    owners \(.text) NOT NULL,
                    status \(.int64) NOT NULL,
                    status_reason \(.text),
                    version \(.int64) NOT NULL,
                    created_at \(.int64) NOT NULL,
                    updated_at \(.int64) NOT NULL
                ) \(.strict)
                """,
                "CREATE INDEX endpoint_user ON endpoint (user_id, created_at)",
                "CREATE INDEX endpoint_deleted ON endpoint (id) WHERE status = \(literal: EndpointStatus.deleted.rawValue)",
                """
                CREATE TABLE endpoint_health (
                    endpoint_id \(.text) PRIMARY KEY,
                    last_success_at \(.int64),
                    last_failure_at \(.int64),
                    failing_since \(.int64),
                    failure_count \(.int64) NOT NULL
                ) \(.strict)
                """,
                """
                CREATE TABLE tally (
                    endpoint_id \(.text) PRIMARY KEY,
                    accepted \(.int64) NOT NULL,
                    succeeded \(.int64) NOT NULL,
                    failed \(.int64) NOT NULL,
                    cancelled \(.int64) NOT NULL,
                    pruned \(.int64) NOT NULL
                ) \(.strict)
                """,
                """
                CREATE TABLE delivery (
                    id \(.text) PRIMARY KEY,
                    event_id \(.text) NOT NULL,
                    endpoint_id \(.text) NOT NULL,
                    sequence \(.int64),
                    state \(.int64) NOT NULL,
                    lane \(.int64) NOT NULL,
                    due_at \(.int64) NOT NULL,
                    attempt \(.int64) NOT NULL,
                    step \(.int64) NOT NULL,
                    lease \(.text),
                    order_key \(.text),
                    order_no \(.int64),
                    created_at \(.int64) NOT NULL,
                    completed_at \(.int64),
                    last_status_code \(.int64),
                    last_error \(.text)
                ) \(.strict)
                """,
                """
                CREATE INDEX delivery_ready ON delivery (endpoint_id, lane, due_at, id)
                WHERE state = \(literal: DeliveryState.pending.rawValue)
                """,
                """
                CREATE INDEX delivery_leased ON delivery (lease)
                WHERE state = \(literal: DeliveryState.leased.rawValue)
                """,
                "CREATE UNIQUE INDEX delivery_log ON delivery (endpoint_id, sequence)",
                """
                CREATE INDEX delivery_failed ON delivery (endpoint_id, sequence)
                WHERE state = \(literal: DeliveryState.failed.rawValue)
                """,
                """
                CREATE INDEX delivery_subject ON delivery (order_key, endpoint_id, order_no)
                WHERE order_key IS NOT NULL
                """,
                """
                CREATE TABLE attempt (
                    delivery_id \(.text) NOT NULL,
                    number \(.int64) NOT NULL,
                    started_at \(.int64) NOT NULL,
                    duration \(.int64) NOT NULL,
                    dns \(.int64),
                    connect \(.int64),
                    tls \(.int64),
                    first_byte \(.int64),
                    status_code \(.int64),
                    error \(.text),
                    error_detail \(.text),
                    response_headers \(.text) NOT NULL,
                    response_body \(.blob) NOT NULL,
                    PRIMARY KEY (delivery_id, number)
                ) \(.strict)
                """,
                """
                CREATE TABLE replay (
                    id \(.text) PRIMARY KEY,
                    user_id \(.text) NOT NULL,
                    endpoint_id \(.text) NOT NULL,
                    status \(.int64) NOT NULL,
                    statuses \(.text) NOT NULL,
                    since \(.int64) NOT NULL,
                    until \(.int64) NOT NULL,
                    cursor \(.int64) NOT NULL,
                    last_position \(.int64) NOT NULL,
                    total \(.int64) NOT NULL,
                    done \(.int64) NOT NULL,
                    replayed \(.int64) NOT NULL,
                    created_at \(.int64) NOT NULL,
                    updated_at \(.int64) NOT NULL
                ) \(.strict)
                """,
                "CREATE INDEX replay_running ON replay (id) WHERE status = \(literal: ReplayStatus.running.rawValue)",
            ]),
        Migration(
            "delivery-2",
            [
                "ALTER TABLE tally ADD COLUMN user_id \(.text)",
                """
                UPDATE tally
                SET user_id = (SELECT user_id FROM endpoint WHERE endpoint.id = tally.endpoint_id)
                """,
                "CREATE INDEX tally_user ON tally (user_id)",
                "CREATE INDEX replay_user ON replay (user_id)",
            ]),
        Migration(
            "delivery-3",
            [
                """
                CREATE TABLE node (
                    lease \(.text) PRIMARY KEY,
                    name \(.text) NOT NULL,
                    version \(.text) NOT NULL,
                    started_at \(.int64) NOT NULL,
                    alive_until \(.int64) NOT NULL,
                    fenced \(.int64) NOT NULL
                ) \(.strict)
                """,
                "ALTER TABLE endpoint ADD COLUMN release_delivery_id \(.text)",
                "ALTER TABLE endpoint ADD COLUMN release_next_at \(.int64)",
            ]),
        Migration(
            "delivery-4",
            ["\(.allowNull(table: "event", column: "position"))"],
            indexes: [
                TableIndex("event_unnumbered", on: "event", "(created_at, id) WHERE position IS NULL"),
                TableIndex("delivery_unnumbered", on: "delivery", "(created_at, id) WHERE sequence IS NULL"),
            ]),
        Migration("delivery-5", ["ALTER TABLE endpoint ADD COLUMN public_only \(.int64) NOT NULL DEFAULT 0"]),
        Migration(
            "delivery-6",
            [
                """
                CREATE TABLE endpoint_hour (
                    endpoint_id \(.text) NOT NULL,
                    hour \(.int64) NOT NULL,
                    succeeded \(.int64) NOT NULL,
                    failed \(.int64) NOT NULL,
                    PRIMARY KEY (endpoint_id, hour)
                ) \(.strict)
                """,
                "CREATE INDEX endpoint_hour_age ON endpoint_hour (hour, endpoint_id)",
            ]),
        // Not by `position IS NULL`: PostgreSQL takes that from the index of positions as well, where what had no number once
        // is kept for older transactions.
        Migration(
            "delivery-fresh-1", [],
            indexes: [
                TableIndex("event_fresh", on: "event", "(created_at, id) WHERE COALESCE(position, 0) = 0"),
                TableIndex("delivery_fresh", on: "delivery", "(created_at, id) WHERE COALESCE(sequence, 0) = 0"),
            ]),
        Migration("delivery-fresh-2", ["DROP INDEX event_unnumbered", "DROP INDEX delivery_unnumbered"]),
        // When the oldest delivery of an endpoint was made, at the earliest: then retention looks. NULL: never again.
        Migration(
            "delivery-7",
            [
                "ALTER TABLE tally ADD COLUMN front_at \(.int64) DEFAULT 0",
                "ALTER TABLE tally ADD COLUMN retired_at \(.int64)",
                "DROP INDEX replay_running",
                """
                CREATE TABLE tally_repair (
                    endpoint_id \(.text) NOT NULL,
                    repaired_at \(.int64) NOT NULL,
                    was \(.text) NOT NULL,
                    became \(.text) NOT NULL,
                    PRIMARY KEY (endpoint_id, repaired_at)
                ) \(.strict)
                """,
            ],
            indexes: [
                TableIndex("event_time", on: "event", "(user_id, created_at, position)"),
                TableIndex("tally_front", on: "tally", "(front_at, endpoint_id) WHERE front_at IS NOT NULL"),
                TableIndex("replay_turn", on: "replay", "(user_id, id) WHERE status = 0"),
            ]),
        Migration(
            "delivery-hold-1",
            [
                "ALTER TABLE endpoint ADD COLUMN hold_until \(.int64)",
                "ALTER TABLE endpoint ADD COLUMN pace_interval \(.int64)",
                "ALTER TABLE endpoint ADD COLUMN refused_at \(.int64)",
                "ALTER TABLE endpoint ADD COLUMN refusals \(.int64)",
            ]),
        Migration(
            "delivery-slots-1",
            [
                """
                CREATE TABLE endpoint_slot (
                    endpoint_id \(.text) NOT NULL,
                    slot \(.int64) NOT NULL,
                    hour \(.int64) NOT NULL,
                    accepted \(.int64) NOT NULL,
                    succeeded \(.int64) NOT NULL,
                    failed \(.int64) NOT NULL,
                    last_success_at \(.int64),
                    last_failure_at \(.int64),
                    failing_since \(.int64),
                    failure_count \(.int64) NOT NULL,
                    PRIMARY KEY (endpoint_id, slot, hour)
                ) \(.strict)
                """,
                "CREATE INDEX endpoint_slot_age ON endpoint_slot (slot, endpoint_id, hour)",
                "ALTER TABLE tally ADD COLUMN folded_slot \(.int64) NOT NULL DEFAULT 0",
                """
                CREATE VIEW tally_now AS
                SELECT t.endpoint_id, t.user_id,
                    t.accepted + \(noted("accepted")) AS accepted, t.succeeded + \(noted("succeeded")) AS succeeded,
                    t.failed + \(noted("failed")) AS failed, t.cancelled, t.pruned
                FROM tally t
                """,
            ]),
        // How many claims of a delivery were handed back: `attempt` also counts them, as each needs a number of its own.
        Migration("delivery-returned-1", ["ALTER TABLE delivery ADD COLUMN returned \(.int64) NOT NULL DEFAULT 0"]),
        // 0 is CloudEvents, as it was before there were others.
        Migration(
            "delivery-format-1",
            [
                "ALTER TABLE endpoint ADD COLUMN payload_format \(.int64) NOT NULL DEFAULT 0",
                "ALTER TABLE endpoint ADD COLUMN template_method \(.text)",
                "ALTER TABLE endpoint ADD COLUMN template_content_type \(.text)",
                "ALTER TABLE endpoint ADD COLUMN template_body \(.text)",
            ]),
        Migration("delivery-headers-1", ["ALTER TABLE endpoint ADD COLUMN headers \(.blob)"]),
        Migration(
            "delivery-plan-1",
            [
                "ALTER TABLE endpoint ADD COLUMN rate_limit \(.double)",
                "ALTER TABLE endpoint ADD COLUMN rate_next_at \(.int64)",
                "ALTER TABLE endpoint ADD COLUMN flight_limit \(.int64)",
                "ALTER TABLE endpoint ADD COLUMN time_limit \(.int64)",
                "ALTER TABLE endpoint ADD COLUMN retry_delays \(.text)",
            ]),
        Migration("delivery-filter-1", ["ALTER TABLE endpoint ADD COLUMN filter \(.text)"]),
        Migration(
            "delivery-trust-1",
            [
                "ALTER TABLE endpoint ADD COLUMN authorities \(.text)",
                "ALTER TABLE endpoint ADD COLUMN client_certificate \(.text)",
                "ALTER TABLE endpoint ADD COLUMN client_key \(.blob)",
            ]),
        // Of endpoints that messages name for themselves; NULL for webhooks.
        Migration(
            "delivery-callbacks-1",
            [
                "ALTER TABLE endpoint ADD COLUMN callback_digest \(.blob)",
                "ALTER TABLE endpoint ADD COLUMN used_at \(.int64)",
            ],
            indexes: [
                TableIndex(
                    "endpoint_callback", on: "endpoint", "(callback_digest) WHERE callback_digest IS NOT NULL",
                    isUnique: true),
                TableIndex("endpoint_used", on: "endpoint", "(used_at, id) WHERE used_at IS NOT NULL"),
            ]),
        Migration(
            "delivery-fallback-1",
            [
                "ALTER TABLE endpoint ADD COLUMN fallback_url \(.text)",
                "ALTER TABLE endpoint ADD COLUMN fallback_after \(.int64)",
                "ALTER TABLE endpoint ADD COLUMN url_out_since \(.int64)",
                "ALTER TABLE endpoint ADD COLUMN url_tried_at \(.int64)",
                "ALTER TABLE attempt ADD COLUMN route \(.int64) NOT NULL DEFAULT 0",
            ]),
        // What a replay is narrowed to; NULL is all.
        Migration(
            "delivery-replay-1",
            [
                "ALTER TABLE replay ADD COLUMN event_type \(.text)",
                "ALTER TABLE replay ADD COLUMN status_code \(.int64)",
                "ALTER TABLE replay ADD COLUMN contact \(.text)",
            ]),
    ]
}
