import Storage
import Timestamps

/// The request of a delivery as people see it: made again from what is stored, without what is secret.
package struct ShownRequest: Sendable {
    /// What is sent, the same at every attempt while the webhook stays as it is; nil when the event cannot be put into its
    /// format. Of a webhook that was deleted since, the format is not known any more: it is the stored event.
    package let payload: RenderedPayload?
    private let delivery: DeliveryRecord
    private let endpoint: Endpoint?
    private let plain: DeliveryHeaders

    fileprivate init(
        _ payload: RenderedPayload?, of delivery: DeliveryRecord, to endpoint: Endpoint?, plain: DeliveryHeaders
    ) {
        (self.payload, self.delivery, self.endpoint, self.plain) = (payload, delivery, endpoint, plain)
    }

    /// The headers of one of its attempts, as far as they are not secret.
    ///
    /// - Parameter attempt: The try.
    /// - Returns: Names and values in the order they were sent.
    package func headers(of attempt: AttemptRecord) -> DeliveryHeaders.List {
        var headers = plain.plain(
            type: delivery.eventType, delivery: delivery.id.text, attempt: attempt.number,
            contentType: payload?.contentType ?? "application/json")
        let own = endpoint?.headers.list(isSigned: endpoint?.isSigned == true) ?? []
        headers += own.map { (name: $0.name, value: "[redacted]") }
        guard let endpoint, endpoint.isSigned else { return headers }
        headers.append(("Authorization", "Bearer [redacted]"))
        headers.append(("webhook-id", delivery.eventID.text))
        headers.append(("webhook-timestamp", String(attempt.startedAt.seconds)))
        headers.append(("webhook-signature", "v1,[redacted]"))
        return headers
    }
}

extension AttemptRunner {
    /// The request of a delivery, to be shown.
    ///
    /// - Parameters:
    ///   - delivery: What was tried.
    ///   - body: The stored event.
    ///   - endpoint: Where it goes; nil when it was deleted since.
    /// - Returns: The request.
    package func shownRequest(of delivery: DeliveryRecord, body: [UInt8], to endpoint: Endpoint?) -> ShownRequest {
        let payload: RenderedPayload?
        if let endpoint {
            // What is wrong is told by the attempt.
            payload = try? renderers.payload(of: body, delivery: delivery.id.text, for: endpoint)
        } else {
            payload = RenderedPayload(contentType: "application/json", bytes: body)
        }
        return ShownRequest(payload, of: delivery, to: endpoint, plain: headers)
    }
}
