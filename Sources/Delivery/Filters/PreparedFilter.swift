import Foundation
import HTTPSMSWebhooks
import Storage

/// A filter as events are judged by it: what can be made of it alone is made once, and not again for each event.
///
/// Events are judged while the store is being written to, which everybody waits for, and an account chooses filters and
/// texts. So each part costs time in proportion to the event, whatever is asked for. A text has at most 4,096 characters,
/// of 16 KiB usually; composing makes it three times as long at worst:
///
/// | part | most | steps for the largest event |
/// |---|---|---|
/// | `contacts` | 100 | 25,500: each looks once at each of 255 characters |
/// | `contains` | 20 | 655,360: each compares a byte at most twice |
/// | `words` | 100 | 100: each is looked up in the words of the text |
/// | `pattern` | 1 | 397,312: each character goes through 64 places at most, and is looked up in 33 steps |
///
/// That is about a million for a webhook, some milliseconds, and ten times that for an account with ten.
struct PreparedFilter: Sendable {
    private let contacts: [Wildcard]
    private let contains: [SearchedText.Part]
    private let words: Set<String>
    private let hasPattern: Bool
    /// Nil also when it cannot be read any more: nothing fits it.
    private let pattern: TextPattern?
    private let sims: [SIM]
    private let times: [TimeWindow]?
    private let zone: String

    /// Prepares `filter`.
    init(_ filter: EventFilter) {
        contacts = filter.contacts.map { Wildcard($0) }
        contains = filter.contains.map { SearchedText.Part(EventSubject.plain($0)) }
        words = Set(filter.words.map { EventSubject.plain($0) })
        hasPattern = filter.pattern != nil
        // One that cannot be read lets nothing through, as one that nothing fits.
        pattern = filter.pattern.flatMap { try? TextPattern(EventSubject.composed($0)) }
        sims = filter.sims
        times = filter.times
        zone = filter.zone ?? "UTC"
    }

    /// That of a row of `endpoint`, by its column `filter`; nil when there is none.
    static func find(in row: Row) throws -> PreparedFilter? {
        guard let text: String = try row.find("filter") else { return nil }
        let stored = Data(text.utf8)
        return try prepared.value(of: stored) { PreparedFilter(try EventFilter(stored: stored)) }
    }

    /// Which of its parts `subject` does not fit; nil when it fits all.
    func reason(against subject: EventSubject) -> EventMatch.Reason? {
        if let times, let time = subject.time {
            let minute = TimeWindow.minute(of: time, in: zone)
            if !times.contains(where: { $0.contains(minute) }) { return .timeNotSelected }
        }
        if !sims.isEmpty, let sim = subject.sim, !sims.contains(where: { $0.rawValue == sim }) {
            return .simNotSelected
        }
        if !contacts.isEmpty, let contact = subject.contact,
            !contacts.contains(where: { $0.fits(contact, steps: &subject.steps) })
        {
            return .contactNotSelected
        }
        guard subject.hasText else { return nil }
        if !contains.isEmpty {
            guard let text = subject.searched, contains.contains(where: { text.contains($0, steps: &subject.steps) })
            else { return .textNotContained }
        }
        if !words.isEmpty {
            subject.steps += words.count
            if words.isDisjoint(with: subject.words) { return .wordNotContained }
        }
        if hasPattern {
            guard let text = subject.text, let pattern, pattern.fits(text.unicodeScalars, steps: &subject.steps) else {
                return .patternNotMatched
            }
        }
        return nil
    }

    /// By the bytes of their text: to hash a string of 60 KB, Swift normalises all of it, and of `Data` it looks at the first 80
    /// bytes. Some 20 MiB of the largest; where there are more, some are prepared again for each event.
    private static let prepared = Remembered<Data, PreparedFilter>(limit: 64)
}
