import JSON
import Timestamps

/// One of the eight events as the API describes it; the golden files of the tests are its samples.
package struct CataloguedEvent: Sendable {
    /// A member of the event's `data`.
    package struct Field: Sendable {
        /// Its name on the wire.
        package let name: String
        /// What JSON Schema calls it; the first of two types is the one that matters, the second is null.
        package let types: [String]
        /// What JSON Schema calls the form of a text; nil when any will do.
        package let format: String?
        /// What it tells, in a sentence.
        package let meaning: String
    }

    /// The type that it describes.
    package let type: EventType
    /// What happened, in a sentence.
    package let description: String
    /// The members of its `data`, in the order of the wire.
    package let fields: [Field]
}

/// The catalogue of events.
package enum EventCatalogue {
    /// In the order of the documentation.
    package static let all: [CataloguedEvent] = [
        CataloguedEvent(
            type: .messageReceived, description: "The phone received an SMS.",
            fields: [messageID, userID, owner, encrypted, contact, timestamp, content, sim, attachments]),
        CataloguedEvent(
            type: .messageSent, description: "The phone sent an SMS.",
            fields: [id, userID, requestID, owner, contact, encrypted, timestamp, content, sim]),
        CataloguedEvent(
            type: .messageDelivered, description: "An SMS was delivered to the recipient's phone.",
            fields: [id, owner, contact, requestID, userID, encrypted, timestamp, content, sim]),
        CataloguedEvent(
            type: .messageFailed, description: "The phone could not send an SMS.",
            fields: [
                id, field("error_message", "Why, as the phone says"), userID, owner, requestID, contact, timestamp,
                encrypted, content, sim,
            ]),
        CataloguedEvent(
            type: .messageExpired, description: "An SMS expired before the phone sent it.",
            fields: [
                messageID, owner, field("send_attempt_count", "integer", "Attempts so far"),
                field("is_final", "boolean", "Whether no attempt follows"), requestID, contact, encrypted, userID,
                timestamp, content, sim,
            ]),
        CataloguedEvent(
            type: .callMissed, description: "The phone missed a call.",
            fields: [messageID, userID, owner, contact, timestamp, sim]),
        CataloguedEvent(
            type: .heartbeatOffline, description: "The server heard no heartbeat of the phone for one hour.",
            fields: heartbeat),
        CataloguedEvent(
            type: .heartbeatOnline, description: "The server heard a heartbeat of a phone that was offline.",
            fields: heartbeat),
    ]

    private static let id = field("id", "The message", format: "uuid")
    private static let messageID = field("message_id", "The message", format: "uuid")
    private static let userID = field("user_id", "The account")
    private static let owner = field("owner", "The phone's number, E.164")
    private static let contact = field("contact", "The other party: a number, a short code or a name")
    private static let encrypted = field("encrypted", "boolean", "Whether the content is encrypted end to end")
    private static let timestamp = field("timestamp", "When it happened", format: "date-time")
    private static let content = field("content", "The text")
    private static let sim = field("sim", "SIM1 or SIM2")
    private static let requestID = CataloguedEvent.Field(
        name: "request_id", types: ["string", "null"], format: nil, meaning: "The client's own reference")
    private static let attachments = CataloguedEvent.Field(
        name: "attachments", types: ["array"], format: nil, meaning: "URLs of the files that came with it")
    private static let heartbeat = [
        field("phone_id", "The phone", format: "uuid"), userID,
        field("last_heartbeat_timestamp", "When it was heard last", format: "date-time"), timestamp,
        field("monitor_id", "Stays with the phone", format: "uuid"), owner,
    ]

    private static func field(_ name: String, _ meaning: String, format: String? = nil) -> CataloguedEvent.Field {
        CataloguedEvent.Field(name: name, types: ["string"], format: format, meaning: meaning)
    }

    private static func field(_ name: String, _ type: String, _ meaning: String) -> CataloguedEvent.Field {
        CataloguedEvent.Field(name: name, types: [type], format: nil, meaning: meaning)
    }
}

extension CataloguedEvent: JSONWritable {
    package func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("type", type.rawValue)
            o.field("description", description)
            o.object("schema") { o in
                o.field("$schema", "https://json-schema.org/draft/2020-12/schema")
                o.field("type", "object")
                o.object("properties") { o in addEnvelope(to: &o) }
                o.field(
                    "required", ["specversion", "id", "source", "type", "datacontenttype", "time", "data"])
            }
            o.raw("sample", EventSample.event(of: type).encoded())
        }
    }

    private func addEnvelope(to o: inout JSONObjectWriter) {
        o.field("specversion", ["const": "1.0"])
        o.field("id", ["type": "string", "format": "uuid"])
        o.field("source", ["type": "string"])
        o.field("type", ["const": type.rawValue])
        o.field("datacontenttype", ["const": "application/json"])
        o.field("time", ["type": "string", "format": "date-time"])
        o.object("data") { o in
            o.field("type", "object")
            o.object("properties") { o in
                for field in fields { o.field(named: field.name, field) }
            }
            o.field("required", fields.map(\.name))
        }
    }
}

extension CataloguedEvent.Field: JSONWritable {
    package func write(to json: inout JSONWriter) {
        json.object { o in
            if types.count == 1 { o.field("type", types[0]) } else { o.field("type", types) }
            if let format { o.field("format", format) }
            if types == ["array"] { o.field("items", ["type": "string"]) }
            o.field("description", meaning)
        }
    }
}
