import HTTPTypes
import JSON

/// How a refusal is told over HTTP, whatever operation it comes from.
extension Refusal {
    /// What programs read.
    var code: ErrorCode {
        switch kind {
        case .malformed: .malformedRequest
        case .unauthenticated: .unauthorized
        case .foreignNumber: .numberNotAllowed
        case .outOfScope: .insufficientScope
        case .quota: .quotaReached
        case .forbidden: .forbidden
        case .absent: .notFound
        case .conflict: .conflict
        case .unreadable: .unsupportedEncoding
        case .invalid: .validationFailed
        case .tooMany: .tooManyRequests
        case .notOffered: .notOffered
        case .unavailable: .storeUnavailable
        case .loop: .loopDetected
        }
    }

    /// The status of its kind.
    package var status: HTTPResponse.Status { code.status }

    /// httpSMS's envelope: the problems of its fields are the data, or else the reason, if there is one.
    var answer: Answer {
        let data: (any JSONWritable)? = problems.isEmpty ? reason : problems
        return Answer(code, data: data, message: message)
    }
}
