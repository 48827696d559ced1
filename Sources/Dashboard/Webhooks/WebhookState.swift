import Delivery
import Gateway
import Timestamps

/// How a webhook is, in the same words on every page.
struct WebhookState: Sendable {
    /// `active`, `untried`, `failing`, `paused` or `disabled`; also a class of the style sheet.
    let status: String
    /// Why, as a clause; nil when there is nothing to tell.
    let reason: String?

    init(_ report: EndpointReport) {
        let endpoint = report.endpoint
        if let since = endpoint.outage.since, report.fallbackSince != nil {
            status = "failing"
            reason = "its URL is out since \(PageTime.brief(since)); events go to its fallback"
        } else if report.isFailing, let since = report.failingSince {
            status = "failing"
            reason = "every attempt since \(PageTime.brief(since)) has failed"
        } else {
            // A change of how it is reached, or resuming it, forgives what failed: that it works now is not known.
            let isDoubtful = endpoint.status == .active && Self.hasFailedLast(report)
            status = isDoubtful ? "untried" : "\(endpoint.status)"
            reason = endpoint.statusReason ?? (isDoubtful ? "its last attempt failed; it was not tried since" : nil)
        }
    }

    private static func hasFailedLast(_ report: EndpointReport) -> Bool {
        guard let failed = report.lastFailureAt else { return false }
        return report.lastSuccessAt.map { $0 < failed } ?? true
    }
}

/// Why deliveries to a webhook fail, in the same words on every page.
struct IssueLine: Sendable {
    /// `404 from /hook: the receiver refuses the request`, or `/hook: no answer in time`.
    let title: String
    /// How many, and since when.
    let extent: String
    /// What to do.
    let advice: String

    init(_ issue: DeliveryIssue, url: String) {
        let (path, meaning) = (Self.path(of: url), Self.meaning(of: issue.code))
        title =
            issue.statusCode.map { "\($0) from \(path): \(meaning)" }
            ?? "\(path): \(meaning)"
        let counts = [
            issue.failed == 0 ? nil : "\(Self.count(issue.failed)) given up",
            issue.retried == 0 ? nil : "\(Self.count(issue.retried)) tried again",
        ].compactMap(\.self).joined(separator: ", ")
        extent = "\(counts), since \(PageTime.brief(issue.since))"
        advice = Etiquette.hint(for: issue.code) ?? ""
    }

    /// `388 events`, as far as it is counted.
    static func count(_ number: Int) -> String {
        let most = number >= DeliveryIssues.counted ? " or more" : ""
        return "\(Figure.shown(Int64(number)))\(most) \(number == 1 ? "event" : "events")"
    }

    /// The path and query of a callback URL, which tells one of several webhooks at a host from another.
    private static func path(of url: String) -> String {
        guard let scheme = url.firstRange(of: "://") else { return url }
        let path = String(url[scheme.upperBound...].drop { $0 != "/" })
        return path.isEmpty ? "/" : path
    }

    /// What `code` means, as a few words; the code itself when it is one of another version.
    static func meaning(of code: String) -> String {
        if let row = Etiquette.table.first(where: { $0.code == code }) { return row.meaning }
        return AttemptFailure.Code(rawValue: code)?.meaning ?? code
    }
}

extension AttemptFailure.Code {
    /// What happened, as a few words.
    fileprivate var meaning: String {
        switch self {
        case .eventUnreadable: "event that cannot be read: nothing was sent"
        case .payloadInvalid: "the template made no request of it: nothing was sent"
        case .urlInvalid: "invalid callback URL: nothing was sent"
        case .headerInvalid: "invalid header: nothing was sent"
        case .dnsFailed: "the host name was not found"
        case .dnsTimeout: "the name servers did not answer"
        case .addressBlocked: "the address is not allowed"
        case .connectFailed: "nothing listens there"
        case .connectTimeout: "no connection in time"
        case .proxyFailed: "the proxy of this server did not lead there"
        case .tlsFailed: "the certificate is not valid"
        case .tlsTimeout: "no TLS connection in time"
        case .timeout: "no answer in time"
        case .connectionClosed: "the connection was closed without an answer"
        case .invalidResponse: "what answers does not speak HTTP"
        case .responseTooLarge: "the answer is too large"
        case .cancelled: "no attempt yet"
        }
    }
}
