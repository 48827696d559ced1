import Foundation
import Gateway
import Timestamps

/// How a page shows times: in the time zone of the account, and near ones relative to now.
///
/// What pages are made of names a moment by a mark, see ``PageTime``. When the page is put together, this sets a `<time>` with the
/// exact time in its place, or, within an attribute, the exact time as text. So every page shows times alike, with JavaScript or
/// without, and what makes a page need not know whose it is.
struct PageTimes: Sendable {
    let zone: TimeZone
    let now: Timestamp

    /// - Parameters:
    ///   - zone: An IANA name; one that this system does not know stands for UTC.
    ///   - now: The present.
    init(zone: String, now: Timestamp) {
        self.zone = TimeZone(identifier: zone) ?? .gmt
        self.now = now
    }

    /// The IANA name of the zone.
    var zoneName: String { zone.identifier == TimeZone.gmt.identifier ? "UTC" : zone.identifier }

    /// Sets a time in the place of each mark of `html`, in which every text is escaped. Reads each byte once.
    func place(in html: String) -> String {
        let bytes = PageMarks.replace(PageTime.begin, in: Array(html.utf8)) { mark, isInTag in
            text(of: mark, isInTag: isInTag)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func text(of mark: String, isInTag: Bool) -> String {
        guard let form = mark.first.flatMap({ PageTime.Form(rawValue: $0) }), let number = Int64(mark.dropFirst())
        else { return "" }
        let time = Timestamp(microseconds: number)
        let shown = shown(time, as: form)
        if isInTag { return [.clock, .day].contains(form) ? shown : exact(time) }
        let isRelative = form == .near && isNear(time)
        return """
            <time datetime="\(time.rfc3339)" title="\(exact(time))"\(isRelative ? " data-relative" : "")>\(shown)</time>
            """
    }

    private func shown(_ time: Timestamp, as form: PageTime.Form) -> String {
        let local = local(time)
        switch form {
        case .exact: return "\(day(local)), \(local.dropFirst(11).prefix(8))"
        case .date: return "\(day(local)), \(local.dropFirst(11).prefix(5))"
        case .clock: return String(local.dropFirst(11).prefix(5))
        case .day: return isToday(local) ? "Today" : day(local)
        case .brief:
            return isToday(local) ? String(local.dropFirst(11).prefix(5)) : day(local)
        case .near:
            let distance = now - time
            if !isNear(time) { return shown(time, as: .date) }
            if distance < .zero { return "in \(Elapsed.length(.zero - distance))" }
            return Elapsed.ago(time, now: now)
        }
    }

    /// `22 July 2026, 12:00:00 GMT+2`.
    func exact(_ time: Timestamp) -> String {
        let name = zone.abbreviation(for: date(time)) ?? zone.identifier
        return "\(shown(time, as: .exact)) \(name == "GMT" ? "UTC" : name)"
    }

    /// Whether two moments are on one day.
    func isSameDay(_ one: Timestamp, _ other: Timestamp) -> Bool { local(one).prefix(10) == local(other).prefix(10) }

    /// What a field of date and time shows of `time`: `2026-07-22T12:00:00`.
    func field(_ time: Timestamp) -> String { String(local(time).prefix(19)) }

    /// What a cell of a file shows of `time`: `2026-07-22 12:00:00`.
    func cell(_ time: Timestamp) -> String { field(time).replacing("T", with: " ") }

    /// What a field of date and time holds, by the clocks of the zone; nil when that is no time. Of a time that comes twice, the
    /// first.
    func time(ofField text: String) -> Timestamp? {
        // Browsers leave the seconds out where they are 0.
        SendTimeCell.wallClock(text.count == 16 ? text + ":00" : text)
            .flatMap { SendTimeCell.time(ofWallClock: $0, in: zone) }
    }

    private func isNear(_ time: Timestamp) -> Bool { max(now - time, time - now) < Self.relative }

    private func isToday(_ local: String) -> Bool { local.prefix(10) == self.local(now).prefix(10) }

    /// The time that the clocks of the zone show, in the form of RFC 3339.
    private func local(_ time: Timestamp) -> String {
        (time + .seconds(zone.secondsFromGMT(for: date(time)))).rfc3339
    }

    private func date(_ time: Timestamp) -> Date {
        Date(timeIntervalSince1970: Double(time.microseconds) / 1_000_000)
    }

    private func day(_ local: String) -> String {
        let parts = local.prefix(10).split(separator: "-")
        let month = parts.count == 3 ? Int(parts[1]) ?? 1 : 1
        return "\(parts.last.flatMap { Int($0) } ?? 0) \(Self.months[min(max(month, 1), 12) - 1]) \(parts.first ?? "")"
    }

    /// What is further away is shown by its date.
    private static let relative: Duration = .seconds(86_400)

    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
}

/// Moments in what pages are made of: marks that ``PageTimes`` sets times in the place of. They begin with a number that nobody
/// outside can know, so that no SMS holds one.
enum PageTime {
    /// How a moment is shown.
    enum Form: Character {
        /// `5 min ago`, `in 2 h`; further than a day from now `22 July 2026, 12:00`.
        case near = "n"
        /// `22 July 2026, 12:00:00`.
        case exact = "x"
        /// `22 July 2026, 12:00`.
        case date = "t"
        /// `12:00`.
        case clock = "c"
        /// `Today`, otherwise `22 July 2026`.
        case day = "d"
        /// `12:00` today, otherwise the day.
        case brief = "b"
    }

    /// Before the form and the microseconds.
    static let begin = PageMarks.begin()

    static func shown(_ time: Timestamp) -> String { mark(time, .near) }
    static func exact(_ time: Timestamp) -> String { mark(time, .exact) }
    static func date(_ time: Timestamp) -> String { mark(time, .date) }
    static func clock(_ time: Timestamp) -> String { mark(time, .clock) }
    static func day(_ time: Timestamp) -> String { mark(time, .day) }
    static func brief(_ time: Timestamp) -> String { mark(time, .brief) }

    private static func mark(_ time: Timestamp, _ form: Form) -> String {
        "\(String(decoding: begin, as: UTF8.self))\(form.rawValue)\(time.microseconds);"
    }
}
