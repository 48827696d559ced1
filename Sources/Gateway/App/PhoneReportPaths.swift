import HTTPTypes

/// What only a phone knows: SMS, missed calls, and what became of a message.
///
/// The apps forget a report that is answered with a 4xx, and make it again after a 5xx. So trouble of our own, a slow
/// connection included, is answered with 503 on these paths.
package enum PhoneReportPaths {
    /// Whether a request is one, by its head alone.
    ///
    /// | path | who reports |
    /// |---|---|
    /// | `POST /v1/messages/receive`, `/v1/messages/calls/missed`, `/v1/messages/{id}/events` | the httpSMS app |
    /// | anything under `/api/mobile/v1` and `/mobile/v1` | the SMSGate app |
    /// | `/v1/inbound/{token}`, by any method | apps that pass on SMS |
    package static func isReport(_ head: HTTPRequest) -> Bool {
        var path = (head.path ?? "").prefix { $0 != "?" }.lowercased()
        while path.hasSuffix("/") { path.removeLast() }
        if MobileRoutes.isMobile(path) || path.hasPrefix(SMSForwarder.source + "/") { return true }
        guard head.method == .post, path.hasPrefix("/v1/messages/") else { return false }
        return ["/receive", "/calls/missed", "/events"].contains { path.hasSuffix($0) }
    }
}
