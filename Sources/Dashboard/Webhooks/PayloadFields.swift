import Delivery
import Gateway
import HTTPSMSWebhooks
import Wire

/// The fields of a webhook's form that say in which shape it gets events.
struct PayloadFields: Sendable {
    private var format = PayloadFormat.cloudEvents.name
    private var method = WebhookMethod.post.rawValue
    private var contentType = "application/json"
    private var body = ""
    /// What the preview shows an event of.
    private(set) var event = EventType.messageReceived

    /// What the page shows of them.
    struct Content: Sendable {
        let formats: [Choice]
        let methods: [Choice]
        let contentType: String
        let body: String
        let isTemplate: Bool
        /// Whether the page can show what would be sent.
        let canPreview: Bool
        let events: [Choice]
        let formatProblems: [String]
        let templateProblems: [String]
        let preview: Preview?
    }

    /// A request that was not sent.
    struct Preview: Sendable {
        let method: String
        let contentType: String
        let body: String
        let isSample: Bool
    }

    init() {}

    init(_ format: PayloadFormat) {
        self.format = format.name
        guard let template = format.template else { return }
        (method, contentType, body) = (template.method.rawValue, template.contentType, template.body)
    }

    init(_ form: PageForm) {
        let given = { (name: String, kept: String) in form.text(name).isEmpty ? kept : form.text(name) }
        format = given("payload_format", format)
        method = given("template_method", method)
        contentType = given("template_content_type", contentType)
        // Browsers send the ends of lines as HTTP has them.
        body = form.secret("template_body").replacingBytes("\r\n", with: "\n")
        event = EventType(rawValue: form.text("preview_event")) ?? event
    }

    /// What they ask for. The template of another format is not looked at.
    var update: PayloadUpdate {
        PayloadUpdate(
            format: .value(format),
            template: format == PayloadFormat.templateName
                ? .value(.init(method: method, contentType: contentType, body: body)) : .absent)
    }

    /// Whether it is what is documented, and nothing is wrong with it.
    func isPlain(problems: [String: [String]]) -> Bool {
        format == PayloadFormat.cloudEvents.name && problems["payload_format"] == nil
    }

    func content(problems: [String: [String]], preview: PayloadPreview?, canPreview: Bool = true) -> Content {
        Content(
            formats: PayloadFormat.names.map {
                Choice(value: $0, isChosen: $0 == format, note: Self.label(of: $0))
            },
            methods: Choice.all(WebhookMethod.allCases.map(\.rawValue), chosen: method), contentType: contentType,
            body: body, isTemplate: format == PayloadFormat.templateName, canPreview: canPreview,
            events: Choice.all(EventType.allCases.map(\.rawValue), chosen: event.rawValue),
            formatProblems: problems["payload_format"] ?? [], templateProblems: problems["payload_template"] ?? [],
            preview: preview.map {
                Preview(
                    method: $0.payload.method.rawValue, contentType: $0.payload.contentType, body: $0.body,
                    isSample: $0.isSample)
            })
    }

    /// What people call a format.
    static func label(of name: String) -> String { labels[name] ?? name }

    private static let labels = [
        PayloadFormat.cloudEvents.name: "JSON for a program of yours", "slack": "Slack message",
        "discord": "Discord message", "telegram": "Telegram message", "ntfy": "ntfy notification",
        "teams": "Microsoft Teams message", "matrix": "Matrix message", "form": "Fields of a web form",
        "home-assistant": "Home Assistant trigger",
        "cloudevents-extended": "JSON with the ids of the message on top",
        PayloadFormat.templateName: "A template of your own",
    ]
}
