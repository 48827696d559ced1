import Foundation
import Timestamps

/// Reads when a row of a file wants to be sent.
package enum SendTimeCell {
    /// The moment that a cell of the column `name` holds; nil when it holds none that a message can be sent at, which `note` is
    /// told.
    static func time(
        _ cell: BulkRow.SendTime, of name: String, zone: TimeZone, at now: Timestamp, _ note: (String) -> Void
    ) -> Timestamp? {
        let found: Timestamp?
        switch cell {
        case .wallClock(let seconds): found = time(ofWallClock: seconds, in: zone)
        case .text(let text):
            found = Timestamp(rfc3339: text) ?? wallClock(text).flatMap { time(ofWallClock: $0, in: zone) }
            if found == nil {
                note(
                    """
                    The \(name) [\(BulkUpload.shown(text))] is not a valid date format. Use RFC3339 (e.g. \
                    2023-11-11T02:10:01Z) or YYYY-MM-DDTHH:MM:SS.
                    """)
            }
        }
        guard let found else { return nil }
        if found - now > .seconds(480 * 3_600) {
            note("The \(name) [\(found.rfc3339)] cannot be more than 20 days (480 hours) in the future.")
        } else if found.isLongPast(at: now) {
            note("The \(name) [\(found.rfc3339)] is more than an hour in the past.")
        }
        return found
    }

    /// Reads `YYYY-MM-DDTHH:MM:SS`, with a `T` or a space, an hour of one or two digits, and with or without a fraction of the
    /// second, which is cut off: seconds since 1970-01-01 00:00 by the wall clock.
    package static func wallClock(_ text: String) -> Int64? {
        var bytes = Array(text.utf8)
        // LibreOffice and Excel write 9:00:00.
        if bytes.count > 12, bytes[12] == UInt8(ascii: ":") { bytes.insert(UInt8(ascii: "0"), at: 11) }
        guard bytes.count == 19 || ((21...29).contains(bytes.count) && bytes[19] == UInt8(ascii: ".")) else {
            return nil
        }
        // An offset would be that of another clock.
        guard bytes.dropFirst(20).allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Timestamp(rfc3339: String(decoding: bytes, as: UTF8.self) + "Z").map { $0.microseconds / 1_000_000 }
    }

    /// When the clocks of `zone` show this; of a time that comes twice, the first.
    package static func time(ofWallClock seconds: Int64, in zone: TimeZone) -> Timestamp? {
        var utc = Calendar(identifier: .gregorian)
        utc.timeZone = .gmt
        var local = utc
        local.timeZone = zone
        let parts = utc.dateComponents(
            [.year, .month, .day, .hour, .minute, .second], from: Date(timeIntervalSince1970: Double(seconds)))
        return local.date(from: parts).flatMap { Timestamp(secondsSince1970: $0.timeIntervalSince1970.rounded()) }
    }
}

extension Timestamp {
    /// Whether it is so long before `now` that somebody who asks for a message at that time has made a mistake: more than an
    /// hour. What is nearer was right when it was written, and goes out at once. Clients of the API may name any time.
    package func isLongPast(at now: Timestamp) -> Bool { now - self > .seconds(3_600) }
}
