import Delivery
import Gateway
import Storage
import Timestamps

/// A delivery in a list.
struct DeliveryLine: Sendable {
    let path: String
    let id: String
    let type: String
    let owner: String
    /// As a class of the style sheet.
    let status: String
    /// The same for people.
    let words: String
    let attempts: Int
    let answer: String
    let createdAt: String
    let nextAttemptAt: String?
    /// Whether it is on its way.
    let isOpen: Bool

    /// What a delivery is that failed, and waits for its next attempt.
    static let trying = "trying again"

    init(_ delivery: DeliveryRecord) {
        path = "/deliveries/\(delivery.id)"
        id = delivery.id.text
        type = delivery.eventType
        owner = PageParty.number(delivery.owner)
        status = delivery.status.rawValue
        let isRetried = delivery.status == .pending && delivery.attemptCount > 0
        words = isRetried ? Self.trying : delivery.status.rawValue
        attempts = delivery.attemptCount
        answer = [delivery.lastStatusCode.map(String.init), delivery.lastError].compactMap(\.self).joined(
            separator: " · ")
        createdAt = PageTime.shown(delivery.createdAt)
        isOpen = [.pending, .delivering].contains(delivery.status)
        nextAttemptAt = delivery.nextAttemptAt.map(PageTime.shown)
    }
}

/// An attempt of a delivery with the exchange.
struct AttemptView: Sendable {
    let number: Int
    let isGood: Bool
    let outcome: String
    /// Where it went, if not to the webhook's own URL as always; nil when it did.
    let route: String?
    let startedAt: String
    let milliseconds: Int64
    let phases: String
    let problem: String?
    let requestHeaders: String
    let responseHeaders: String?
    let responseBody: String?
    /// Whether the response is shown without being asked for: the one that explains a failure.
    let isOpen: Bool

    /// `isLast` says that no attempt came after it.
    init(_ attempt: AttemptRecord, isLast: Bool, headers: [(name: String, value: String)]) {
        number = attempt.number
        isGood = attempt.error == nil
        outcome = [attempt.statusCode.map(String.init), attempt.error].compactMap(\.self).joined(separator: " · ")
        route =
            switch attempt.route {
            case .own: nil
            case .fallback: "to the fallback URL"
            case .trial: "to the callback URL, which was out, to see whether it still is"
            }
        startedAt = PageTime.exact(attempt.startedAt)
        milliseconds = attempt.duration.microseconds / 1_000
        let named = [
            ("name look-up", attempt.phases.dns), ("connection", attempt.phases.connect), ("TLS", attempt.phases.tls),
            ("first byte", attempt.phases.firstByte),
        ]
        phases = named.compactMap { name, time in time.map { "\(name) \($0.microseconds / 1_000) ms" } }
            .joined(separator: ", ")
        isOpen = isLast && !isGood
        problem = attempt.error.map { DeliveryDetails.message($0, attempt.errorDetail) }
        requestHeaders = Self.lines(headers)
        responseHeaders = attempt.statusCode == nil ? nil : Self.lines(attempt.responseHeaders)
        responseBody =
            attempt.statusCode == nil
            ? nil
            : DeliveryDetails.text(attempt.responseBody) ?? "\(attempt.responseBody.count) bytes that are no text"
    }

    private static func lines(_ headers: [(name: String, value: String)]) -> String {
        headers.map { "\($0.name): \($0.value)" }.joined(separator: "\n")
    }
}
