import Timestamps

/// Times among messages, where the whole one would be in the way. All in UTC.
extension PageTime {
    /// `10:00`.
    static func clock(_ time: Timestamp) -> String { String(time.rfc3339.dropFirst(11).prefix(5)) }

    /// `22 July 2026`.
    static func day(_ time: Timestamp) -> String {
        let parts = time.rfc3339.prefix(10).split(separator: "-")
        let month = Int(parts[1]).map { months[$0 - 1] } ?? ""
        return "\(Int(parts[2]) ?? 0) \(month) \(parts[0])"
    }

    /// As much as tells it from now: `10:00` today, otherwise the day.
    static func brief(_ time: Timestamp, now: Timestamp) -> String {
        time.rfc3339.prefix(10) == now.rfc3339.prefix(10) ? clock(time) : day(time)
    }

    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
}
