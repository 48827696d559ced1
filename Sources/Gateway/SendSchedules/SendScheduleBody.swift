import Foundation
import Wire

/// The body of POST and PUT `/v1/send-schedules`, and httpSMS's rules for it.
package struct SendScheduleBody: Decodable, Sendable {
    private let name: String?
    private let timezone: String?
    private let windows: [WindowBody]?

    private struct WindowBody: Decodable, Sendable {
        let dayOfWeek: Int?
        let startMinute: Int?
        let endMinute: Int?
    }

    /// What a form says.
    package init(name: String, timezone: String, windows: [SendSchedule.Window]) {
        self.name = name
        self.timezone = timezone
        self.windows = windows.map {
            WindowBody(dayOfWeek: $0.day, startMinute: $0.startMinute, endMinute: $0.endMinute)
        }
    }

    /// What the body says once it holds to the rules.
    package struct Settings: Sendable {
        let name: String
        let timezone: String
        /// By day and start.
        let windows: [SendSchedule.Window]
    }

    /// Tries the rules; `message` goes with what does not hold.
    ///
    /// - Throws: ``Refusal`` `.invalid`.
    package func settings(or message: String) throws(Refusal) -> Settings {
        let name = (name ?? "").trimmed
        let timezone = (timezone ?? "").trimmed
        let windows = (windows ?? []).map {
            SendSchedule.Window(
                day: $0.dayOfWeek ?? 0, startMinute: $0.startMinute ?? 0, endMinute: $0.endMinute ?? 0)
        }.sorted { ($0.day, $0.startMinute) < ($1.day, $1.startMinute) }
        var errors = FieldErrors()
        for (field, value) in [("name", name), ("timezone", timezone)] {
            errors.require(field, value)
            if value.utf8.count < 2 { errors.add(field, "The \(field) field must be minimum 2 char") }
            errors.requireBytes(field, value, max: 100)
        }
        if !timezone.isEmpty, TimeZone(identifier: timezone) == nil {
            errors.add("timezone", "The timezone must be a valid IANA timezone e.g Europe/London.")
        }
        for problem in Self.problems(of: windows) { errors.add("windows", problem) }
        try errors.check(message)
        return Settings(name: name, timezone: timezone, windows: windows)
    }

    /// What is wrong with `windows`, which are sorted; indexes are those of the sorted list.
    static func problems(of windows: [SendSchedule.Window]) -> [String] {
        if windows.isEmpty { return ["at least one active window is required"] }
        var problems: [String] = []
        for (index, window) in windows.enumerated() {
            if !(0...6).contains(window.day) {
                problems.append("windows[\(index)].day_of_week must be between 0 and 6")
            }
            if !(0...1_439).contains(window.startMinute) {
                problems.append("windows[\(index)].start_minute must be between 0 and 1439")
            }
            if !(1...1_440).contains(window.endMinute) {
                problems.append("windows[\(index)].end_minute must be between 1 and 1440")
            }
            if window.endMinute == window.startMinute {
                problems.append(
                    """
                    windows[\(index)].end_minute must be greater than start_minute, or less than it for a window that \
                    ends on the next day
                    """)
            }
        }
        for day in Set(windows.map(\.day)).sorted() {
            let ofDay = windows.filter { $0.day == day }
            if ofDay.count > 6 { problems.append("day_of_week \(day) cannot have more than 6 windows") }
        }
        // What is not a window overlaps none.
        let valid = windows.filter {
            (0...6).contains($0.day) && (0...1_439).contains($0.startMinute) && (1...1_440).contains($0.endMinute)
                && $0.startMinute != $0.endMinute
        }
        problems += overlapping(valid).map { "day_of_week \($0) contains overlapping windows" }
        return problems
    }

    /// The days on which a window begins before the one before it has ended, sorted. After Saturday comes Sunday.
    private static func overlapping(_ windows: [SendSchedule.Window]) -> [Int] {
        let starts = windows.map { $0.day * 1_440 + $0.startMinute }
        let nexts = starts.dropFirst() + [(starts.first ?? 0) + 7 * 1_440]
        let days = windows.map(\.day).dropFirst() + [windows.first?.day ?? 0]
        let overlaps = zip(zip(starts, windows), zip(nexts, days)).filter { window, next in
            window.0 + window.1.length > next.0
        }
        return Set(overlaps.map { $0.1.1 }).sorted()
    }
}
