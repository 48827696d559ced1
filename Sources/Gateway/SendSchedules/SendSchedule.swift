import Delivery
import HTTPSMSWebhooks
import JSON
import Storage
import Timestamps

/// The id of a schedule.
package typealias SendScheduleID = ID<SendSchedule>

/// When a phone may send: weekly windows in a time zone.
package struct SendSchedule: Sendable {
    /// Its id.
    package let id: SendScheduleID
    let userID: UserID
    /// What its owner calls it.
    package var name: String
    /// IANA, such as `Europe/London`.
    package var timezone: String
    /// At least one, by day and start; they do not overlap.
    package var windows: [Window]
    let createdAt: Timestamp
    var updatedAt: Timestamp

    /// Part of a day by the wall clock, `startMinute` included, `endMinute` not. One that ends before it begins goes on until
    /// that time of the next day.
    package struct Window: Sendable, Hashable {
        /// On which it begins: 0 is Sunday, 6 Saturday.
        package let day: Int
        /// Minutes after midnight, 0 to 1439.
        package let startMinute: Int
        /// Minutes after midnight, 1 to 1440.
        package let endMinute: Int

        /// A window that lies within its day.
        package init(day: Int, startMinute: Int, endMinute: Int) {
            (self.day, self.startMinute, self.endMinute) = (day, startMinute, endMinute)
        }
    }
}

extension SendSchedule: JSONWritable {
    /// As httpSMS shows it.
    package func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("id", id.text)
            o.field("user_id", userID.text)
            o.field("name", name)
            o.field("timezone", timezone)
            o.field("windows", windows)
            o.field("created_at", createdAt)
            o.field("updated_at", updatedAt)
        }
    }
}

extension SendSchedule.Window: JSONWritable {
    package func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("day_of_week", day)
            o.field("start_minute", startMinute)
            o.field("end_minute", endMinute)
        }
    }
}

extension SendSchedule: RowDecodable {
    package init(row: Row) throws {
        id = try row.get("id")
        userID = try row.get("user_id")
        name = try row.get("name")
        timezone = try row.get("timezone")
        windows = try row.get("windows", as: String.self).split(separator: "\n").compactMap { line in
            let numbers = line.split(separator: " ").compactMap { Int($0) }
            guard numbers.count == 3 else { return nil }
            let window = Window(day: numbers[0], startMinute: numbers[1], endMinute: numbers[2])
            // What no version wrote is not a window.
            return SendScheduleBody.problems(of: [window]).isEmpty ? window : nil
        }
        createdAt = try row.get("created_at")
        updatedAt = try row.get("updated_at")
    }
}

/// `send_schedule.windows` holds day, start and end, one window a line.
enum SendScheduleMigrations {
    static let all: [Migration] = [
        Migration(
            "send-schedules-1",
            [
                """
                CREATE TABLE send_schedule (
                    id \(.text) PRIMARY KEY,
                    user_id \(.text) NOT NULL,
                    name \(.text) NOT NULL,
                    timezone \(.text) NOT NULL,
                    windows \(.text) NOT NULL,
                    created_at \(.int64) NOT NULL,
                    updated_at \(.int64) NOT NULL
                ) \(.strict)
                """,
                "CREATE INDEX send_schedule_user ON send_schedule (user_id, created_at, id)",
                """
                CREATE INDEX phone_schedule ON phone (message_send_schedule_id)
                WHERE message_send_schedule_id IS NOT NULL
                """,
            ])
    ]
}
