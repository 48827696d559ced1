import HTTPSMSWebhooks
import JSON

/// A template that was read, ready for any event.
///
/// | name | what it holds |
/// |---|---|
/// | `id`, `type`, `source`, `time` | the members of the CloudEvent |
/// | `data.content` and so on | the members of its data; a null one is absent |
/// | `data`, `event` | the data, the whole event, as JSON: to be written with three braces |
/// | `title`, `message`, `text` | the event in words, see ``EventSummary`` |
///
/// Two braces escape as the content type needs it, three do not.
struct CompiledTemplate: Sendable {
    private let method: WebhookMethod
    private let contentType: String
    private let template: ParsedTemplate
    private let escaping: TemplateEscaping

    /// Reads `source`.
    ///
    /// - Throws: `template` when it cannot be read.
    init(_ source: PayloadTemplate) throws(PayloadFault) {
        guard source.body.utf8.count <= PayloadTemplate.maximumBytes else {
            throw .template("it has more than \(PayloadTemplate.maximumBytes / 1_024) KiB")
        }
        var reader = TemplateReader(source.body)
        template = try reader.read()
        (method, contentType) = (source.method, source.contentType)
        escaping = TemplateEscaping(contentType: source.contentType)
    }

    /// The request for `event`, which is stored as `body`.
    ///
    /// - Throws: `event` when the event cannot be read, `tooLarge` when the body would be.
    func payload(of event: CloudEvent, body: [UInt8]) throws(PayloadFault) -> RenderedPayload {
        var writer = TemplateWriter(template, try TemplateValues(event, body: body), escaping)
        try writer.write()
        return RenderedPayload(method: method, contentType: contentType, bytes: writer.bytes)
    }

    /// Renders samples of `types`, as they are and with what an SMS may hold at worst.
    ///
    /// - Throws: `template` when the content type is JSON and what is made is none.
    func check(for types: [EventType]) throws(PayloadFault) {
        for type in types {
            for event in [type.declaration.sample, type.declaration.awkward] {
                let payload = try payload(of: event, body: event.encoded())
                guard escaping == .json, let reason = JSONScanner.fault(in: payload.bytes) else { continue }
                throw .template(
                    """
                    what it makes of \(type.rawValue) is not JSON: \(reason). Text stands between quotes and two braces, not three
                    """)
            }
        }
    }
}

extension PayloadTemplate {
    /// Tries the template with samples of `types`, as they are and with what an SMS may hold at worst.
    ///
    /// - Throws: `template` when it cannot be read, or its content type is JSON and what it makes is none.
    package func check(for types: [EventType]) throws(PayloadFault) {
        try CompiledTemplate(self).check(for: types)
    }
}

extension JSONScanner {
    /// What keeps `document` from being JSON; nil when it is.
    static func fault(in document: [UInt8]) -> String? {
        do {
            _ = try members(of: document)
            return nil
        } catch {
            if case .malformed(let reason, let offset) = error { return "\(reason) at byte \(offset)" }
            // Any value is a document.
            return nil
        }
    }
}
