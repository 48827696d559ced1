import Delivery
import Foundation
import Gateway
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
    let warnings: [String]
    let events: [String]
    let numbers: String
    let isSigned: Bool
    let ordering: String
    let format: String
    /// What its filters let through; nil when that is everything.
    let only: String?
    /// The names of its own headers; nil when there are none.
    let headers: String?
    /// Which certificates are its own; nil when none are.
    let certificates: String?
    /// How it is sent to otherwise than it is documented; nil when it is not.
    let deviations: String?
    /// Deliveries that are neither taken nor given up.
    let openCount: String
    let lastSuccess: String?
    let lastFailure: String?
    /// How deliveries ended in the last 24 hours. One that failed and was retried by hand ended twice.
    let chart: HourChart
    let rate: String

    init(_ report: EndpointReport, hours: [HourlyCount], now: Timestamp) {
        let endpoint = report.endpoint
        path = "\(WebhookPages.path)/\(endpoint.id)"
        url = endpoint.url
        let state = WebhookState(report)
        status = state.status
        isActive = endpoint.status == .active
        isPaused = endpoint.status != .active
        reason = state.reason
        warnings = WebhookWarnings.of(endpoint)
        events = endpoint.eventTypes.map(\.rawValue)
        numbers =
            endpoint.hearsEveryOwner
            ? "all, also those that come later" : endpoint.owners.map(PageParty.number).joined(separator: ", ")
        isSigned = endpoint.isSigned
        format = PayloadFields.label(of: endpoint.payloadFormat.name)
        only = endpoint.filter.inWords
        let basic = endpoint.headers.basic == nil ? [] : ["Authorization (Basic)"]
        let names = endpoint.headers.fields.map(\.name) + basic
        headers = names.isEmpty ? nil : names.joined(separator: ", ")
        let trust = [
            endpoint.trust.authorities.map { _ in "accepts authorities of its own" },
            endpoint.trust.certificate.map { _ in "shows a certificate" },
        ].compactMap(\.self)
        certificates = trust.isEmpty ? nil : trust.joined(separator: "; ")
        let own = endpoint.plan.deviations
        deviations = own.isEmpty ? nil : own.joined(separator: "; ")
        ordering = endpoint.ordering == .message ? "the events of a message in order" : "each as soon as it can"
        openCount = Figure.shown(report.openCount)
        lastSuccess = report.lastSuccessAt.map(PageTime.shown)
        lastFailure = report.lastFailureAt.map(PageTime.shown)
        chart = HourChart(
            Dictionary(
                hours.map { ($0.hour, (lower: $0.succeeded, upper: $0.failed)) }, uniquingKeysWith: { $1 }),
            lower: .init(kind: "good", name: "succeeded"), upper: .init(kind: "bad", name: "failed"), now: now,
            height: 24, step: 6)
        let good = hours.map(\.succeeded).clampedSum()
        let all = good.clampedAdding(hours.map(\.failed).clampedSum())
        rate =
            all == 0
            ? "No delivery ended in the last 24 hours"
            : "\(Figure.shown(good)) of \(Figure.shown(all)) deliveries that ended in the last 24 hours succeeded"
    }
}

/// An option of a list.
struct Choice: Sendable {
    let value: String
    let isChosen: Bool
    var note = ""

    init(value: String, isChosen: Bool, note: String = "") {
        (self.value, self.isChosen, self.note) = (value, isChosen, note)
    }

    /// An option with a word for people.
    init<Value: RawRepresentable & Equatable>(_ value: Value, _ note: String, _ chosen: Value?)
    where Value.RawValue == String {
        self.init(value: value.rawValue, isChosen: value == chosen, note: note)
    }

    static func all(_ values: [String], chosen: String?) -> [Choice] {
        values.map { Choice(value: $0, isChosen: $0 == chosen) }
    }

    /// Options for our own phones.
    static func phones(_ numbers: [String], chosen: String?) -> [Choice] {
        numbers.map { Choice(value: $0, isChosen: $0 == chosen, note: PageParty.digits($0)) }
    }
}
