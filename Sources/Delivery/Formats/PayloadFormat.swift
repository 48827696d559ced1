import Storage

/// In which shape a webhook gets its events.
///
/// ``PayloadRenderer`` makes the request from the stored event, the same bytes each time: what is signed, sent and shown is one.
package enum PayloadFormat: Sendable, Hashable {
    /// One of those that need nothing more.
    case preset(Preset)
    /// What the user wrote.
    case template(PayloadTemplate)

    /// The contract's: the event itself, as it is stored.
    package static let cloudEvents = PayloadFormat.preset(.cloudEvents)

    /// A shape that is built in. The raw value is stored.
    package enum Preset: Int, Sendable, CaseIterable {
        /// CloudEvents 1.0 in JSON.
        case cloudEvents = 0
        /// An incoming webhook of Slack.
        case slack = 1
        /// A webhook of a Discord channel.
        case discord = 2
        /// `sendMessage` of the Telegram Bot API; the chat stands in the URL.
        case telegram = 3
        /// A topic of ntfy.
        case ntfy = 4
        /// A workflow of Microsoft Teams that posts what it is sent.
        case teams = 5
        /// A room of Matrix, by the client-server API.
        case matrix = 6
        /// The fields of a form.
        case form = 7
        /// A webhook trigger of Home Assistant.
        case homeAssistant = 8
        /// CloudEvents 1.0 in JSON, with extension attributes that say which message it is about.
        case cloudEventsExtended = 9

        /// The name on the wire.
        package var name: String {
            switch self {
            case .cloudEvents: "cloudevents"
            case .slack: "slack"
            case .discord: "discord"
            case .telegram: "telegram"
            case .ntfy: "ntfy"
            case .teams: "teams"
            case .matrix: "matrix"
            case .form: "form"
            case .homeAssistant: "home-assistant"
            case .cloudEventsExtended: "cloudevents-extended"
            }
        }
    }

    /// The name of ``template(_:)`` on the wire.
    package static let templateName = "template"

    /// All names on the wire.
    package static let names = Preset.allCases.map(\.name) + [templateName]

    /// The name on the wire.
    package var name: String {
        switch self {
        case .preset(let preset): preset.name
        case .template: Self.templateName
        }
    }

    /// The template, when it is one.
    package var template: PayloadTemplate? {
        if case .template(let template) = self { template } else { nil }
    }

    /// The format of that name; nil when there is none, or it needs a template that is not there.
    package init?(name: String, template: PayloadTemplate?) {
        if name == Self.templateName {
            guard let template else { return nil }
            self = .template(template)
        } else {
            guard let preset = Preset.allCases.first(where: { $0.name == name }) else { return nil }
            self = .preset(preset)
        }
    }

    /// Whether requests are signed where the webhook has a key. The services that are not told here read `Authorization` as a
    /// token of their own, and refuse ours.
    package var isSigned: Bool {
        switch self {
        case .preset(.cloudEvents), .preset(.cloudEventsExtended), .preset(.form), .preset(.homeAssistant), .template:
            true
        case .preset: false
        }
    }
}

extension PayloadFormat {
    /// What stands for a template in the store, far behind the presets.
    private static let storedTemplate = 100

    /// What stands for it in the store.
    var stored: Int {
        switch self {
        case .preset(let preset): preset.rawValue
        case .template: Self.storedTemplate
        }
    }

    /// Reads the columns of `endpoint`; only a template has more than one.
    init(row: Row) throws {
        let stored: Int = try row.get("payload_format")
        if let preset = Preset(rawValue: stored) {
            self = .preset(preset)
            return
        }
        guard stored == Self.storedTemplate, let method = WebhookMethod(rawValue: try row.get("template_method")) else {
            throw StorageError.corrupt("the payload format \(stored) is not known")
        }
        self = .template(
            PayloadTemplate(
                method: method, contentType: try row.get("template_content_type"), body: try row.get("template_body")))
    }
}

/// A request that the user wrote: a Mustache template over the event.
package struct PayloadTemplate: Sendable, Hashable {
    /// How it is sent.
    package let method: WebhookMethod
    /// The value of `Content-Type`, which also decides how values are escaped.
    package let contentType: String
    /// The template.
    package let body: String

    /// 64 KiB.
    package static let maximumBytes = 64 * 1_024

    /// Describes a request; ``check(for:)`` tells whether it can be made.
    package init(method: WebhookMethod, contentType: String, body: String) {
        self.method = method
        self.contentType = contentType
        self.body = body
    }
}

/// How a webhook is sent.
package enum WebhookMethod: String, Sendable, CaseIterable {
    case post = "POST"
    case put = "PUT"
}

/// A request as far as the format decides it.
package struct RenderedPayload: Sendable, Hashable {
    /// How it is sent.
    package var method = WebhookMethod.post
    /// The value of `Content-Type`.
    package let contentType: String
    /// The body.
    package let bytes: [UInt8]
    /// What is added to the path of the callback URL, before its query; nil for nothing.
    package var pathSuffix: String?
}

/// Why an event cannot be put into a format.
package enum PayloadFault: Error, Sendable, Hashable, CustomStringConvertible {
    /// The stored event is none that this version knows.
    case event(String)
    /// The template is not one.
    case template(String)
    /// The body is larger than ``PayloadRenderer/maximumBytes``.
    case tooLarge

    /// What is wrong, without a full stop.
    package var description: String {
        switch self {
        case .event(let reason): "the event cannot be read: \(reason)"
        case .template(let reason): reason
        case .tooLarge: "the body would exceed \(PayloadRenderer.maximumBytes / 1_024) KiB"
        }
    }
}
