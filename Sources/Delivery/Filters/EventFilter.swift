import Foundation
import HTTPSMSWebhooks
import Storage
import Timestamps

/// What an endpoint wants of the events of its types and phone numbers.
///
/// All that is set must fit. What an event does not have is not asked for: a phone that is offline has no text. A text that is
/// encrypted end to end fits no filter of texts.
package struct EventFilter: Sendable, Hashable, Codable {
    /// Other parties, any of which fits: a number or name, in which `*` is any text and `?` any character.
    package var contacts: [String] = []
    /// Parts of the text, any of which fits, whatever their case.
    package var contains: [String] = []
    /// Whole words of the text, any of which fits, whatever their case.
    package var words: [String] = []
    /// What a part of the text fits, see ``TextPattern``; nil for nothing.
    package var pattern: String?
    /// SIMs, any of which fits.
    package var sims: [SIM] = []
    /// Parts of the day, any of which fits the time of the event; nil for the whole day.
    package var times: [TimeWindow]?
    /// The zone of ``times``, an IANA name: that of the account, see ``EndpointQueries/setZone(_:of:in:)``.
    package var zone: String?

    /// Lets everything through.
    package init() {}

    /// Whether it lets everything through.
    package var isEmpty: Bool { self == EventFilter() }

    /// Reads the column `filter` of `endpoint`; nil when there is none.
    package init?(row: Row) throws {
        guard let text: String = try row.find("filter") else { return nil }
        do {
            self = try JSONDecoder().decode(EventFilter.self, from: Data(text.utf8))
        } catch {
            throw StorageError.corrupt("the filter of an endpoint cannot be read")
        }
    }

    /// As it is stored; nil when it lets everything through.
    var stored: String? {
        get throws {
            if isEmpty { return nil }
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            return String(decoding: try encoder.encode(self), as: UTF8.self)
        }
    }

    /// Why a pattern cannot be used, in words; nil when it can.
    package static func fault(inPattern text: String) -> String? {
        do throws(TextPatternFault) {
            _ = try TextPattern(text.precomposedStringWithCanonicalMapping)
            return nil
        } catch {
            return error.description
        }
    }

    /// Which of its parts `subject` does not fit; nil when it fits all.
    func reason(against subject: EventSubject) -> EventMatch.Reason? {
        if let times, let time = subject.time {
            let minute = TimeWindow.minute(of: time, in: zone ?? "UTC")
            if !times.contains(where: { $0.contains(minute) }) { return .timeNotSelected }
        }
        if !sims.isEmpty, let sim = subject.sim, !sims.contains(where: { $0.rawValue == sim }) {
            return .simNotSelected
        }
        if !contacts.isEmpty, let contact = subject.contact, !contacts.contains(where: { Wildcard.fits(contact, $0) }) {
            return .contactNotSelected
        }
        guard subject.hasText else { return nil }
        let text = subject.text
        if !contains.isEmpty, !contains.contains(where: { text?.contains(EventSubject.plain($0)) ?? false }) {
            return .textNotContained
        }
        if !words.isEmpty {
            let all = text.map(Self.words(of:)) ?? []
            if !words.contains(where: { all.contains(EventSubject.plain($0)) }) { return .wordNotContained }
        }
        if let pattern {
            // One that cannot be read any more lets nothing through, as it would one that nothing fits.
            let automaton = try? TextPattern(pattern.precomposedStringWithCanonicalMapping)
            let fits = text.flatMap { text in automaton.map { $0.fits(text.unicodeScalars) } } ?? false
            if !fits { return .patternNotMatched }
        }
        return nil
    }

    /// What is between characters that are neither letters, marks, nor digits.
    package static func words(of text: String) -> Set<String> {
        Set(
            text.unicodeScalars.split { scalar in
                !scalar.properties.isAlphabetic && scalar.properties.numericType == nil
                    && scalar.properties.generalCategory != .nonspacingMark
            }.map { String(Substring($0)) })
    }
}

/// What filters look at in an event.
struct EventSubject: Sendable {
    /// When it happened.
    private(set) var time: Timestamp?
    private(set) var contact: String?
    private(set) var sim: String?
    /// Whether it is about a text, perhaps one that nobody can read here.
    private(set) var hasText = false
    /// Small letters, composed; the first 4,096 characters. Nil when it is encrypted.
    private(set) var text: String?

    /// Reads the event as it is logged.
    init(body: [UInt8]) {
        struct Event: Decodable {
            struct Data: Decodable {
                let contact: String?
                let sim: String?
                let content: String?
                let encrypted: Bool?
            }
            let time: String?
            let data: Data
        }
        // One that cannot be read has nothing that could be asked for; its delivery tells.
        guard let event = try? JSONDecoder().decode(Event.self, from: Foundation.Data(body)) else { return }
        let data = event.data
        time = event.time.flatMap(Timestamp.init(rfc3339:))
        (contact, sim) = (data.contact, data.sim)
        hasText = data.content != nil
        if data.encrypted != true { text = data.content.map { Self.plain(String($0.unicodeScalars.prefix(4_096))) } }
    }

    /// Text as it is compared.
    static func plain(_ text: String) -> String { text.lowercased().precomposedStringWithCanonicalMapping }
}

/// Text in which `*` is any text and `?` any character.
enum Wildcard {
    /// Whether all of `text` fits `pattern`, whatever their case. A `*` that is behind another one is never tried again.
    static func fits(_ text: String, _ pattern: String) -> Bool {
        let (text, pattern) = (Array(text.lowercased().unicodeScalars), Array(pattern.lowercased().unicodeScalars))
        var (at, expected) = (0, 0)
        var star: (pattern: Int, text: Int)?
        while at < text.count {
            if expected < pattern.count, pattern[expected] == "*" {
                star = (expected, at)
                expected += 1
            } else if expected < pattern.count, pattern[expected] == "?" || pattern[expected] == text[at] {
                (at, expected) = (at + 1, expected + 1)
            } else if let last = star {
                star = (last.pattern, last.text + 1)
                (at, expected) = (last.text + 1, last.pattern + 1)
            } else {
                return false
            }
        }
        return pattern[expected...].allSatisfy { $0 == "*" }
    }
}
