import Delivery
import HTTPSMSWebhooks
import JSON
import Wire

/// What a body says of which events of its types and numbers a webhook gets; null lets all of them through.
package struct FilterUpdate: Decodable, Sendable {
    /// The whole filter.
    var filters: Patch<Filters> = .absent

    /// Its members of the body of a webhook.
    enum Member: String, CodingKey {
        case filters
    }

    /// Reads the members that are its own.
    package init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: Member.self)
        filters = try members.patch(forKey: .filters)
    }

    /// Says what becomes of the whole filter.
    package init(filters: Patch<Filters> = .absent) { self.filters = filters }

    /// A filter as it is written in JSON.
    package struct Filters: Decodable, Sendable {
        /// Numbers of contacts, `*` and `?` stand for any characters; nil lets all through, as below.
        package var contacts: [String]?
        /// What the text must have one of.
        package var contains: [String]?
        /// Words that the text must have one of.
        package var words: [String]?
        /// A regular expression that the text must match.
        package var pattern: String?
        /// `SIM1`, `SIM2`.
        package var sims: [String]?
        /// Such as `22:00-06:30`.
        package var times: [String]?
        /// What means nothing: with a typing error in a name, more would be sent than is wanted.
        var unknown: [String] = []

        private enum Member: String, CodingKey, CaseIterable {
            case contacts, contains, words, pattern, sims, times
        }

        /// Lets everything through.
        package init() {}

        package init(from decoder: any Decoder) throws {
            let members = try decoder.container(keyedBy: Member.self)
            contacts = try members.decodeIfPresent([String].self, forKey: .contacts)
            contains = try members.decodeIfPresent([String].self, forKey: .contains)
            words = try members.decodeIfPresent([String].self, forKey: .words)
            pattern = try members.decodeIfPresent(String.self, forKey: .pattern)
            sims = try members.decodeIfPresent([String].self, forKey: .sims)
            times = try members.decodeIfPresent([String].self, forKey: .times)
            unknown = try decoder.container(keyedBy: MemberName.self).allKeys
                .filter { Member(rawValue: $0.stringValue) == nil }.map { MemberName.wire($0.stringValue) }
        }
    }

    /// What `current` becomes.
    func filter(over current: EventFilter, _ errors: inout FieldErrors) -> EventFilter {
        guard !filters.isAbsent else { return current }
        guard let given = filters.value else { return EventFilter() }
        if let unknown = given.unknown.min() {
            errors.add("filters", "The filters field has no member [\(unknown.firstScalars(64))]")
        }
        var filter = EventFilter()
        filter.contacts = Self.texts("contacts", given.contacts, count: 100, length: 64, &errors).map { contact in
            contact.contains { $0 == "*" || $0 == "?" } ? contact : PhoneNumber.address(contact)
        }
        filter.contains = Self.texts("contains", given.contains, count: 20, length: 100, &errors)
        filter.words = Self.texts("words", given.words, count: 100, length: 64, &errors)
        if let phrase = filter.words.first(where: { EventFilter.words(of: $0) != [$0] }) {
            errors.add("filters", "The words of the filters field must be words: [\(phrase)] goes into contains")
        }
        let sims = given.sims ?? []
        errors.requireAll("filters", sims, of: SIM.allCases.map(\.rawValue))
        filter.sims = SIM.allCases.filter { sims.contains($0.rawValue) }
        let pattern = given.pattern ?? ""
        if !pattern.isEmpty {
            filter.pattern = pattern
            if let fault = EventFilter.fault(inPattern: pattern) {
                errors.add("filters", "The pattern of the filters field cannot be used: \(fault)")
            }
        }
        let times = Self.texts("times", given.times, count: 20, length: 16, &errors)
        let windows = times.compactMap(TimeWindow.init(text:))
        if windows.count < times.count {
            errors.add(
                "filters",
                "The times of the filters field must be from one time of the day to another, such as 22:00-06:30")
        }
        filter.times = windows.isEmpty ? nil : windows
        return filter
    }

    private static func texts(
        _ name: String, _ given: [String]?, count: Int, length: Int, _ errors: inout FieldErrors
    ) -> [String] {
        let texts = (given ?? []).map(\.trimmed).unique
        if texts.count > count {
            errors.add("filters", "The \(name) of the filters field must be maximum \(count) in size")
        }
        if texts.contains("") { errors.add("filters", "The \(name) of the filters field must not have an empty text") }
        if texts.contains(where: { $0.unicodeScalars.count > length }) {
            errors.add("filters", "The \(name) of the filters field must have at most \(length) characters each")
        }
        return Array(texts.prefix(count))
    }
}

extension EventFilter: JSONWritable {
    /// Writes `filters` of a webhook.
    package func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("contacts", contacts)
            o.field("contains", contains)
            o.field("words", words)
            o.field("pattern", pattern)
            o.field("sims", sims.map(\.rawValue))
            o.field("times", (times ?? []).map(\.text))
        }
    }
}

extension TimeWindow {
    /// Reads `22:00-06:30`, which is over midnight; 24:00 is the end of a day. Nil for anything else.
    init?(text: String) {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let from = ClockTime.minutes(ends[0].trimmed),
            let until = ClockTime.minutes(ends[1].trimmed, isEnd: true), from != until
        else { return nil }
        self.init(from: from, until: until)
    }

    /// As it is written.
    package var text: String { "\(ClockTime.text(from))-\(ClockTime.text(until))" }
}

extension EventMatch.Reason {
    /// The reason as it follows "did not get it:".
    package var words: String {
        switch self {
        case .eventTypeNotSelected: "it is not set to receive events of this type"
        case .phoneNumberNotSelected: "it is not set to receive events of this phone number"
        case .contactNotSelected: "the other party is none of its filter"
        case .simNotSelected: "its filter wants the other SIM"
        case .textNotContained: "the text has none of what its filter asks for"
        case .wordNotContained: "the text has none of the words of its filter"
        case .patternNotMatched: "the text does not fit the pattern of its filter"
        case .timeNotSelected: "it happened outside the times of its filter"
        }
    }
}
