import HTTPSMSWebhooks
import JSON
import Timestamps

/// What can be named in a template: all that there is of one event.
struct TemplateValues: Sendable {
    /// The members of the data that are not null.
    let members: [String: EventFields.Value]
    /// What every event has; the whole event and its data are JSON.
    let event: [TemplateName.EventName: EventFields.Value]

    /// Attachments and the like beyond are left out. No phone sends as many.
    static let longestList = 20

    /// Takes `event`, which is stored as `body`.
    init(_ event: CloudEvent, body: [UInt8]) throws(PayloadFault) {
        var members: [String: EventFields.Value] = [:]
        for field in try EventFields(event).fields {
            switch field.value {
            case .null: break
            case .flag, .text: members[field.name] = field.value
            case .list(let texts): members[field.name] = .list(Array(texts.prefix(Self.longestList)))
            }
        }
        self.members = members
        let summary = EventSummary(event)
        self.event = [
            .id: .text(event.id), .type: .text(event.payload.type), .source: .text(event.source),
            .time: .text(event.time.rfc3339), .title: .text(summary.title), .message: .text(summary.message),
            .text: .text(summary.text), .event: .text(String(decoding: body, as: UTF8.self)),
            .data: .text(String(decoding: event.payload.encodedJSON(), as: UTF8.self)),
        ]
    }
}
