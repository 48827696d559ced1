import Delivery
import Foundation
import HTTPSMSWebhooks
import JSON
import Storage
import Timestamps

extension DeliveryRecord: JSONWritable {
    package func write(to json: inout JSONWriter) {
        json.object { o in addFields(to: &o) }
    }

    /// The members of a delivery, also where attempts follow.
    func addFields(to o: inout JSONObjectWriter) {
        o.field("id", id.text)
        o.field("webhook_id", endpointID.text)
        o.field("event_id", eventID.text)
        o.field("event_type", eventType)
        o.field("owner", owner)
        o.field("sequence", sequence)
        o.field("status", status.rawValue)
        o.field("attempt_count", attemptCount)
        o.field("next_attempt_at", nextAttemptAt)
        o.field("last_status_code", lastStatusCode)
        o.field("last_error", lastError)
        o.field("created_at", createdAt)
        o.field("completed_at", completedAt)
    }
}

/// A delivery with its event and all its attempts.
package struct DeliveryDetails: JSONWritable {
    let delivery: DeliveryRecord
    /// The event as it is stored.
    let event: [UInt8]
    /// What is sent of it; nil when it cannot be put into the webhook's format.
    let request: RenderedPayload?
    let attempts: [AttemptRecord]
    /// The headers of an attempt with this number, secrets redacted.
    let requestHeaders: @Sendable (AttemptRecord) -> [(name: String, value: String)]

    /// The most bytes that what may be long in it takes as JSON: an account may try a delivery as often as it likes.
    var longestJSON: Int {
        let payload = request.map { $0.bytes == event ? 0 : $0.bytes.count } ?? 0
        let answers = attempts.reduce(0) { $0 + $1.responseBody.count }
        return event.count + Self.longestEscape * (payload + answers)
    }

    /// Of a byte: `\u003c`.
    private static let longestEscape = 6

    package func write(to json: inout JSONWriter) {
        json.object { o in
            delivery.addFields(to: &o)
            o.raw("event", event)
            // As in the contract, the event is what is sent; another format says what it makes of it.
            if let request, request.bytes != event {
                o.field("request_method", request.method.rawValue)
                o.field("request_body", String(decoding: request.bytes, as: UTF8.self))
            }
            o.array("attempts", of: attempts) { json, attempt in
                json.object { o in add(attempt, to: &o) }
            }
        }
    }

    private func add(_ attempt: AttemptRecord, to o: inout JSONObjectWriter) {
        o.field("number", attempt.number)
        o.field("route", "\(attempt.route)")
        o.field("started_at", attempt.startedAt)
        o.field("duration_ms", Self.milliseconds(attempt.duration))
        o.object("phases") { o in
            o.field("dns", attempt.phases.dns.map(Self.milliseconds))
            o.field("connect", attempt.phases.connect.map(Self.milliseconds))
            o.field("tls", attempt.phases.tls.map(Self.milliseconds))
            o.field("first_byte", attempt.phases.firstByte.map(Self.milliseconds))
        }
        o.field("status_code", attempt.statusCode)
        o.field("error", attempt.error)
        o.field("error_message", attempt.error.map { Self.message($0, attempt.errorDetail) })
        Self.add("request_headers", requestHeaders(attempt), to: &o)
        Self.add("response_headers", attempt.responseHeaders, to: &o)
        let text = Self.text(attempt.responseBody)
        o.field("response_body", text ?? Data(attempt.responseBody).base64EncodedString())
        o.field("response_body_encoding", text == nil ? "base64" : "text")
    }

    /// `bytes` as text, without a character that the end of what is kept cut through; nil when they are none.
    package static func text(_ bytes: [UInt8]) -> String? {
        let isCut = bytes.count == SenderLimits.keptBodyBytes
        return (0...(isCut ? 3 : 0)).lazy.compactMap { String(validating: bytes.dropLast($0), as: UTF8.self) }.first
    }

    private static func add(
        _ name: StaticString, _ headers: [(name: String, value: String)], to o: inout JSONObjectWriter
    ) {
        o.array(name, of: headers) { json, header in
            json.object { o in
                o.field("name", header.name)
                o.field("value", header.value)
            }
        }
    }

    /// Whole milliseconds; a phase under one is 0.
    private static func milliseconds(_ duration: Duration) -> Int64 { duration.microseconds / 1_000 }

    /// What happened, and what to do about it.
    package static func message(_ code: String, _ detail: String?) -> String {
        [detail ?? "", Etiquette.hint(for: code, detail: detail) ?? ""].filter { !$0.isEmpty }.joined(separator: ". ")
    }
}

extension Replay: JSONWritable {
    package func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("id", id.text)
            o.field("webhook_id", endpoint.text)
            o.field("status", Self.names[status.rawValue])
            o.field("total", total)
            o.field("done", done)
            o.field("replayed", replayed)
            o.field("since", since)
            o.field("until", until)
            o.field("statuses", statuses.map(\.rawValue))
            o.field("event_type", filter.eventType)
            o.field("status_code", filter.statusCode)
            o.field("contact", filter.contact)
            o.field("created_at", createdAt)
        }
    }

    private static let names = ["running", "completed", "cancelled"]
}
