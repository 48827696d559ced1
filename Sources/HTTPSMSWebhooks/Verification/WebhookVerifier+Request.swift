import Timestamps

extension WebhookVerifier {
    /// Verifies a whole request, token and signature, and decodes its event: all that a receiver has to do before it looks
    /// whether it knows the event's id.
    ///
    ///     let event = try await verifier.event(body: body) { name in request.headers[name] }
    ///
    /// - Parameters:
    ///   - body: the exact bytes of the body, before any decoding.
    ///   - now: the present.
    ///   - header: gives the value of a header, nil when it is absent. It is asked for `Authorization`, `webhook-id`,
    ///     `webhook-timestamp` and `webhook-signature`; names of headers have no case.
    /// - Returns: the event, of any type; one that this version does not know is ``EventPayload/unknown(type:data:)``.
    /// - Throws: ``WebhookVerificationError`` for a request that is not the gateway's (answer 401), ``CloudEventError`` for
    ///   a genuine one whose body is not an event (answer 400).
    public func event(
        body: some Sequence<UInt8>, now: Timestamp = SystemClock().now(), header: (String) -> String?
    ) async throws -> CloudEvent {
        let body = Array(body)
        // The signature first: it is cheaper, and covers more.
        try verify(
            id: header("webhook-id"), timestamp: header("webhook-timestamp"), signature: header("webhook-signature"),
            body: body, now: now)
        _ = try await verify(authorization: header("Authorization"), now: now)
        return try CloudEvent(decoding: body)
    }
}
