/// Why something that was asked for is not done, in words for whoever asked.
///
/// Operations throw it and know nothing of HTTP. The API answers with the status of its kind
/// (``status``) and its words. A page shows the problems at their fields.
package struct Refusal: Error, Equatable {
    /// What sort of refusal it is.
    package enum Kind: Sendable, CaseIterable {
        /// What was sent cannot be read.
        case malformed
        /// Nobody that we know asks, or somebody that may not ask this.
        case unauthenticated
        /// It is clear who asks, and a phone's key does not cover this number.
        case foreignNumber
        /// It is clear who asks, and the key's scopes do not cover this.
        case outOfScope
        /// The account has as many as it may have.
        case quota
        /// It is clear who asks, and this is not theirs.
        case forbidden
        /// There is no such thing, or it is somebody else's.
        case absent
        /// It does not fit what is stored.
        case conflict
        /// What was sent is in an encoding that we do not read.
        case unreadable
        /// It can be read, and breaks a rule.
        case invalid
        /// It is too much in too short a time.
        case tooMany
        /// This server does not do that.
        case notOffered
        /// It cannot be done at the moment.
        case unavailable
        /// It would cause itself again.
        case loop
    }

    /// Which status the API answers with.
    package let kind: Kind
    /// What is wrong, in words.
    package let message: String
    /// What to do or where to look, in words; nil when the message says all.
    let reason: String?
    /// What is wrong with each field; empty when it is not about fields.
    package let problems: [String: [String]]

    /// - Parameters:
    ///   - kind: Which status the API answers with.
    ///   - message: A sentence for whoever asked.
    ///   - reason: What a program can tell it by; nil where the kind says enough.
    ///   - problems: What is wrong with each field.
    package init(_ kind: Kind, _ message: String, reason: String? = nil, problems: [String: [String]] = [:]) {
        self.kind = kind
        self.message = message
        self.reason = reason
        self.problems = problems
    }

    /// The problems without their fields, in the order of the fields' names.
    package var listedProblems: [String] { problems.sorted { $0.key < $1.key }.flatMap(\.value) }

    /// The body or the query cannot be read; `reason` says where.
    static func malformed(_ reason: String) -> Refusal {
        Refusal(.malformed, "The request isn't properly formed", reason: reason)
    }

    /// 401 A: no key, or none that this route takes.
    static let unauthenticated = Refusal(
        .unauthenticated, "You are not authorized to carry out this request.",
        reason: "Make sure your API key is set in the [x-api-key] header in the request")

    /// 401 B: another user's account.
    static let foreignUser = Refusal(
        .unauthenticated, "You are not authorized to carry out this request.",
        reason: "Make sure your API key is set in the [X-API-Key] header in the request")

    /// 401 C: a phone key that is not bound to `owner`, only to `numbers`.
    static func foreignNumber(_ owner: String, numbers: [String]) -> Refusal {
        Refusal(
            .foreignNumber, "You are not authorized to carry out the request for this phone number",
            reason: """
                The phone API key is does not have permission to carry out actions on the phone number [\(owner)]. \
                The API key is only configured for these phone numbers [\(numbers.joined(separator: ","))]
                """)
    }

    /// 403: an access key without any of the scopes that the route takes.
    static func outOfScope(_ scopes: Set<KeyScope>) -> Refusal {
        let names = scopes.sorted().map(\.rawValue).joined(separator: " or ")
        return Refusal(
            .outOfScope, "This access key may not do that.",
            reason: names.isEmpty
                ? "Use the account's own API key: no access key may do this" : "It takes a key with the scope \(names)")
    }

    /// There is no such thing, in httpSMS's words.
    static func absent(_ message: String) -> Refusal {
        Refusal(.absent, message)
    }
}
