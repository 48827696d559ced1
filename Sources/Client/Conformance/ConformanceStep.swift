import Delivery
import Timestamps

/// One request of a check, and what has to come of it.
struct ConformanceStep: Sendable {
    let headers: DeliveryHeaders.List
    let body: [UInt8]
    let answer: Answer
    let handling: Handling

    /// What the receiver has to answer.
    enum Answer: Sendable {
        /// 2xx.
        case accepted
        /// 2xx within a second.
        case prompt
        /// 400, 401 or 403.
        case refused
        /// Any 4xx.
        case clientError
        /// Whatever another check judges.
        case any
    }

    /// What the receiver has to make of it, as its log tells.
    enum Handling: Sendable {
        /// The event is handled, and once.
        case once(HandledEvent, withContent: Bool)
        /// Nothing is handled under this id.
        case never(id: String)
        /// Whatever another step or nobody judges.
        case unjudged
    }
}

/// What is wrong with an answer; nil when nothing is.
extension ConformanceStep.Answer {
    func fault(in result: AttemptResult) -> String? {
        let status: Int
        switch result.outcome {
        case .failure(let failure): return "no answer: \(failure)"
        case .response(let statusCode): status = statusCode
        }
        switch self {
        case .any: return nil
        case .accepted where (200..<300).contains(status): return nil
        case .accepted: return "answered \(status), must be 2xx"
        case .refused where [400, 401, 403].contains(status): return nil
        case .refused: return "answered \(status), must be 400, 401 or 403"
        case .clientError where (400..<500).contains(status): return nil
        case .clientError: return "answered \(status), must be 4xx"
        case .prompt where !(200..<300).contains(status): return "answered \(status), must be 2xx"
        case .prompt where result.answerTime >= .seconds(1):
            return "answered after \(result.answerTime.milliseconds) ms, must be less than 1000 ms"
        case .prompt: return nil
        }
    }
}

extension AttemptResult {
    /// Until the status line had come; the rest of an answer decides nothing.
    var answerTime: Duration {
        let phases = [phases.dns, phases.connect, phases.tls, phases.firstByte].compactMap(\.self)
        return outcome.statusCode == nil ? duration : phases.reduce(.zero, +)
    }
}
