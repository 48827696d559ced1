import Foundation
import Timestamps
import Wire

/// A time as a phone tells it. A phone's clock is not ours: it may stand at 1970, in the last century or in the next one.
///
/// A time before 2000-01-01, or more than a day ahead of the server, and text that is not a time, are replaced by the server's
/// time wherever something is computed, sorted or shown. What the phone said still tells one report from the next,
/// and the message's timeline shows its text.
struct PhoneTime: Sendable {
    /// As the phone wrote it.
    let text: String
    /// Nil when the text is not a time; what is computed is computed with ``believed(at:)``.
    let time: Timestamp?

    /// Reads what a phone told; nil when that is nothing.
    init?(_ told: ToldText?) {
        guard let text = told?.text, !text.trimmed.isEmpty else { return nil }
        self.init(text)
    }

    /// Reads a time in any of the spellings that ``PhoneTimeReader`` knows; `zone` is that of times without an offset.
    init(_ text: String, zone: TimeZone? = nil) {
        (self.text, time) = (text, PhoneTimeReader.time(text, zone: zone))
    }

    /// A time that is known as such: the server's own, where the phone told none.
    init(_ time: Timestamp) {
        (self.time, text) = (time, time.rfc3339)
    }

    /// The phone's time; nil when it cannot be right.
    func believed(at now: Timestamp) -> Timestamp? {
        time.flatMap { $0 >= Self.earliest && $0 <= now + Self.furthestAhead ? $0 : nil }
    }

    /// What the phone's clock said, cut to ``longestNote`` characters; nil when it is believed.
    func disbelieved(at now: Timestamp) -> String? {
        believed(at: now) == nil ? text.firstScalars(Self.longestNote) : nil
    }

    /// Whether it tells one report from the next: a placeholder that an app did not fill in, and the 1970 of a clock that was
    /// never set, are the same for all.
    var isTelling: Bool { time.map { $0 >= Self.earliest } ?? false }

    /// What tells a report from others: the instant, however it is written, and the text where that tells more.
    ///
    /// It does not depend on the server's clock: a report that is repeated tomorrow is the same report.
    var identity: String {
        guard let time else { return "text " + text }
        return String(time.microseconds) + (time == .first || time == .last ? " " + text : "")
    }

    /// 2000-01-01T00:00:00Z: no phone that can speak to this server was made before.
    private static let earliest = Timestamp(seconds: 946_684_800)

    /// A day: a clock that is set to another zone's time is off by less.
    private static let furthestAhead: Duration = .seconds(86_400)

    /// In characters; an RFC 3339 time with nine digits has 35, but a fraction may have any number of digits.
    private static let longestNote = 64
}
