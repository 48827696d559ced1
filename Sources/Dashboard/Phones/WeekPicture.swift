import Gateway
import Wire

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
            let open = windows.flatMap { Self.parts(of: $0, on: day) }.sorted { $0.lowerBound < $1.lowerBound }
            return Day(
                name: Self.names[day],
                text: open.isEmpty
                    ? "closed"
                    : open.map { "\(ClockTime.text($0.lowerBound)) to \(ClockTime.text($0.upperBound))" }
                        .joined(separator: ", "),
                bands: open.map { Band(x: $0.lowerBound, width: $0.count) })
        }
    }

    /// What of a window is on `day`, in minutes after midnight: two parts may be, where it begins and where it ends.
    private static func parts(of window: SendSchedule.Window, on day: Int) -> [Range<Int>] {
        if window.startMinute < window.endMinute {
            return window.day == day ? [window.startMinute..<window.endMinute] : []
        }
        var parts: [Range<Int>] = []
        if window.endMinute < window.startMinute {
            if window.day == day { parts.append(window.startMinute..<ClockTime.minutesOfDay) }
            if (window.day + 1) % 7 == day { parts.append(0..<window.endMinute) }
        }
        return parts
    }

    /// By the day's number, 0 is Sunday.
    static let names = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

    /// The numbers of the days as people write a week down (ISO 8601).
    static let order = [1, 2, 3, 4, 5, 6, 0]
}
