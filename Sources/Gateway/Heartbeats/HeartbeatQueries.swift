import Delivery
import Storage
import Timestamps

/// Reads and writes heartbeats and presence.
package enum HeartbeatQueries {
    /// The heartbeats of `owner`, newest first, whose version contains `page.query`. Index: `heartbeat_owner`.
    package static func list(userID: UserID, owner: String, page: Page, in tx: any Transaction) throws -> [Heartbeat] {
        try tx.all(
            Heartbeat.self,
            """
            SELECT *
            FROM heartbeat
            WHERE user_id = \(userID) AND owner = \(owner)
                AND (\(page.query) = '' OR \(SQL.contains(anyCase: "version", page.query)))
            ORDER BY timestamp DESC, id DESC
            LIMIT \(page.limit) OFFSET \(page.skip)
            """)
    }

    /// The heartbeats of `owner` from `start` on, put together by steps of `step`, oldest first; steps without any are left
    /// out. Index: `heartbeat_owner`.
    package static func steps(
        userID: UserID, owner: String, from start: Timestamp, by step: Duration, in tx: any Transaction
    ) throws -> [HeartbeatStep] {
        try tx.all(
            HeartbeatStep.self,
            """
            SELECT MIN(timestamp) AS first_at, MAX(timestamp) AS last_at, COUNT(*) AS count,
                CAST(SUM(charging) AS BIGINT) AS charging_count
            FROM heartbeat
            WHERE user_id = \(userID) AND owner = \(owner) AND timestamp >= \(start)
            GROUP BY (timestamp - \(start)) / \(step.microseconds)
            ORDER BY first_at
            """)
    }

    /// How many phones of all accounts send heartbeats, and how many no longer do. Reads a small row for each phone.
    static func counts(in tx: any Transaction) throws -> (online: Int64, offline: Int64) {
        let row = try tx.rows("SELECT COUNT(*) AS count, CAST(SUM(online) AS BIGINT) AS online FROM presence").first
        let (all, online) = (try row?.find("count", as: Int64.self) ?? 0, try row?.find("online", as: Int64.self) ?? 0)
        return (online, all - online)
    }

    /// When `owner` was heard last before `time`; nil when it never was. Index: `heartbeat_owner`.
    package static func last(userID: UserID, owner: String, before time: Timestamp, in tx: any Transaction) throws
        -> Timestamp?
    {
        try tx.value(
            """
            SELECT MAX(timestamp) AS value
            FROM heartbeat
            WHERE user_id = \(userID) AND owner = \(owner) AND timestamp < \(time)
            """)
    }

    static func insert(_ heartbeat: Heartbeat, in tx: any Transaction) throws {
        try tx.run(
            """
            INSERT INTO heartbeat (id, owner, version, charging, user_id, timestamp)
            VALUES (
                \(heartbeat.id), \(heartbeat.owner), \(heartbeat.version), \(heartbeat.isCharging), \(heartbeat.userID),
                \(heartbeat.timestamp))
            """)
    }

    /// The presence of a phone, locked; nil before its first heartbeat.
    static func presence(of phone: PhoneID, in tx: any Transaction) throws -> Presence? {
        try tx.first(Presence.self, "SELECT * FROM presence WHERE phone_id = \(phone) \(.forUpdate)")
    }

    /// The presence of those of `phones` that were heard.
    package static func presences(of phones: [PhoneID], in tx: any Transaction) throws -> [PhoneID: Presence] {
        try tx.all(Presence.self, "SELECT * FROM presence WHERE phone_id IN \(list: phones)")
            .reduce(into: [:]) { $0[$1.phoneID] = $1 }
    }

    /// Starts monitoring.
    static func insert(_ presence: Presence, checkAt: Timestamp, in tx: any Transaction) throws {
        try tx.run(
            """
            INSERT INTO presence (phone_id, user_id, owner, monitor_id, last_heartbeat_at, check_at, online)
            VALUES (
                \(presence.phoneID), \(presence.userID), \(presence.owner), \(presence.monitorID),
                \(presence.lastHeartbeatAt), \(checkAt), \(presence.isOnline))
            """)
    }

    /// Notes a heartbeat of a phone that is online.
    static func heard(_ phone: PhoneID, in tx: any Transaction) throws {
        try tx.run("UPDATE presence SET last_heartbeat_at = \(tx.now) WHERE phone_id = \(phone)")
    }

    /// Notes the first heartbeat after an outage; false when another was faster.
    static func cameOnline(_ phone: PhoneID, checkAt: Timestamp, in tx: any Transaction) throws -> Bool {
        try tx.run(
            """
            UPDATE presence
            SET online = 1, last_heartbeat_at = \(tx.now), check_at = \(checkAt)
            WHERE phone_id = \(phone) AND online = 0
            """) == 1
    }

    /// Notes an outage; false when the phone was heard meanwhile.
    static func wentOffline(_ presence: Presence, in tx: any Transaction) throws -> Bool {
        try tx.run(
            """
            UPDATE presence
            SET online = 0
            WHERE phone_id = \(presence.phoneID) AND online = 1 AND last_heartbeat_at = \(presence.lastHeartbeatAt)
            """) == 1
    }

    /// Looks again then.
    static func check(_ phone: PhoneID, at checkAt: Timestamp, in tx: any Transaction) throws {
        try tx.run("UPDATE presence SET check_at = \(checkAt) WHERE phone_id = \(phone)")
    }

    /// At most `limit` phones to be checked at `now`, as rows of `presence`, longest due first. Index: `presence_check`.
    static func due(limit: Int, at now: Timestamp, in tx: any Transaction) throws -> [Row] {
        try tx.rows(
            """
            SELECT *
            FROM presence
            WHERE online = 1 AND check_at <= \(now)
            ORDER BY check_at, phone_id
            LIMIT \(limit)
            \(.forUpdateSkipLocked)
            """)
    }

    /// When the next phone is to be checked. Index: `presence_check`.
    static func nextCheck(in tx: any Transaction) throws -> Timestamp? {
        try tx.value("SELECT MIN(check_at) AS value FROM presence WHERE online = 1")
    }

    /// Has the phone pushed to at `time` unless it is heard before; nil forgets about it.
    static func wake(_ phone: PhoneID, at time: Timestamp?, in tx: any Transaction) throws {
        try tx.run("UPDATE presence SET wake_at = \(time) WHERE phone_id = \(phone)")
    }

    /// At most `limit` phones to be pushed to at `now`, longest due first. Index: `presence_wake`.
    static func toWake(limit: Int, at now: Timestamp, in tx: any Transaction) throws -> [PhoneID] {
        try tx.rows(
            """
            SELECT phone_id
            FROM presence
            WHERE wake_at IS NOT NULL AND wake_at <= \(now)
            ORDER BY wake_at, phone_id
            LIMIT \(limit)
            \(.forUpdateSkipLocked)
            """
        ).map { try $0.get("phone_id") }
    }

    /// When the next phone is to be pushed to. Index: `presence_wake`.
    static func nextWakeUp(in tx: any Transaction) throws -> Timestamp? {
        try tx.value("SELECT MIN(wake_at) AS value FROM presence WHERE wake_at IS NOT NULL")
    }

    /// Ends monitoring.
    static func deletePresence(of phone: PhoneID, in tx: any Transaction) throws {
        try tx.run("DELETE FROM presence WHERE phone_id = \(phone)")
    }

    /// Deletes at most 500 heartbeats older than `cutoff`; true when there may be more. Their ids carry their time, so the
    /// primary key finds them.
    static func prune(before cutoff: Timestamp, in tx: any Transaction) throws -> Bool {
        let floor = UUIDText.version7(at: cutoff, high: 0, low: 0)
        return try tx.run(
            """
            DELETE FROM heartbeat
            WHERE id IN (SELECT id FROM heartbeat WHERE id < \(floor) ORDER BY id LIMIT 500)
            """) == 500
    }

    /// When a server last said that it runs on this store; nil when none ever did.
    static func lastAlive(in tx: any Transaction) throws -> Timestamp? {
        try tx.value("SELECT alive_at AS value FROM server_life WHERE id = 1")
    }

    /// Says that a server runs on this store.
    static func noteAlive(in tx: any Transaction) throws {
        try tx.run(
            """
            INSERT INTO server_life (id, alive_at)
            VALUES (1, \(tx.now))
            ON CONFLICT (id) DO UPDATE SET alive_at = excluded.alive_at
            """)
    }
}
