import Hummingbird

/// The server has no room for a request just now; it was not looked at, and may be sent again.
///
/// The status is 503 also when the account itself takes the room: a phone forgets an SMS that is answered with a 4xx.
package struct ServerBusy: Error {
    /// What there is too much of, in a sentence.
    package let message: String

    /// - Parameter message: What there is too much of, in a sentence.
    package init(message: String) { self.message = message }

    /// What it takes of a second to read the largest file, a few times over.
    package static let retryAfter = "5"

    /// The API's answer.
    var response: Response {
        var response = Answer(.serverBusy, message: message).response
        response.headers[.retryAfter] = Self.retryAfter
        return response
    }
}
