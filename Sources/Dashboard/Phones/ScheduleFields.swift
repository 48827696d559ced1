import Foundation
import Gateway
import Wire

/// The fields of a schedule's form, as text: what was typed stays as it is, right or wrong.
struct ScheduleFields: Sendable {
    var name: String
    var timezone: String
    /// For each day, 0 is Sunday, the rows of the form in their order.
    var rows: [[Row]]

    /// A window as it was typed, `09:00` and `17:00`; both empty is none.
    struct Row: Sendable, Hashable {
        var start = ""
        var end = ""

        var isEmpty: Bool { start.isEmpty && end.isEmpty }
    }

    /// What a new schedule starts from: the usual hours of work.
    init() {
        name = ""
        timezone = "UTC"
        rows = (0...6).map { (1...5).contains($0) ? [Row(start: "09:00", end: "17:00")] : [] }
    }

    init(_ schedule: SendSchedule) {
        name = schedule.name
        timezone = schedule.timezone
        rows = (0...6).map { day in
            schedule.windows.filter { $0.day == day }.map {
                // A field of time ends at 23:59, so that its 00:00 stands for the end of the day.
                Row(
                    start: ClockTime.text($0.startMinute), end: ClockTime.text($0.endMinute % ClockTime.minutesOfDay))
            }
        }
    }

    init(_ form: PageForm) {
        name = form.text("name")
        timezone = form.text("timezone")
        rows = (0...6).map { day in
            zip(form.list("start-\(day)"), form.list("end-\(day)")).map { Row(start: $0.trimmed, end: $1.trimmed) }
                .filter { !$0.isEmpty }
        }
    }

    /// What is asked of the API's rules. The day of what cannot be read is told in `problems`.
    func body(_ problems: inout [Int: [String]]) -> SendScheduleBody {
        for (day, rows) in rows.enumerated() where rows.contains(where: { Self.window($0, day: day) == nil }) {
            problems[day, default: []].append("A window has a begin and an end, such as 09:00 and 17:00")
        }
        return SendScheduleBody(name: name, timezone: timezone, windows: windows)
    }

    /// The windows that can be read, by day and start as the API sorts them.
    var windows: [SendSchedule.Window] {
        rows.enumerated().flatMap { day, rows in rows.compactMap { Self.window($0, day: day) } }
            .sorted { ($0.day, $0.startMinute) < ($1.day, $1.startMinute) }
    }

    /// What the API says of `windows`, by day; of all days, what it says of none. Where it names its fields by number, the
    /// day has the number's place.
    func byDay(_ messages: [String]) -> [Int: [String]] {
        let windows = windows
        return messages.reduce(into: [:]) { problems, message in
            if let found = message.firstMatch(of: /^windows\[(\d+)\]\.(.*)$/), let index = Int(found.1),
                windows.indices.contains(index)
            {
                let day = windows[index].day
                problems[day, default: []].append(
                    "\(WeekPicture.names[day]): \(PageProblems.plain(String(found.2), at: "windows"))")
            } else if let found = message.firstMatch(of: /^day_of_week (\d) (.*)$/), let day = Int(found.1),
                rows.indices.contains(day)
            {
                problems[day, default: []].append("\(WeekPicture.names[day]) \(found.2).")
            } else {
                problems[Self.everyDay, default: []].append(PageProblems.plain(message, at: "windows"))
            }
        }
    }

    /// Where ``byDay(_:)`` puts what is wrong with the whole.
    static let everyDay = -1

    private static func window(_ row: Row, day: Int) -> SendSchedule.Window? {
        guard let start = minute(row.start), let end = minute(row.end) else { return nil }
        return SendSchedule.Window(day: day, startMinute: start, endMinute: end == 0 ? ClockTime.minutesOfDay : end)
    }

    /// `09:30` as 570; nil when it is not a time of day. Some browsers add seconds.
    private static func minute(_ text: String) -> Int? {
        ClockTime.minutes(text.utf8.count == 8 && text.hasSuffix(":00") ? text.dropLast(3) : text[...])
    }
}

/// The time zones to choose from.
struct ZoneGroup: Sendable {
    let name: String
    let zones: [Choice]

    /// UTC, and the zones that this system knows by their part of the world; `chosen` is among them whatever it is.
    static func all(chosen: String) -> [ZoneGroup] {
        let isKnown = chosen == "UTC" || known.contains { $0.zones.contains(chosen) }
        let first = isKnown || chosen.isEmpty ? ["UTC"] : ["UTC", chosen]
        return ([(name: "Universal", zones: first)] + known).map { group in
            ZoneGroup(name: group.name, zones: Choice.all(group.zones, chosen: chosen))
        }
    }

    private static let known: [(name: String, zones: [String])] = {
        let places = TimeZone.knownTimeZoneIdentifiers.filter { $0.contains("/") }.sorted()
        return Dictionary(grouping: places) { String($0.prefix { $0 != "/" }) }.sorted { $0.key < $1.key }
            .map { (name: $0.key, zones: $0.value) }
    }()
}
