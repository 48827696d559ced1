import HTTPTypes
import JSON

/// How a refusal is told over HTTP, whatever operation it comes from.
extension Refusal {
    /// The status of its kind.
    var status: HTTPResponse.Status {
        switch kind {
        case .malformed: .badRequest
        case .unauthenticated: .unauthorized
        case .quota: HTTPResponse.Status(code: 402, reasonPhrase: "Payment Required")
        case .forbidden: .forbidden
        case .absent: .notFound
        case .conflict: .conflict
        case .unreadable: .unsupportedMediaType
        case .invalid: .unprocessableContent
        case .tooMany: .tooManyRequests
        case .notOffered: .notImplemented
        case .unavailable: .serviceUnavailable
        case .loop: HTTPResponse.Status(code: 508, reasonPhrase: "Loop Detected")
        }
    }

    /// httpSMS's envelope: the problems of its fields are the data, or else the reason, if there is one.
    var answer: Answer {
        let data: (any JSONWritable)? = problems.isEmpty ? reason : problems
        return Answer(status, data: data, message: message, outcome: "error")
    }
}
