/// Messages by field, collected over all rules of a request; thrown as one refusal.
struct FieldErrors: Sendable {
    private(set) var messages: [String: [String]] = [:]

    var isEmpty: Bool { messages.isEmpty }

    /// Notes that `field` breaks a rule.
    mutating func add(_ field: String, _ message: String) {
        messages[field, default: []].append(message)
    }

    /// Refuses with `message` when a rule was broken.
    ///
    /// - Throws: ``Refusal`` `.invalid`.
    func check(_ message: String) throws(Refusal) {
        if !isEmpty { throw Refusal(.invalid, message, problems: messages) }
    }
}
