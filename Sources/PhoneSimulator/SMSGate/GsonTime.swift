import Timestamps

/// How a phone writes and reads times: by its own clock, in its own zone, with the app's date pattern.
package struct GsonTime: Hashable, Sendable {
    /// Minutes east of Greenwich.
    package var offset: Int
    /// Whether the phone has Android 5 or 6, for which the app builds its pattern from the zone, wrongly.
    package var isOldAndroid: Bool

    /// A phone in a zone.
    package init(offset: Int = 60, isOldAndroid: Bool = false) {
        self.offset = offset
        self.isOldAndroid = isOldAndroid
    }

    /// Three fraction digits and the offset: `2026-11-25T11:00:31.200+01:00`; `Z` in Greenwich.
    ///
    /// Android 5 and 6 write `+01:00`, but also `+0000`, `+-5:00` and `+-3:-30` (extensions/GsonBuilder.kt:18-30).
    package func text(_ time: Timestamp) -> String {
        let local = time + .seconds(Int64(offset) * 60)
        let seconds = Timestamp(seconds: local.seconds).rfc3339.dropLast()
        let milliseconds = (local - Timestamp(seconds: local.seconds)).milliseconds
        return "\(seconds).\(Self.padded("\(milliseconds)", 3))\(zone)"
    }

    private var zone: String {
        let (hours, minutes) = offset.quotientAndRemainder(dividingBy: 60)
        if isOldAndroid {
            return offset == 0 ? "+0000" : "+\(Self.padded("\(hours)", 2)):\(Self.padded("\(minutes)", 2))"
        }
        guard offset != 0 else { return "Z" }
        let digits = [hours.magnitude, minutes.magnitude].map { Self.padded("\($0)", 2) }
        return (offset < 0 ? "-" : "+") + digits.joined(separator: ":")
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        String(repeating: "0", count: max(0, width - text.count)) + text
    }

    /// Reads a time of the server's, as the app does; nil is what makes Gson throw.
    ///
    /// `SimpleDateFormat` is asked first and takes any number of fraction digits for milliseconds: `.123456` are 123
    /// seconds and 456 milliseconds. Only what it refuses, such as a time without a fraction, goes to Gson's ISO 8601
    /// reader, which looks at three digits. On Android 5 and 6 the pattern ends in the phone's own zone, so that the
    /// server's times go to the second reader.
    package func read(_ text: String) -> Timestamp? {
        guard let dot = text.firstIndex(of: ".") else { return Timestamp(rfc3339: text) }
        let fraction = text[text.index(after: dot)...].prefix { $0.isASCII && $0.isNumber }
        guard let whole = Timestamp(rfc3339: text[..<dot] + text[fraction.endIndex...]), !fraction.isEmpty else {
            return nil
        }
        if isOldAndroid {
            return whole + .milliseconds(Int64(fraction.prefix(3)).map { $0 * Self.scale(fraction) } ?? 0)
        }
        return Int64(fraction).map { whole + .milliseconds($0) }
    }

    /// What a digit of a short fraction is worth: `.5` are 500 milliseconds to the second reader.
    private static func scale(_ fraction: Substring) -> Int64 {
        switch fraction.count {
        case 1: 100
        case 2: 10
        default: 1
        }
    }
}
