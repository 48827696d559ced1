import Delivery
import Foundation
import HTTPSMSWebhooks
import Timestamps

/// A webhook as the pages show it.
struct WebhookSummary: Sendable {
    let path: String
    let url: String
    let status: String
    let isActive: Bool
    let isPaused: Bool
    let reason: String?
    let events: [String]
    let numbers: [String]
    let isSigned: Bool
    let ordering: String
    let openCount: Int64
    let lastSuccess: String?
    let lastFailure: String?
    /// One bar for each of the newest deliveries that ended, the oldest first.
    let bars: [Bar]
    let width: Int
    let rate: String

    struct Bar: Sendable {
        let x: Int
        let y: Int
        let height: Int
        let kind: String
    }

    init(_ report: EndpointReport, recent: [DeliveryRecord]) {
        let endpoint = report.endpoint
        path = "\(WebhookPages.path)/\(endpoint.id)"
        url = endpoint.url
        status = "\(endpoint.status)"
        isActive = endpoint.status == .active
        isPaused = endpoint.status != .active
        reason = endpoint.statusReason
        events = endpoint.eventTypes.map(\.rawValue)
        numbers = endpoint.owners
        isSigned = endpoint.signingKey != nil
        ordering = endpoint.ordering == .message ? "the events of a message in order" : "each as soon as it can"
        openCount = report.openCount
        lastSuccess = report.lastSuccessAt.map(PageTime.shown)
        lastFailure = report.lastFailureAt.map(PageTime.shown)
        let ended = recent.filter { [.succeeded, .failed].contains($0.status) }.reversed()
        // A failure is told from a success by its height, too, not by colour alone.
        bars = ended.enumerated().map { index, delivery in
            let isGood = delivery.status == .succeeded
            return Bar(x: index * 4, y: isGood ? 12 : 0, height: isGood ? 12 : 24, kind: isGood ? "good" : "bad")
        }
        width = Self.recentCount * 4
        let good = ended.count { $0.status == .succeeded }
        rate = ended.isEmpty ? "No delivery yet" : "\(good) of the last \(ended.count) deliveries succeeded"
    }

    /// As many as a bar of a few pixels each can show side by side on a phone.
    static let recentCount = 40
}

/// Times as people read them.
enum PageTime {
    /// `2026-07-22 10:00:00 UTC`.
    static func shown(_ time: Timestamp) -> String {
        time.rfc3339.prefix(19).replacing("T", with: " ") + " UTC"
    }

    /// What a field of date and time holds, in UTC as everything here; nil when that is no time.
    static func time(ofField text: String) -> Timestamp? {
        // Browsers leave the seconds out where they are 0.
        Timestamp(rfc3339: text + (text.count == 16 ? ":00Z" : "Z"))
    }

    /// What a field of date and time shows of `time`.
    static func field(_ time: Timestamp) -> String { String(time.rfc3339.prefix(19)) }
}

/// An option of a list.
struct Choice: Sendable {
    let value: String
    let isChosen: Bool
    var note = ""

    static func all(_ values: [String], chosen: String?) -> [Choice] {
        values.map { Choice(value: $0, isChosen: $0 == chosen) }
    }
}
