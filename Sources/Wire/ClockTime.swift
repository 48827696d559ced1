/// A time of day as text, `09:30`, and as minutes after midnight.
package enum ClockTime {
    /// 24:00, the end of a day.
    package static let minutesOfDay = 1_440

    /// Reads two digits, a colon and two digits: 0 to 1,439, and 1,440 for `24:00` where that is the end of something; nil for
    /// anything else.
    package static func minutes(_ text: some StringProtocol, isEnd: Bool = false) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 && $0.isDigits }),
            let hours = Int(parts[0]), let minutes = Int(parts[1]), minutes < 60,
            hours < 24 || (isEnd && hours == 24 && minutes == 0)
        else { return nil }
        return hours * 60 + minutes
    }

    /// `09:30` for 570; what is no time of a day becomes the nearest one, `00:00` or `24:00`.
    package static func text(_ minutes: Int) -> String {
        let minutes = min(max(minutes, 0), minutesOfDay)
        func pair(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        return "\(pair(minutes / 60)):\(pair(minutes % 60))"
    }
}
