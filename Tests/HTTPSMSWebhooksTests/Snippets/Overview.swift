import HTTPSMSWebhooks

/// The snippet of `HTTPSMSWebhooks.md`; what is not in the article stands before and after it.
func describe(body: [UInt8], headers: [String: String], signingKey: String) async throws -> String {
    // snippet.begin
    let verifier = WebhookVerifier(
        signingKeys: [signingKey], audience: "https://example.com/hooks/sms")

    let event = try await verifier.event(body: body) { name in headers[name.lowercased()] }
    switch event.payload {
    case .messageReceived(let sms): return "\(sms.contact) wrote: \(sms.content)"
    case .messageFailed(let failure): return "\(failure.messageID) failed: \(failure.errorMessage)"
    case .heartbeatOffline(let phone): return "\(phone.owner) is silent"
    case .unknown(let type, _): return "ignored \(type)"
    default: return "\(event.payload.type) of \(event.payload.messageID ?? "a phone")"
    }
    // snippet.end
}
