import Delivery
import HTTPSMSWebhooks
import JSON
import Wire

/// What a body says of the shape in which a webhook gets events.
package struct PayloadUpdate: Decodable, Sendable {
    /// A name of ``PayloadFormat``.
    var format: Patch<String> = .absent
    /// What the format `template` needs.
    var template: Patch<Template> = .absent

    /// Its members of the body of a webhook.
    enum Member: String, CodingKey {
        case payloadFormat, payloadTemplate
    }

    /// Reads the members that are its own.
    package init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: Member.self)
        format = try members.patch(forKey: .payloadFormat)
        template = try members.patch(forKey: .payloadTemplate)
    }

    /// Says what becomes of both; what is left out stays.
    package init(format: Patch<String> = .absent, template: Patch<Template> = .absent) {
        (self.format, self.template) = (format, template)
    }

    /// A template as it is written in JSON.
    package struct Template: Decodable, Sendable {
        var method: String?
        var contentType: String?
        var body: String?

        /// A template; nil is what is not said.
        package init(method: String? = nil, contentType: String? = nil, body: String? = nil) {
            (self.method, self.contentType, self.body) = (method, contentType, body)
        }
    }

    /// The format that `current`, nil for a new webhook, becomes; a template is tried with all events.
    func format(over current: PayloadFormat?, types: [EventType], _ errors: inout FieldErrors) -> PayloadFormat {
        let name = format.applied(to: current?.name) ?? PayloadFormat.cloudEvents.name
        errors.requireOne("payload_format", name, of: PayloadFormat.names)
        guard name == PayloadFormat.templateName else {
            if template.value != nil {
                errors.add("payload_template", "The payload_template field goes with the payload_format template only")
            }
            return PayloadFormat(name: name, template: nil) ?? .cloudEvents
        }
        let kept = current?.template.map {
            Template(method: $0.method.rawValue, contentType: $0.contentType, body: $0.body)
        }
        guard let given = template.applied(to: kept) else {
            errors.add("payload_template", "The payload_template field is required with the payload_format template")
            return .cloudEvents
        }
        return Self.checked(given, types: types, &errors).map(PayloadFormat.template) ?? .cloudEvents
    }

    private static func checked(
        _ template: Template, types: [EventType], _ errors: inout FieldErrors
    ) -> PayloadTemplate? {
        let name = (template.method ?? WebhookMethod.post.rawValue).uppercased()
        guard let method = WebhookMethod(rawValue: name) else {
            errors.add("payload_template", "The method of the payload_template field must be one of POST, PUT")
            return nil
        }
        let contentType = template.contentType?.trimmed ?? "application/json"
        guard isMediaType(contentType) else {
            errors.add(
                "payload_template",
                "The content_type of the payload_template field must be one, such as application/json")
            return nil
        }
        let result = PayloadTemplate(method: method, contentType: contentType, body: template.body ?? "")
        do {
            try result.check(for: types)
            return result
        } catch {
            errors.add("payload_template", "The body of the payload_template field cannot be used: \(error)")
            return nil
        }
    }

    /// `type/subtype` and parameters in visible ASCII: it becomes a header field.
    private static func isMediaType(_ text: String) -> Bool {
        let parts = text.prefix { $0 != ";" }.split(separator: "/", omittingEmptySubsequences: false).map(\.trimmed)
        return text.utf8.count <= 255 && text.utf8.allSatisfy { (0x20...0x7E).contains($0) }
            && parts.count == 2 && parts.allSatisfy { !$0.isEmpty && !$0.contains(" ") }
    }
}

extension PayloadFormat {
    /// Tells what the service at `callback` would refuse for its URL.
    func check(_ callback: CallbackURL, _ field: String, _ errors: inout FieldErrors) {
        switch self {
        case .preset(.telegram) where !callback.target.contains("?chat_id=") && !callback.target.contains("&chat_id="):
            errors.add(
                field,
                "The \(field) field must name the chat: https://api.telegram.org/bot<token>/sendMessage?chat_id=<chat>")
        case .preset(.matrix) where !callback.target.contains("/rooms/") || !callback.target.contains("/send/"):
            errors.add(
                field,
                "The \(field) field must name the room: https://<server>/_matrix/client/v3/rooms/<room id>/send/m.room.message"
            )
        default: break
        }
    }
}

extension PayloadTemplate: JSONWritable {
    package func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("method", method.rawValue)
            o.field("content_type", contentType)
            o.field("body", body)
        }
    }
}

/// What a webhook would send of an event.
package struct PayloadPreview: JSONWritable {
    /// What would be sent.
    package let payload: RenderedPayload
    /// The event that it was made of.
    let event: [UInt8]
    /// Whether that event is made up, for the account has had none of its type.
    package let isSample: Bool

    /// The body as text.
    package var body: String { String(decoding: payload.bytes, as: UTF8.self) }

    package func write(to json: inout JSONWriter) {
        json.object { o in
            o.field("method", payload.method.rawValue)
            o.field("path_suffix", payload.pathSuffix)
            o.field("content_type", payload.contentType)
            o.field("body", body)
            o.field("is_sample", isSample)
            o.raw("event", event)
        }
    }
}
