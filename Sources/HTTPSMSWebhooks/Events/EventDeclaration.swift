import JSON
import Timestamps

/// What there is to say of a type of event, next to its data: what it tells, the schema of its data, and a sample.
package struct EventDeclaration: Sendable {
    /// The type.
    package let type: EventType
    /// What happened, in a sentence.
    package let description: String
    /// The members of its `data`, in the order of the wire.
    package let fields: [Field]
    /// An example: byte for byte the golden file in `Fixtures/events`.
    package let sample: CloudEvent
    /// The sample with what an SMS and its sender may hold at worst.
    package let awkward: CloudEvent
    /// Reads its `data`.
    let decode: @Sendable (ArraySlice<UInt8>) throws(CloudEventError) -> EventPayload

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

    init<Data: EventData>(
        _ type: EventType, _ payload: @escaping @Sendable (Data) -> EventPayload, _ description: String,
        fields: [Field], id: String, source: String, at time: String, sample: Data
    ) {
        self.type = type
        self.description = description
        self.fields = fields
        self.sample = CloudEvent(id: id, source: source, time: Sample.time(time), payload: payload(sample))
        awkward = CloudEvent(id: id, source: source, time: Sample.time(time), payload: payload(sample.awkward))
        decode = { data throws(CloudEventError) in payload(try Data(json: data, of: type.rawValue)) }
    }

    /// All that there are, in the order of the documentation.
    package static let all = EventType.allCases.map(\.declaration)
}

/// The members that several events have.
extension EventDeclaration.Field {
    static let id = text("id", "The message", format: "uuid")
    static let messageID = text("message_id", "The message", format: "uuid")
    static let userID = text("user_id", "The account")
    static let owner = text("owner", "The phone's number, E.164")
    static let contact = text("contact", "The other party: a number, a short code or a name")
    static let encrypted = value("encrypted", "boolean", "Whether the content is encrypted end to end")
    static let timestamp = text("timestamp", "When it happened", format: "date-time")
    static let content = text("content", "The text")
    static let sim = text("sim", "SIM1 or SIM2")
    static let requestID = Self(
        name: "request_id", types: ["string", "null"], format: nil, meaning: "The client's own reference")
    static let attachments = value("attachments", "array", "URLs of the files that came with it")

    static func text(_ name: String, _ meaning: String, format: String? = nil) -> Self {
        Self(name: name, types: ["string"], format: format, meaning: meaning)
    }

    static func value(_ name: String, _ type: String, _ meaning: String) -> Self {
        Self(name: name, types: [type], format: nil, meaning: meaning)
    }
}

/// What the samples are made of.
enum Sample {
    static let user = "XtABz6zdeFMoBLoltz6SREDvRSh2"
    static let owner = "+18005550199"
    static let contact = "+18005550100"
    static let received = "0b0123bb-ef2e-468f-908a-c026d51636aa"
    static let sent = "32343a19-da5e-4b1b-a767-3298a73703cb"
    /// A text that breaks what is put together carelessly: JSON, HTML, a template, a chat's mentions.
    static let awkwardText = "\"quotes\" \\ <b>&amp;</b>\n\t{{braces}} @everyone <!channel> \u{1F600}\u{0}"
    /// A sender's name that does the same.
    static let awkwardContact = "A\"B"

    static func time(_ text: String) -> Timestamp {
        guard let time = Timestamp(rfc3339: text) else { preconditionFailure("\(text) is not a time") }
        return time
    }
}

extension EventDeclaration: JSONWritable {
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
            o.raw("sample", sample.encoded())
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

extension EventDeclaration.Field: JSONWritable {
    package func write(to json: inout JSONWriter) {
        json.object { o in
            if types.count == 1 { o.field("type", types[0]) } else { o.field("type", types) }
            if let format { o.field("format", format) }
            if types == ["array"] { o.field("items", ["type": "string"]) }
            o.field("description", meaning)
        }
    }
}
