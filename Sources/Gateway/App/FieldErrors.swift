/// Messages by field, collected over all rules of a request; thrown as one refusal.
package struct FieldErrors: Sendable {
    /// What is wrong with each field, in the order in which it was found.
    package private(set) var messages: [String: [String]] = [:]

    /// None yet.
    package init() {}

    var isEmpty: Bool { messages.isEmpty }

    /// Notes that `field` breaks a rule.
    package mutating func add(_ field: String, _ message: String) {
        messages[field, default: []].append(message)
    }

    /// Refuses with `message` when a rule was broken.
    ///
    /// - Throws: ``Refusal`` `.invalid`.
    package func check(_ message: String) throws(Refusal) {
        if !isEmpty { throw Refusal(.invalid, message, problems: messages) }
    }
}
