import Timestamps

/// The `Retry-After` header (RFC 9110 section 10.2.3): whole seconds, or one of the three HTTP dates.
enum RetryAfter {
    /// An endpoint cannot ask for more than an hour, or one header would outlast the schedule.
    static let cap: Duration = .seconds(3_600)

    /// The wait that `text` asks for at `now`, between nothing and the cap; nil when it cannot be read.
    static func wait(_ text: String, at now: Timestamp) -> Duration? {
        let text = text.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
        if !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            return Int64(text).map { min(.seconds($0), cap) } ?? cap
        }
        guard let date = date(text) else { return nil }
        // RFC 9110 section 5.6.7: what seems to lie more than 50 years ahead was a year of the last century.
        return date - now > .seconds(50 * 366 * 86_400) ? .zero : min(max(date - now, .zero), cap)
    }

    private static let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]

    /// `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` or `Sun Nov  6 08:49:37 1994`.
    private static func date(_ text: String) -> Timestamp? {
        let words = text.lowercased().split(whereSeparator: { $0 == " " || $0 == "," || $0 == "-" }).map(String.init)
        let parts: (day: String, month: String, year: String, time: String)
        switch words.count {
        case 6 where words[5] == "gmt": parts = (words[1], words[2], words[3], words[4])
        case 5: parts = (words[2], words[1], words[4], words[3])
        default: return nil
        }
        // `Int` takes signs, too.
        guard (parts.day + parts.year).utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let month = months.firstIndex(of: parts.month), var year = Int(parts.year), let day = Int(parts.day)
        else { return nil }
        // Two digits: of this century, unless the caller finds that too far ahead.
        if parts.year.count == 2 { year += 2_000 }
        let padded = [(year, 4), (month + 1, 2), (day, 2)].map { value, width in
            String(repeating: "0", count: max(0, width - String(value).count)) + String(value)
        }
        return Timestamp(rfc3339: padded.joined(separator: "-") + "T\(parts.time)Z")
    }
}
