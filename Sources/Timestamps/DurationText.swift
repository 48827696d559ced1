/// Durations as text: `90s`, `10m`, `1h`.
package enum DurationText {
    /// Reads a whole number with its unit; nil for anything else, and for more than a year.
    package static func parse(_ text: String) -> Duration? {
        guard let unit = text.last, let seconds = ["s": 1, "m": 60, "h": 3_600][String(unit)],
            text.dropLast().utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let count = Int(text.dropLast()), count <= 366 * 86_400 / seconds
        else { return nil }
        return .seconds(count * seconds)
    }
}
