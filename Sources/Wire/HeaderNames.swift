import HTTPTypes

extension HTTPField.Name {
    /// Carries a user or phone API key.
    package static let apiKey = known("x-api-key")
    /// The version of the Android app.
    package static let clientVersion = known("X-Client-Version")
    /// The id of a request, which its log lines carry too.
    package static let requestID = known("X-Request-Id")
    /// Names a creation, so that it is not done twice.
    package static let idempotencyKey = known("Idempotency-Key")
    /// Says that an answer was given before.
    package static let idempotencyReplayed = known("Idempotency-Replayed")
    /// Marks a webhook delivery of an httpSMS server.
    package static let deliveryID = known("X-Httpsms-Delivery")

    /// When the SMSGate app posts something, in seconds since 1970 by its clock; its signature covers it.
    package static let deviceTimestamp = known("X-Timestamp")
    /// Signs what the SMSGate app posts.
    package static let deviceSignature = known("X-Signature")

    /// The last position that a client of the event stream saw.
    package static let lastEventID = known("Last-Event-ID")
    /// Tells nginx not to hold a stream back.
    package static let xAccelBuffering = known("X-Accel-Buffering")

    /// The version of the Model Context Protocol that an agent's program speaks.
    package static let mcpProtocolVersion = known("MCP-Protocol-Version")

    /// Added by a proxy that forwards a request.
    package static let xForwardedFor = known("X-Forwarded-For")
    /// Added by a proxy: `https` when the client spoke it.
    package static let xForwardedProto = known("X-Forwarded-Proto")
    /// The first, as RFC 7239 has it.
    package static let forwarded = known("Forwarded")

    /// Which site a browser's request comes from: `same-origin` when from ours.
    package static let secFetchSite = known("Sec-Fetch-Site")
    /// Whether a page may be handled by the one that opened it.
    package static let crossOriginOpenerPolicy = known("Cross-Origin-Opener-Policy")
    /// What of a page's address is told to the next one.
    package static let referrerPolicy = known("Referrer-Policy")

    private static func known(_ name: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(name) else { preconditionFailure("\(name) is not a header name") }
        return name
    }
}
