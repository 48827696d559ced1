import Delivery
import Gateway
import HTTPSMSWebhooks
import Wire

/// The fields of a webhook's form that say which events of its types and numbers it gets.
struct FilterFields: Sendable {
    /// One on each line.
    private var contacts = ""
    private var contains = ""
    /// Between spaces.
    private var words = ""
    private var pattern = ""
    /// Between commas.
    private var times = ""
    /// Empty for both.
    private var sim = ""

    /// What the page shows of them.
    struct Content: Sendable {
        let contacts: String
        let contains: String
        let words: String
        let pattern: String
        let times: String
        let sims: [Choice]
        let isOpen: Bool
        /// Of no single field.
        let problems: [String]
        let contactsProblems: [String]
        let containsProblems: [String]
        let wordsProblems: [String]
        let patternProblems: [String]
        let timesProblems: [String]
    }

    init() {}

    init(_ filter: EventFilter) {
        contacts = filter.contacts.joined(separator: "\n")
        contains = filter.contains.joined(separator: "\n")
        words = filter.words.joined(separator: " ")
        pattern = filter.pattern ?? ""
        times = (filter.times ?? []).map(\.text).joined(separator: ", ")
        sim = filter.sims.count == 1 ? filter.sims.first?.rawValue ?? "" : ""
    }

    init(_ form: PageForm) {
        contacts = form.text("filter_contacts").replacingBytes("\r\n", with: "\n")
        contains = form.text("filter_contains").replacingBytes("\r\n", with: "\n")
        words = form.text("filter_words")
        pattern = form.text("filter_pattern")
        times = form.text("filter_times")
        sim = form.text("filter_sim")
    }

    private var isEmpty: Bool { [contacts, contains, words, pattern, times, sim].allSatisfy(\.isEmpty) }

    /// What they ask for.
    var update: FilterUpdate {
        if isEmpty { return FilterUpdate(filters: .null) }
        var filters = FilterUpdate.Filters()
        filters.contacts = Self.lines(contacts)
        filters.contains = Self.lines(contains)
        filters.words = words.split { $0 == "," || $0.isWhitespace }.map(String.init)
        filters.pattern = pattern
        filters.times = times.split(separator: ",").map { String($0).trimmed }.filter { !$0.isEmpty }
        filters.sims = sim.isEmpty ? [] : [sim]
        return FilterUpdate(filters: .value(filters))
    }

    private static func lines(_ text: String) -> [String] {
        text.split(separator: "\n").map { String($0).trimmed }.filter { !$0.isEmpty }
    }

    func content(problems: [String: [String]]) -> Content {
        func of(_ member: String) -> [String] { problems["filters.\(member)"] ?? [] }
        return Content(
            contacts: contacts, contains: contains, words: words, pattern: pattern, times: times,
            sims: Choice.all(SIM.allCases.map(\.rawValue), chosen: sim),
            isOpen: !isEmpty || problems.keys.contains { $0.hasPrefix("filters") },
            problems: problems["filters"] ?? [], contactsProblems: of("contacts"), containsProblems: of("contains"),
            wordsProblems: of("words"), patternProblems: of("pattern"), timesProblems: of("times"))
    }
}

extension EventFilter {
    /// What it lets through, in words; nil when that is everything.
    var inWords: String? {
        let parts = [
            Self.listed("from or to", contacts), Self.listed("with", contains),
            Self.listed("with the word", words), pattern.map { "with text that fits \($0)" },
            Self.listed("of", sims.map(\.rawValue)),
            Self.listed("between", (times ?? []).map(\.text)),
        ].compactMap(\.self)
        return parts.isEmpty ? nil : parts.joined(separator: "; ")
    }

    private static func listed(_ name: String, _ values: [String]) -> String? {
        if values.isEmpty { return nil }
        let more = values.count - 3
        return "\(name) \(values.prefix(3).joined(separator: ", "))"
            + (more > 0 ? " and \(more) more" : "")
    }
}
