import HTTPTypes
import Hummingbird

/// The server has no room for a request just now; it was not looked at, and may be sent again.
struct ServerBusy: Error {
    /// 503 when others take the room, 429 when the account itself does.
    let status: HTTPResponse.Status
    /// What there is too much of, in a sentence.
    let message: String

    /// What it takes of a second to read the largest file, a few times over.
    static let retryAfter = "5"

    /// The API's answer.
    var response: Response {
        var response = Response.json(status, data: nil, message: message, outcome: "error")
        response.headers[.retryAfter] = Self.retryAfter
        return response
    }
}
