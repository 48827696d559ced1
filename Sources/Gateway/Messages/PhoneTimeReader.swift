import Foundation
import JSON
import Timestamps
import Wire

/// Reads times as phones' apps write them.
///
/// | text | is read as |
/// |---|---|
/// | `2026-11-25T10:00:00.000+01:00` | RFC 3339 |
/// | `1795600800`, `1795600800123` | seconds since 1970, milliseconds, and micro- and nanoseconds, by how large it is |
/// | `1795600800.123`, `1.795600800123E12` | the same |
/// | `2026-11-25T05:00:00.000+-5:00`, `...+-3:-30`, `...+0000` | an offset as Android 5 and 6 write it |
/// | `2026-11-25 10:00:00`, `2026/11/25 10:00:00` | the wall clock of a zone, when one is given |
enum PhoneTimeReader {
    /// The time that `text` names; nil when it names none. The time of a wall clock needs the `zone` of that clock.
    static func time(_ text: String, zone: TimeZone?) -> Timestamp? {
        if let time = Timestamp(rfc3339: text) { return time }
        guard text.utf8.count <= longest else { return nil }
        let text = text.trimmed
        if let time = Timestamp(rfc3339: text) ?? number(text) ?? withOddOffset(text) { return time }
        guard let zone, let seconds = SendTimeCell.wallClock(text.replacing("/", with: "-")) else { return nil }
        return SendTimeCell.time(ofWallClock: seconds, in: zone)
    }

    /// In bytes; a time with nine digits of a second and an offset has 35.
    private static let longest = 64

    /// Reads a number: below 10^11 it is seconds, which is the year 5138, and each next unit has three digits more.
    private static func number(_ text: String) -> Timestamp? {
        guard text.utf8.allSatisfy({ "0123456789.eE+-".utf8.contains($0) }) else { return nil }
        if let whole = Int64(text) {
            switch whole.magnitude {
            case ..<100_000_000_000: return Timestamp(seconds: whole)
            case ..<100_000_000_000_000: return Timestamp(microseconds: whole.clampedMultiplying(by: 1_000))
            case ..<100_000_000_000_000_000: return Timestamp(microseconds: whole)
            default: return Timestamp(microseconds: whole / 1_000)
            }
        }
        guard JSONBody.isNumber(Array(text.utf8)), let value = Double(text), value.isFinite else { return nil }
        return switch value.magnitude {
        case ..<1e11: Timestamp(secondsSince1970: value)
        case ..<1e14: Timestamp(secondsSince1970: value / 1e3)
        case ..<1e17: Timestamp(secondsSince1970: value / 1e6)
        default: Timestamp(secondsSince1970: value / 1e9)
        }
    }

    /// Reads a time whose offset has no colon, one digit, or a second sign: `+-5:00` is five hours west.
    private static func withOddOffset(_ text: String) -> Timestamp? {
        // Behind the date, whose hyphens are not signs.
        guard text.utf8.count > 19,
            let sign = text.utf8.dropFirst(19).firstIndex(where: { "+-".utf8.contains($0) })
        else { return nil }
        var offset = text[sign...]
        var isWest = offset.first == "-"
        offset = offset.dropFirst()
        if offset.first == "-" {
            isWest = true
            offset = offset.dropFirst()
        }
        var parts = offset.split(separator: ":", omittingEmptySubsequences: false)
        if parts.count == 2, parts[1].hasPrefix("-") { parts[1] = parts[1].dropFirst() }
        guard let first = parts.first, parts.count <= 2, parts.allSatisfy(\.isDigits) else { return nil }
        // Without a colon the last two of three or four digits are minutes.
        let digits = first.count > 2 ? 2 : 0
        let hours = parts.count == 2 ? first : first.dropLast(digits)
        let minutes = parts.count == 2 ? parts[1] : first.suffix(digits)
        func padded(_ digits: Substring) -> String { String(repeating: "0", count: max(0, 2 - digits.count)) + digits }
        return Timestamp(rfc3339: "\(text[..<sign])\(isWest ? "-" : "+")\(padded(hours)):\(padded(minutes))")
    }
}
