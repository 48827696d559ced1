import HTTPTypes
import Logging
import Synchronization
import Timestamps

/// Reports of phones that were refused: counted for `/metrics`, and told in the log. A phone forgets such a report.
final class PhoneReportRefusals: Sendable {
    /// What was reported; the raw value is the metric's label.
    enum Route: String, CaseIterable {
        case receive
        case missedCall = "calls/missed"
        case events

        /// The route of a request; nil when it is not a report of a phone.
        init?(_ method: HTTPRequest.Method, path: String?) {
            guard method == .post, let path = path?.lowercased() else { return nil }
            if path == "/v1/messages/receive" {
                self = .receive
            } else if path == "/v1/messages/calls/missed" {
                self = .missedCall
            } else if path.hasPrefix("/v1/messages/"), path.hasSuffix("/events") {
                self = .events
            } else {
                return nil
            }
        }
    }

    /// Why it was refused; the raw value is the metric's label.
    enum Reason: String, CaseIterable {
        /// The key is missing or unknown.
        case wrongKey = "wrong_key"
        /// The number is not one of the key's.
        case foreignNumber = "foreign_number"
        /// The body is not JSON, or not an object.
        case notJSON = "not_json"
        /// There is no number, no event of that name, or the message is not one.
        case invalid
        /// There is no such message.
        case notFound = "not_found"
        /// The body is larger than the route takes.
        case tooLarge = "too_large"
    }

    private struct Kind: Hashable {
        let route: Route
        let reason: Reason
    }

    private struct State {
        var counts: [Kind: Int] = [:]
        var log = RefusalLog()
    }

    private let state = Mutex(State())

    /// How many there were since the process started, each kind in a fixed order, also those of zero.
    var counts: [(route: Route, reason: Reason, count: Int)] {
        let counts = state.withLock { $0.counts }
        return Route.allCases.flatMap { route in
            Reason.allCases.map { (route, $0, counts[Kind(route: route, reason: $0)] ?? 0) }
        }
    }

    /// Counts a refusal of `phone`, and logs it unless enough is said.
    ///
    /// - Parameters:
    ///   - route: What was reported.
    ///   - reason: Why it was refused.
    ///   - phone: Who reported it: numbers in part, never whole.
    ///   - detail: What the phone was told.
    ///   - now: For the bound on what is logged.
    ///   - logger: The request's.
    func note(
        _ route: Route, _ reason: Reason, phone: String, detail: String,
        at now: ContinuousClock.Instant = .now, logger: Logger
    ) {
        let silent = state.withLock { state in
            let kind = Kind(route: route, reason: reason)
            state.counts[kind] = (state.counts[kind] ?? 0).clampedAdding(1)
            return state.log.note("\(route) \(reason) \(phone)", at: now)
        }
        guard let silent else { return }
        logger.warning(
            "report of a phone refused",
            metadata: [
                "route": "\(route.rawValue)", "reason": "\(reason.rawValue)", "phone": "\(phone)",
                "detail": "\(detail)", "not_logged_before": "\(silent)",
            ])
    }
}
