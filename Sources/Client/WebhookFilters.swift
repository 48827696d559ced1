import JSON

/// Which events of its types and numbers a webhook gets.
package struct WebhookFilters: JSONWritable, Decodable, Sendable {
    /// Other parties.
    package var contacts: [String]?
    /// Parts of the text.
    package var contains: [String]?
    /// Words of the text.
    package var words: [String]?
    /// A regular expression.
    package var pattern: String?
    /// SIMs.
    package var sims: [String]?
    /// Parts of the day, such as `22:00-06:30`.
    package var times: [String]?

    /// Asks for nothing yet.
    package init() {}

    /// In words.
    var description: String {
        [
            ("from", contacts), ("containing", contains), ("with a word of", words), ("fitting", pattern.map { [$0] }),
            ("of", sims), ("between", times),
        ].compactMap { name, values in
            values.flatMap { $0.isEmpty ? nil : "\(name) \($0.joined(separator: ", "))" }
        }.joined(separator: "; ")
    }

    package func write(to json: inout JSONWriter) {
        json.object { o in
            if let contacts { o.field("contacts", contacts) }
            if let contains { o.field("contains", contains) }
            if let words { o.field("words", words) }
            if let pattern { o.field("pattern", pattern) }
            if let sims { o.field("sims", sims) }
            if let times { o.field("times", times) }
        }
    }
}
