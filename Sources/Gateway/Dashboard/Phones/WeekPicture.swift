/// When a schedule sends, a row for each day of the week, Monday first.
struct WeekPicture: Sendable {
    let days: [Day]

    struct Day: Sendable {
        let name: String
        /// What the bands show: `09:00 to 12:00, 13:00 to 17:00`, or `closed`.
        let text: String
        let bands: [Band]
    }

    /// Part of a day, in minutes after midnight.
    struct Band: Sendable, Hashable {
        let x: Int
        let width: Int
    }

    init(_ windows: [SendSchedule.Window]) {
        days = Self.order.map { day in
            let open = windows.filter { $0.day == day && $0.startMinute < $0.endMinute }
            return Day(
                name: Self.names[day],
                text: open.isEmpty
                    ? "closed"
                    : open.map { "\(Self.clock($0.startMinute)) to \(Self.clock($0.endMinute))" }
                        .joined(separator: ", "),
                bands: open.map { Band(x: $0.startMinute, width: $0.endMinute - $0.startMinute) })
        }
    }

    /// `570` as `09:30`, and the end of a day as `24:00`.
    static func clock(_ minute: Int) -> String {
        let (hours, minutes) = (minute / 60, minute % 60)
        return "\(hours < 10 ? "0" : "")\(hours):\(minutes < 10 ? "0" : "")\(minutes)"
    }

    /// By the day's number, 0 is Sunday.
    static let names = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

    /// The numbers of the days as people write a week down (ISO 8601).
    static let order = [1, 2, 3, 4, 5, 6, 0]
}
