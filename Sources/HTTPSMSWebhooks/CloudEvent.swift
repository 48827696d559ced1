import JSON
import Timestamps

/// One webhook event: a CloudEvents 1.0 envelope in structured JSON, with its payload in typed form.
///
///     let event = try CloudEvent(decoding: body)
///     if case .messageReceived(let sms) = event.payload { print(sms.contact, sms.content) }
///
/// Deliveries may repeat: the ``id`` of an event is the same on every attempt, so keep the ids that you have processed.
public struct CloudEvent: Sendable, Hashable {
    /// The id of the event, unique and the same on every delivery attempt.
    public var id: String
    /// The request that caused the event, such as `/v1/messages/receive`.
    public var source: String
    /// When the event was made, by the clock of the server.
    public var time: Timestamp
    /// What happened.
    public var payload: EventPayload

    /// Makes an event from its parts.
    public init(id: String, source: String, time: Timestamp, payload: EventPayload) {
        self.id = id
        self.source = source
        self.time = time
        self.payload = payload
    }

    /// The event as compact JSON in UTF-8, without a trailing newline: the exact body of a delivery.
    ///
    /// The members come in the order that httpSMS writes: specversion, id, source, type, datacontenttype, time, data.
    public func encoded() -> [UInt8] {
        encodedJSON()
    }
}

extension CloudEvent: JSONWritable {
    package func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("specversion", "1.0")
            o.field("id", id)
            o.field("source", source)
            o.field("type", payload.type)
            o.field("datacontenttype", "application/json")
            o.field("time", time)
            // CloudEvents 1.0 section 3.1: data is optional, so an event that came without it leaves without it.
            if case .unknown(_, let data) = payload, data.isEmpty { return }
            o.field("data", payload)
        }
    }
}
