import HTTPSMSWebhooks
import JSON
import Mustache
import Timestamps

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
    private let source: PayloadTemplate
    private let template: MustacheTemplate
    /// Whether the body must be JSON.
    private let isJSON: Bool

    /// Attachments and the like beyond are left out. No phone sends as many.
    private static let longestList = 20

    /// Reads `source`.
    ///
    /// - Throws: `template` when it cannot be read.
    init(_ source: PayloadTemplate) throws(PayloadFault) {
        guard source.body.utf8.count <= PayloadTemplate.maximumBytes else {
            throw .template("it has more than \(PayloadTemplate.maximumBytes / 1_024) KiB")
        }
        try TemplateTags.check(source.body)
        self.source = source
        let escaping = TemplateEscaping(contentType: source.contentType)
        isJSON = escaping == .json
        do {
            template = try MustacheTemplate(string: "{{% CONTENT_TYPE: \(escaping.registeredName)}}\n" + source.body)
        } catch let error as MustacheTemplate.ParserError {
            throw .template("\(error.error)")
        } catch {
            throw .template("\(error)")
        }
    }

    /// The request for `event`, which is stored as `body`.
    func payload(of event: CloudEvent, body: [UInt8]) throws(PayloadFault) -> RenderedPayload {
        let budget = Budget()
        let summary = EventSummary(event)
        let fields = try EventFields(event).fields
        var data: [String: Any] = [:]
        for field in fields {
            switch field.value {
            case .null: break
            case .flag(let isTrue): data[field.name] = isTrue
            case .text(let text): data[field.name] = Text(text, budget)
            case .list(let texts): data[field.name] = texts.prefix(Self.longestList).map { Text($0, budget) }
            }
        }
        let context: [String: Any] = [
            "id": Text(event.id, budget), "type": Text(event.payload.type, budget),
            "source": Text(event.source, budget),
            "time": Text(event.time.rfc3339, budget), "title": Text(summary.title, budget),
            "message": Text(summary.message, budget), "text": Text(summary.text, budget),
            "event": Text(String(decoding: body, as: UTF8.self), budget),
            "data": DataObject(
                members: data, json: Text(String(decoding: event.payload.encodedJSON(), as: UTF8.self), budget)),
        ]
        let bytes = Array(template.render(context).utf8)
        guard !budget.isExceeded, bytes.count <= PayloadRenderer.maximumBytes else { throw .tooLarge }
        return RenderedPayload(method: source.method, contentType: source.contentType, bytes: bytes)
    }

    /// Renders samples of `types`, as they are and with what an SMS may hold at worst.
    ///
    /// - Throws: `template` when the content type is JSON and what is made is none.
    func check(for types: [EventType]) throws(PayloadFault) {
        for type in types {
            for event in [type.declaration.sample, type.declaration.awkward] {
                let payload = try payload(of: event, body: event.encoded())
                guard isJSON, let reason = JSONScanner.fault(in: payload.bytes) else { continue }
                throw .template(
                    """
                    what it makes of \(type.rawValue) is not JSON: \(reason). Text stands between quotes and two braces, not three
                    """)
            }
        }
    }

    /// How many bytes values may add.
    private final class Budget {
        private var left = PayloadRenderer.maximumBytes
        private(set) var isExceeded = false

        func take(_ count: Int) -> Bool {
            guard !isExceeded, count <= left else {
                isExceeded = true
                return false
            }
            left -= count
            return true
        }
    }

    /// A value. One that is empty is none to a section.
    private struct Text: MustacheCustomRenderable {
        private let text: String
        private let budget: Budget

        init(_ text: String, _ budget: Budget) {
            self.text = text
            self.budget = budget
        }

        var renderText: String { budget.take(text.utf8.count) ? text : "" }
        var isNull: Bool { text.isEmpty }
    }

    /// The data of the event: its members by name, and all of it as JSON.
    private struct DataObject: MustacheParent, MustacheCustomRenderable {
        let members: [String: Any]
        let json: Text

        func child(named name: String) -> Any? { members[name] }
        var renderText: String { json.renderText }
        var isNull: Bool { false }
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

/// How values are escaped in a body of a content type.
enum TemplateEscaping: String {
    case json, form, markup, none

    /// Decides by the media type.
    init(contentType: String) {
        let type = contentType.prefix { $0 != ";" }.lowercased().filter { !$0.isWhitespace }
        self =
            type == "application/json" || type.hasSuffix("+json")
            ? .json
            : type == "application/x-www-form-urlencoded"
                ? .form : type.hasSuffix("html") || type.hasSuffix("xml") ? .markup : .none
    }

    /// The name by which the library knows it.
    var registeredName: String {
        _ = Self.registration
        return switch self {
        case .json: "httpsms-json"
        case .form: "httpsms-form"
        case .markup: MarkupText.registeredName
        case .none: "TEXT"
        }
    }

    private static let registration: Void = {
        MustacheContentTypes.register(JSONEscaping(), named: "httpsms-json")
        MustacheContentTypes.register(FormEscaping(), named: "httpsms-form")
    }()

    private struct JSONEscaping: MustacheContentType {
        func escapeText(_ text: String) -> String {
            String(decoding: text.encodedJSON().dropFirst().dropLast(), as: UTF8.self)
        }
    }

    private struct FormEscaping: MustacheContentType {
        func escapeText(_ text: String) -> String { FormText.encoded(text) }
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
