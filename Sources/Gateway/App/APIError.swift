import HTTPSMSWebhooks
import HTTPTypes
import JSON

/// An answer that is not a success; ``ErrorMiddleware`` writes it as the contract's envelope (1.4).
struct APIError: Error {
    /// The HTTP status.
    let status: HTTPResponse.Status
    /// What is wrong, in words.
    let message: String
    /// The envelope's `data`; nil leaves it out.
    let data: (any JSONWritable)?

    init(_ status: HTTPResponse.Status, _ message: String, data: (any JSONWritable)? = nil) {
        self.status = status
        self.message = message
        self.data = data
    }

    /// 400: the body or the query cannot be read; `reason` says where.
    static func badRequest(_ reason: String) -> APIError {
        APIError(.badRequest, "The request isn't properly formed", data: reason)
    }

    /// 401 A: no key, or none that this route takes.
    static let unauthorized = APIError(
        .unauthorized, "You are not authorized to carry out this request.",
        data: "Make sure your API key is set in the [x-api-key] header in the request")

    /// 401 B: another user's account.
    static let foreignUser = APIError(
        .unauthorized, "You are not authorized to carry out this request.",
        data: "Make sure your API key is set in the [X-API-Key] header in the request")

    /// 401 C: a phone key that is not bound to `owner`, only to `numbers`.
    static func foreignNumber(_ owner: String, numbers: [String]) -> APIError {
        APIError(
            .unauthorized, "You are not authorized to carry out the request for this phone number",
            data: """
                The phone API key is does not have permission to carry out actions on the phone number [\(owner)]. \
                The API key is only configured for these phone numbers [\(numbers.joined(separator: ","))]
                """)
    }

    /// 404 with the contract's words for what is missing.
    static func notFound(_ message: String) -> APIError {
        APIError(.notFound, message)
    }
}

extension HTTPResponse.Status {
    /// 402: the account has as many as it may have.
    static let paymentRequired = HTTPResponse.Status(code: 402, reasonPhrase: "Payment Required")
}

/// Messages by field, collected over all rules of a request; thrown as a 422.
struct FieldErrors: Sendable {
    private(set) var messages: [String: [String]] = [:]

    var isEmpty: Bool { messages.isEmpty }

    /// Notes that `field` breaks a rule.
    mutating func add(_ field: String, _ message: String) {
        messages[field, default: []].append(message)
    }

    /// Ends the request with 422 and `message` when a rule was broken.
    func check(_ message: String) throws(APIError) {
        if !isEmpty { throw APIError(.unprocessableContent, message, data: messages) }
    }
}
