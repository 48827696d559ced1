import Foundation
import HTTPSMSWebhooks
import Storage

/// What an endpoint wants of the events of its types and phone numbers.
///
/// All that is set must fit. What an event does not have is not asked for: a phone that is offline has no text. A text that is
/// encrypted end to end fits no filter of texts. Events are judged by what is made of it once, see ``PreparedFilter``.
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
        try self.init(stored: Data(text.utf8))
    }

    /// Reads what ``stored`` wrote.
    init(stored text: Data) throws {
        do {
            self = try JSONDecoder().decode(EventFilter.self, from: text)
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
            _ = try TextPattern(EventSubject.composed(text))
            return nil
        } catch {
            return error.description
        }
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
