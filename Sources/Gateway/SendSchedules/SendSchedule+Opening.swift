import Foundation
import Timestamps

extension SendSchedule {
    /// The window that is open at `time`, from `time` on, or else the next one, whole; nil when there is none.
    ///
    /// Windows are wall-clock time: one from 09:00 to 17:00 is so on both sides of a change of the clock. On the day of a
    /// change, a start that the clock skips is moved by what it skips, and of a time that comes twice the first counts:
    ///
    /// | Europe/Berlin, window | opens | closes |
    /// |---|---|---|
    /// | Saturday 2026-03-28, 02:30 to 04:00 | 01:30Z | 03:00Z |
    /// | Sunday 2026-03-29, 02:30 to 04:00 | 01:30Z (03:30 by the clock) | 02:00Z |
    /// | Sunday 2026-10-25, 02:30 to 04:00 | 00:30Z (the first 02:30) | 03:00Z |
    func opening(atOrAfter time: Timestamp) -> Range<Timestamp>? {
        guard let zone = TimeZone(identifier: timezone) else { return nil }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        let date = Date(timeIntervalSince1970: Double(time.microseconds) / 1_000_000)
        let today = calendar.dateComponents([.year, .month, .day], from: date)
        // A week and a day: the only window may have closed a moment ago.
        for offset in 0...7 {
            guard let noon = Self.date(today, addingDays: offset, minute: 720, calendar) else { continue }
            let weekday = calendar.component(.weekday, from: noon) - 1
            for window in windows where window.day == weekday {
                guard let start = Self.timestamp(today, offset, window.startMinute, calendar),
                    let end = Self.timestamp(today, offset, window.endMinute, calendar), start < end, time < end
                else { continue }
                return max(start, time)..<end
            }
        }
        return nil
    }

    private static func timestamp(
        _ day: DateComponents, _ offset: Int, _ minute: Int, _ calendar: Calendar
    ) -> Timestamp? {
        date(day, addingDays: offset, minute: minute, calendar).flatMap {
            Timestamp(secondsSince1970: $0.timeIntervalSince1970.rounded(.towardZero))
        }
    }

    private static func date(
        _ day: DateComponents, addingDays offset: Int, minute: Int, _ calendar: Calendar
    ) -> Date? {
        var components = day
        // The calendar carries what is over: the 32nd of a month, the 24th hour.
        components.day = (day.day ?? 1) + offset
        components.hour = minute / 60
        components.minute = minute % 60
        return calendar.date(from: components)
    }
}
