import Timestamps

/// Times as Android's `SimpleDateFormat` and its substitutes write them where RFC 3339 is meant.
///
/// | text | offset |
/// |---|---|
/// | `2025-11-25T05:00:00.000+0000` | none |
/// | `2025-11-25T05:00:00.000+-5:00` | 5 hours west: a substitute for Android 5 and 6 pads no number and puts a plus before each |
/// | `2025-11-25T05:00:00.000+-3:-30` | 3.5 hours west |
enum AndroidTime {
    /// Reads such a time; nil for anything else, also for what RFC 3339 reads.
    static func read(_ text: String) -> Timestamp? {
        // A date and a time have 19 characters; longer than this is no time.
        guard text.utf8.count <= 64,
            let start = text.utf8.dropFirst(19).firstIndex(where: { $0 == 0x2B || $0 == 0x2D }),  // + and -
            let minutes = offset(text[text.utf8.index(after: start)...]),
            let local = Timestamp(rfc3339: text[..<start] + "Z")
        else { return nil }
        let isWest = text[start...].contains("-")
        return isWest ? local + .seconds(60 * minutes) : local - .seconds(60 * minutes)
    }

    /// The minutes of `-5:00`, `-3:-30` or `0530`, without their sign.
    private static func offset(_ text: Substring) -> Int? {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map { part in
            part.hasPrefix("-") ? part.dropFirst() : part
        }
        let isTogether = parts.count == 1 && parts[0].utf8.count == 4
        let pair = isTogether ? [parts[0].prefix(2), parts[0].suffix(2)] : parts
        guard pair.count == 2, pair.allSatisfy({ $0.isDigits && $0.utf8.count <= 2 }), let hours = Int(pair[0]),
            let minutes = Int(pair[1]), hours <= 23, minutes <= 59
        else { return nil }
        return hours * 60 + minutes
    }
}
