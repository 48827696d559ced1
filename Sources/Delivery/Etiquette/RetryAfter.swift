import Timestamps

/// The `Retry-After` header (RFC 9110 section 10.2.3), and what receivers send instead of it.
///
/// | text | meaning |
/// |---|---|
/// | `120`, `2.5`, `3s` | seconds |
/// | `Wed, 22 Jul 2026 10:17:00 GMT` and the two older forms, `UTC` for `GMT` | a date of HTTP |
/// | `2026-07-22T10:17:00Z`, with any offset, or with none for UTC | a date of ISO 8601 |
/// | `3, 4`, or several headers | the longest |
/// | anything else | nothing |
enum RetryAfter {
    /// An endpoint cannot ask for more than an hour, or one header would outlast the schedule.
    static let cap: Duration = .seconds(3_600)

    /// The wait that the headers of an answer ask for, between nothing and the cap; nil when none can be read.
    static func wait(_ result: AttemptResult, at now: Timestamp) -> Duration? {
        let headers = result.responseHeaders.lazy.filter { $0.name.lowercased() == "retry-after" }
        return headers.compactMap { wait($0.value, at: now) }.max()
    }

    /// The wait that `text` asks for at `now`, between nothing and the cap; nil when it cannot be read.
    static func wait(_ text: String, at now: Timestamp) -> Duration? {
        let text = text.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
        if let wait = seconds(text) ?? date(text, at: now) { return min(max(wait, .zero), cap) }
        // Only short lists: a date also has a comma, and nobody waits for the thousandth element.
        let elements = text.split(separator: ",", maxSplits: 8).map { $0.drop { $0 == " " } }
        return elements.count < 2 ? nil : elements.compactMap { seconds($0) }.max().map { min($0, cap) }
    }

    /// Digits, with a fraction or without, and `s` behind them or not.
    private static func seconds(_ text: some StringProtocol) -> Duration? {
        let number = text.last == "s" || text.last == "S" ? text.dropLast() : text[...]
        let parts = number.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = parts.first, isDigits(whole), parts.dropFirst().allSatisfy({ isDigits($0) }) else {
            return nil
        }
        guard let seconds = Int64(whole), seconds < cap.components.seconds else { return cap }
        let fraction = parts.count > 1 ? parts[1].prefix(3) : ""
        let digits = fraction + String(repeating: "0", count: 3 - fraction.count)
        return .seconds(seconds) + .milliseconds(Int64(digits) ?? 0)
    }

    private static func isDigits(_ text: some StringProtocol) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    private static let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]

    /// `2026-07-22T10:17:00Z`, `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` or
    /// `Sun Nov  6 08:49:37 1994`.
    private static func date(_ text: String, at now: Timestamp) -> Duration? {
        if let date = Timestamp(rfc3339: text) ?? Timestamp(rfc3339: text + "Z") { return date - now }
        let words = text.lowercased().split(whereSeparator: { $0 == " " || $0 == "," || $0 == "-" }).map(String.init)
        let parts: (day: String, month: String, year: String, time: String)
        switch words.count {
        case 6 where words[5] == "gmt" || words[5] == "utc": parts = (words[1], words[2], words[3], words[4])
        case 5: parts = (words[2], words[1], words[4], words[3])
        default: return nil
        }
        // `Int` also takes signs.
        guard isDigits(parts.day), isDigits(parts.year), let month = months.firstIndex(of: parts.month),
            var year = Int(parts.year), let day = Int(parts.day)
        else { return nil }
        // Two digits: of this century, unless that is too far ahead.
        let isShort = parts.year.count == 2
        if isShort { year += 2_000 }
        let padded = [(year, 4), (month + 1, 2), (day, 2)].map { value, width in
            String(repeating: "0", count: max(0, width - String(value).count)) + String(value)
        }
        guard let date = Timestamp(rfc3339: padded.joined(separator: "-") + "T\(parts.time)Z") else { return nil }
        // RFC 9110 section 5.6.7: what seems to lie more than 50 years ahead was a year of the last century.
        return isShort && date - now > .seconds(50 * 366 * 86_400) ? .zero : date - now
    }
}
