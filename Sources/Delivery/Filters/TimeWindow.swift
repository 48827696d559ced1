import Foundation
import Timestamps

/// A part of each day, in minutes after midnight of some zone.
package struct TimeWindow: Sendable, Hashable, Codable {
    /// Its first minute.
    package let from: Int
    /// Its end, which is not part of it; before ``from`` it is on the next day. 1,440 is midnight.
    package let until: Int

    /// Names both.
    package init(from: Int, until: Int) {
        self.from = from
        self.until = until
    }

    /// Whether a minute of the day lies in it; in one that ends where it begins, none does.
    package func contains(_ minute: Int) -> Bool {
        from <= until ? from <= minute && minute < until : minute >= from || minute < until
    }

    /// The minute of the day that the clocks of `zone` show at `time`; UTC for a zone that this system does not know.
    package static func minute(of time: Timestamp, in zone: String) -> Int {
        let zone = TimeZone(identifier: zone) ?? .gmt
        let offset = zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(time.seconds)))
        // Two days more, as both may be negative.
        let second = (time.seconds % 86_400 + Int64(offset) + 2 * 86_400) % 86_400
        return Int(second / 60)
    }
}
