import Storage
import Timestamps
import Wire

/// httpSMS's rules, with its words. A rule that does not hold adds a message; all rules of a field are tried.
extension FieldErrors {
    mutating func require(_ field: String, _ value: String) {
        if value.isEmpty { add(field, "The \(field) field is required") }
    }

    mutating func require(_ field: String, _ values: [String]) {
        if values.isEmpty { add(field, "The \(field) field is required") }
    }

    /// Counts bytes, as httpSMS does for everything but content.
    mutating func requireBytes(_ field: String, _ value: String, max: Int) {
        if value.utf8.count > max { add(field, "The \(field) field must be maximum \(max) char") }
    }

    /// A key that a receiver can be given as it is: not blank, 255 bytes at most without the spaces around it, and
    /// without the mark that stands for what no text can hold, such as NUL.
    mutating func requireSigningKey(_ field: String, _ value: String) {
        if value.trimmed.isEmpty {
            add(field, "The \(field) field must not be blank")
        }
        requireBytes(field, value.trimmed, max: 255)
        if value.unicodeScalars.contains("\u{FFFD}") {
            add(field, "The \(field) field holds a character that cannot be part of a key, such as NUL")
        }
    }

    /// Counts what an SMS counts, UTF-16 units: what is one character to the eye may have any number of them.
    package mutating func requireCharacters(_ field: String, _ value: String, max: Int) {
        if value.utf16.count > max { add(field, "The \(field) field must be maximum \(max) char") }
    }

    mutating func requireCount(_ field: String, _ values: [some Any], max: Int) {
        if values.count > max { add(field, "The \(field) field must be maximum \(max) in size") }
    }

    mutating func requireRange(_ field: String, _ value: Int?, min: Int = 0, max: Int) {
        guard let value else { return }
        if value < min { add(field, "The \(field) field value can not be less than \(min)") }
        if value > max { add(field, "The \(field) field value can not be greater than \(max)") }
    }

    mutating func requireRange(_ field: String, _ value: Int?, _ range: ClosedRange<Int>) {
        requireRange(field, value, min: range.lowerBound, max: range.upperBound)
    }

    mutating func requirePhoneNumber(_ field: String, _ value: String) {
        requirePhoneNumber(field, isE164: PhoneNumber.e164(value) != nil)
    }

    mutating func requirePhoneNumber(_ field: String, isE164: Bool) {
        if !isE164 {
            add(
                field,
                "The \(field) field must be a valid E.164 phone number in the international format e.g +18005550100")
        }
    }

    /// Tells of the first bad number only.
    mutating func requirePhoneNumbers(_ field: String, _ values: [String]) {
        guard let index = values.firstIndex(where: { PhoneNumber.e164($0) == nil }) else { return }
        add(
            field,
            """
            The \(field) field in index [\(index)] must be a valid E.164 phone number in the international format \
            e.g +18005550100
            """)
    }

    mutating func requireContact(_ field: String, _ value: String) {
        if !PhoneNumber.isContact(value) {
            add(field, "The \(field) field \(Self.contactRule(for: value))")
        }
    }

    /// Tells of the first bad one only.
    mutating func requireContacts(_ field: String, _ values: [String]) {
        guard let index = values.firstIndex(where: { !PhoneNumber.isContact($0) }) else { return }
        add(field, "The \(field) field in index [\(index)] \(Self.contactRule(for: values[index]))")
    }

    private static func contactRule(for value: String) -> String {
        PhoneNumber.isImpossibleNational(value)
            ? "must be a valid E.164 phone number in the international format e.g +18005550100"
            : "must contain only digits and must be less than 14 characters"
    }

    mutating func requireOne(_ field: String, _ value: String, of allowed: [String]) {
        if !allowed.contains(value) {
            add(field, "The \(field) field must be one of \(allowed.joined(separator: ", "))")
        }
    }

    /// Tells of the first bad one only.
    mutating func requireAll(_ field: String, _ values: [String], of allowed: [String]) {
        guard let index = values.firstIndex(where: { !allowed.contains($0) }) else { return }
        add(field, "the \(field) field in contains an invalid value [\(values[index])] at index [\(index)]")
    }

    mutating func requireAttachmentURLs(_ field: String, _ values: [String]) {
        requireCount(field, values, max: 10)
        for (index, url) in values.enumerated() where !Self.isAbsoluteURL(url) {
            add(
                field,
                "The attachment \(index) with URL [\(url)] must be a valid URL e.g https://placehold.co/600x400")
        }
    }

    /// Reads a time; nil when there is none, or it cannot be read.
    mutating func requireTime(_ field: String, _ text: String?) -> Timestamp? {
        let text = (text ?? "").trimmed
        let time = Timestamp(rfc3339: text)
        if !text.isEmpty, time == nil { add(field, "The \(field) field must be a time in RFC 3339") }
        return time
    }

    /// Reads an id of a path or a query; nil adds httpSMS's message.
    mutating func requireID<Entity>(_ field: String, _ value: String, of type: ID<Entity>.Type) -> ID<Entity>? {
        let id = ID<Entity>(value)
        if id == nil { add(field, Self.notAnID(field)) }
        return id
    }

    /// httpSMS's message about what should be an id and is none.
    static func notAnID(_ field: String) -> String { "The \(field) field must contain valid UUID" }

    /// Whether `text` has the form of an http or https address with a host.
    static func isAbsoluteURL(_ text: String) -> Bool {
        guard let scheme = ["http://", "https://"].first(where: { text.lowercased().hasPrefix($0) }) else {
            return false
        }
        guard let first = text.dropFirst(scheme.count).first, !"/?#:".contains(first) else { return false }
        return text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7f }
    }
}
