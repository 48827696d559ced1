import HTTPSMSWebhooks
import Storage
import Timestamps

/// Makes the headers of a delivery: the one place where they are put together, for the engine and for what plays it.
package struct DeliveryHeaders: Sendable {
    /// Names and values in the order in which they are sent.
    package typealias List = [(name: String, value: String)]

    private let userAgent: String

    /// - Parameter version: This server's version, for `User-Agent`.
    package init(version: String) {
        userAgent = "httpSMS/\(version)"
    }

    /// What every delivery carries, signed or not.
    ///
    /// - Parameters:
    ///   - type: The event's type.
    ///   - delivery: The id of the delivery, the same on every attempt.
    ///   - attempt: 1 for the first.
    ///   - contentType: What the body is.
    /// - Returns: Five headers.
    package func plain(
        type: String, delivery: String, attempt: Int, contentType: String = "application/json"
    ) -> List {
        [
            ("Content-Type", contentType),
            ("X-Event-Type", type),
            ("User-Agent", userAgent),
            ("X-Httpsms-Delivery", delivery),
            ("X-Httpsms-Attempt", String(attempt)),
        ]
    }

    /// The three headers of Standard Webhooks; none without a key.
    ///
    /// - Parameters:
    ///   - event: The event's id.
    ///   - now: The time of the attempt.
    ///   - body: The exact bytes of the body.
    ///   - keys: The signing keys, the current one first.
    /// - Returns: Id, timestamp and signature.
    package static func signature(event: String, at now: Timestamp, body: [UInt8], keys: [String]) -> List {
        if keys.isEmpty { return [] }
        let signature = StandardWebhookSignature.sign(id: event, timestamp: now, body: body, keys: keys)
        return [
            ("webhook-id", event), ("webhook-timestamp", String(now.seconds)), ("webhook-signature", signature),
        ]
    }
}
