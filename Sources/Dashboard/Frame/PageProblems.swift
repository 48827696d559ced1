import Gateway
import Wire

/// What is wrong with the fields of a form, in words for people. The API keeps the words of httpSMS; pages have their own.
enum PageProblems {
    /// The problems by field; empty when `refusal` is not about fields.
    static func all(_ refusal: Refusal?) -> [String: [String]] {
        (refusal?.problems ?? [:]).reduce(into: [:]) { problems, field in
            for text in field.value {
                let (place, text) = member(in: text, of: field.key)
                let words = plain(text, at: place)
                if problems[place]?.contains(words) != true { problems[place, default: []].append(words) }
            }
        }
    }

    /// A problem of a member of an object, which has a field of its own on a page: its place, such as `filters.words`, and what
    /// is said there.
    private static func member(in text: String, of field: String) -> (place: String, text: String) {
        let end = " of the \(field) field "
        guard text.hasPrefix("The "), let range = text.firstRange(of: end) else { return (field, text) }
        let name = text[..<range.lowerBound].dropFirst(4)
        guard !name.contains(" ") else { return (field, text) }
        return ("\(field).\(name)", "\(name == "pattern" ? "It" : "These") \(text[range.upperBound...])")
    }

    /// One problem in plain words; as it is when there are none for it.
    static func plain(_ text: String, at field: String) -> String {
        for (pattern, words) in table where text.contains(pattern) { return words }
        if let range = text.firstRange(of: "field must be between ") {
            return "Enter a number from \(text[range.upperBound...].replacing(" and ", with: " to "))."
        }
        if text.hasSuffix("field is required") { return required[field] ?? "Fill in this field." }
        if let bound = bound(text, after: "can not be greater than ") { return "Enter \(bound) at most." }
        if let bound = bound(text, after: "can not be less than ") { return "Enter \(bound) at least." }
        if let bound = bound(text, after: "must be minimum ") { return "Use \(bound) characters at least." }
        if let bound = bound(text, after: "must be maximum ") {
            return text.hasSuffix("in size") ? "Choose \(bound) at most." : "Use \(bound) characters at most."
        }
        return text.prefix(1).uppercased() + text.dropFirst() + (text.hasSuffix(".") ? "" : ".")
    }

    /// The number that follows `words` in a text; nil when there is none.
    private static func bound(_ text: String, after words: String) -> Substring? {
        guard let range = text.firstRange(of: words) else { return nil }
        let digits = text[range.upperBound...].prefix { $0.isNumber }
        return digits.isEmpty ? nil : digits
    }

    private static let required = [
        "phone_numbers": "Choose at least one phone number.", "events": "Choose at least one event.",
        "content": "Write a message.", "to": "Enter the number to send to.", "from": "Choose the phone that sends.",
        "url": "Enter the URL.", "name": "Enter a name.", "since": "Choose when to begin.",
        "statuses": "Choose which events to send.", "scopes": "Choose at least one thing that it may do.",
    ]

    /// A part of what the API says, and what a page says instead; the first that fits counts.
    private static let table: [(String, String)] = [
        (
            "must contain only digits and must be less than 14 characters",
            "Enter a number in the international format, such as +18005550100, or a short code."
        ),
        (
            "must be a valid E.164 phone number",
            "Enter a number in the international format, such as +18005550100."
        ),
        ("no phone found with", "This number has no phone any more. Choose another one."),
        ("not registered on your account", "One of these numbers has no phone any more. Choose others."),
        ("field format is invalid", "Enter a URL that begins with https:// or http://."),
        ("field must be a valid URL", "Enter a URL that begins with https:// or http://."),
        ("URL must start with http", "Enter a URL that begins with https:// or http://."),
        ("must be a valid URL e.g", "Each attachment is a URL that begins with https:// or http://, one a line."),
        ("field must be numeric", "Enter a number."),
        ("must be a valid IANA timezone", "Choose a time zone of the list."),
        ("cannot be more than 20 days", "Choose a time within the next 20 days."),
        ("end_minute must be greater than start_minute", "A window cannot end when it begins."),
        (
            "must be from one time of the day to another",
            "Enter times such as 22:00-06:30, with commas between them."
        ),
        ("must be a time of day", "Enter a time such as 22:00, or leave both empty."),
        ("must be another time than", "Choose another time than the beginning."),
        (
            "retry_delays field must have at most",
            "Enter at most 20 waits, each of a second or more, and 72 hours in all, such as 5s, 1m, 10m, 2h."
        ),
        ("must have at most 20 placeholders", "Use at most 20 placeholders, such as {{name}}, in one text."),
        ("must be later than since", "The end must be later than the beginning."),
    ]
}
