import Delivery
import Storage
import Timestamps

/// Reads and writes send schedules.
package enum SendScheduleQueries {
    /// All schedules of `userID`, newest first. Index: `send_schedule_user`.
    package static func list(userID: UserID, in tx: any Transaction) throws -> [SendSchedule] {
        try tx.all(
            SendSchedule.self,
            """
            SELECT *
            FROM send_schedule
            WHERE user_id = \(userID)
            ORDER BY created_at DESC, id DESC
            """)
    }

    /// Locks the schedule `id` of `userID` for whoever gives it to a phone, which is locked after it; false when there is none.
    static func lock(_ id: SendScheduleID, userID: UserID, in tx: any Transaction) throws -> Bool {
        try !tx.rows("SELECT id FROM send_schedule WHERE id = \(id) AND user_id = \(userID) \(.forUpdate)").isEmpty
    }

    /// The schedule `id` of `userID`, locked for whoever changes it; its phones are locked after it.
    static func find(_ id: SendScheduleID, userID: UserID, in tx: any Transaction) throws -> SendSchedule? {
        try tx.first(
            SendSchedule.self, "SELECT * FROM send_schedule WHERE id = \(id) AND user_id = \(userID) \(.forUpdate)")
    }

    /// The same, not locked, for whoever plans under the lock of a phone. Whoever changes the schedule locks its phones afterwards
    /// and plans again, so nothing stays as it was planned before the change.
    static func look(_ id: SendScheduleID, userID: UserID, in tx: any Transaction) throws -> SendSchedule? {
        try tx.first(SendSchedule.self, "SELECT * FROM send_schedule WHERE id = \(id) AND user_id = \(userID)")
    }

    /// Stores a schedule, new or changed.
    static func save(_ schedule: SendSchedule, in tx: any Transaction) throws {
        let windows = schedule.windows.map { "\($0.day) \($0.startMinute) \($0.endMinute)" }.joined(separator: "\n")
        try tx.run(
            """
            INSERT INTO send_schedule (id, user_id, name, timezone, windows, created_at, updated_at)
            VALUES (
                \(schedule.id), \(schedule.userID), \(schedule.name), \(schedule.timezone), \(windows),
                \(schedule.createdAt), \(schedule.updatedAt))
            ON CONFLICT (id) DO UPDATE SET
                name = excluded.name, timezone = excluded.timezone, windows = excluded.windows,
                updated_at = excluded.updated_at
            """)
    }

    /// Deletes the schedule `id`.
    static func delete(_ id: SendScheduleID, in tx: any Transaction) throws {
        try tx.run("DELETE FROM send_schedule WHERE id = \(id)")
    }

    /// The numbers of the phones that keep each of `schedules`, sorted. Index: `phone_schedule`.
    package static func numbers(
        keeping schedules: [SendScheduleID], in tx: any Transaction
    ) throws -> [SendScheduleID: [String]] {
        try tx.rows(
            """
            SELECT message_send_schedule_id, phone_number
            FROM phone
            WHERE message_send_schedule_id IN \(list: schedules)
            ORDER BY phone_number
            """
        ).reduce(into: [:]) { numbers, row in
            numbers[try row.get("message_send_schedule_id"), default: []].append(try row.get("phone_number"))
        }
    }

    /// The phones that keep the schedule `id`, locked, by id. Index: `phone_schedule`.
    static func phones(keeping id: SendScheduleID, in tx: any Transaction) throws -> [Phone] {
        try tx.all(
            Phone.self,
            "SELECT * FROM phone WHERE message_send_schedule_id = \(id.text) ORDER BY id \(.forUpdate)")
    }
}
