import Foundation
import Timestamps

extension SendSchedule {
    /// The window that is open at `time`, from `time` on, or else the next one, whole; nil when there is none, as in a time
    /// zone that this system does not know. Then nothing may be sent.
    ///
    /// Windows are wall-clock time: one from 09:00 to 17:00 is so on both sides of a change of the clock. An instant is in
    /// a window when the clock on the wall is, so that a window which the clock skips is skipped, and one which comes twice
    /// is open twice:
    ///
    /// | Europe/Berlin, window | opens | closes |
    /// |---|---|---|
    /// | Saturday 2026-03-28, 02:30 to 04:00 | 01:30Z | 03:00Z |
    /// | Sunday 2026-03-29, 02:30 to 04:00 | 01:00Z (03:00 by the clock) | 02:00Z |
    /// | Sunday 2026-03-29, 02:00 to 03:00 | not at all | |
    /// | Sunday 2026-10-25, 02:30 to 04:00 | 00:30Z, and 01:30Z | 01:00Z, and 03:00Z |
    package func opening(atOrAfter time: Timestamp) -> Range<Timestamp>? {
        guard let zone = TimeZone(identifier: timezone) else { return nil }
        let clock = WallClockOfZone(zone)
        let today = clock.day(of: time.seconds)
        // From yesterday's window over midnight to next week's, should the clock skip this week's.
        var next: Range<Timestamp>?
        for day in (today - 1)...(today + Self.furthestDay) {
            // What begins on the day after may be earlier, as where a clock goes back at midnight; no later day can.
            let isLast = next != nil
            for window in windows where window.day == WallClockOfZone.weekday(of: day) {
                let start = day * Self.secondsOfDay + Int64(window.startMinute) * 60
                let end = start + Int64(window.length) * 60
                guard Timestamp(seconds: end + WallClockOfZone.furthestOffset) > time else { continue }
                for open in clock.instants(from: start, to: end) {
                    let (lower, upper) = (Timestamp(seconds: open.lowerBound), Timestamp(seconds: open.upperBound))
                    if time < upper, lower < next?.lowerBound ?? .last { next = max(lower, time)..<upper }
                }
            }
            if isLast { return next }
        }
        return next
    }

    private static let secondsOfDay: Int64 = 86_400
    /// In days: two weeks.
    private static let furthestDay: Int64 = 14
}

extension SendSchedule.Window {
    /// In minutes; a window that ends before it begins ends on the next day.
    var length: Int { endMinute > startMinute ? endMinute - startMinute : endMinute + 1_440 - startMinute }
}

/// The clock on the wall somewhere, as seconds since midnight of 1970-01-01 by that clock.
private struct WallClockOfZone {
    private let zone: TimeZone

    init(_ zone: TimeZone) {
        self.zone = zone
    }

    /// In seconds: no zone is farther from UTC, nor sets its clock by more at once but for a change of date.
    static let furthestOffset: Int64 = 86_400
    /// In seconds: no zone sets its clock twice in that time.
    private static let step: Int64 = 6 * 3_600

    /// The day by the clock at an instant, in days since 1970-01-01.
    func day(of instant: Int64) -> Int64 {
        let wall = instant + offset(at: instant)
        return wall >= 0 ? wall / 86_400 : (wall - 86_399) / 86_400
    }

    /// 0 for Sunday, of days since 1970-01-01, which was a Thursday.
    static func weekday(of day: Int64) -> Int { Int(((day + 4) % 7 + 7) % 7) }

    /// The instants at which the clock shows what is from `start` on and before `end`, in order.
    func instants(from start: Int64, to end: Int64) -> [Range<Int64>] {
        var found: [Range<Int64>] = []
        var begin = start - Self.furthestOffset
        let last = end + Self.furthestOffset
        while begin < last {
            let offset = offset(at: begin)
            let next = change(after: begin, before: last) ?? last
            let (lower, upper) = (max(start - offset, begin), min(end - offset, next))
            if lower < upper {
                if let previous = found.last, previous.upperBound == lower {
                    found[found.count - 1] = previous.lowerBound..<upper
                } else {
                    found.append(lower..<upper)
                }
            }
            begin = next
        }
        return found
    }

    /// The first instant after `begin` and before `end` with another offset than at `begin`; nil when there is none.
    private func change(after begin: Int64, before end: Int64) -> Int64? {
        let offset = offset(at: begin)
        var (same, other) = (begin, begin)
        repeat {
            same = other
            other = min(same + Self.step, end)
            if self.offset(at: other) != offset { break }
        } while other < end
        if self.offset(at: other) == offset { return nil }
        while other - same > 1 {
            let middle = same + (other - same) / 2
            if self.offset(at: middle) == offset { same = middle } else { other = middle }
        }
        return other < end ? other : nil
    }

    private func offset(at instant: Int64) -> Int64 {
        Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(instant))))
    }
}
