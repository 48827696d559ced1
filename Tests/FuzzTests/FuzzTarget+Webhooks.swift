import HTTPSMSWebhooks
import JSON

@testable import Delivery

extension FuzzTarget {
    /// What owners of webhooks write for the server to carry out.
    static let webhooks: [FuzzTarget] = [template, pattern]

    /// The first line is the content type, the rest the template.
    private static let template = FuzzTarget(
        "payload-template",
        words: [
            "application/json\n", "text/plain\n", "application/x-www-form-urlencoded\n", "{{data.content}}",
            "{{{event}}}", "{{#data.attachments}}", "{{/data.attachments}}", "{{^data.content}}", "{{! a }}", "{{.}}",
            "{{>a}}", "{{=<% %>=}}", "{{first()}}", "{{#data}}", "{{/data}}", "{{data.content.text}}", "\n", "\r\n",
            " ", "{", "\"", "\\",
        ]
    ) { bytes in
        let (type, body) = bytes.firstLine
        let source = PayloadTemplate(method: .post, contentType: type.text, body: body.text)
        var reader = TemplateReader(source.body)
        // What is refused was looked at, too.
        _ = try? reader.read()
        try hold(reader.bytesExamined <= 2 * source.body.utf8.count, "\(reader.bytesExamined) bytes are looked at")
        guard let template = try? CompiledTemplate(source) else { return }
        let isValid = (try? template.check(for: EventType.allCases)) != nil
        for type in EventType.allCases {
            let event = type.declaration.awkward
            guard let payload = try? template.payload(of: event, body: event.encoded()) else {
                try hold(!isValid, "a template that was accepted cannot be rendered for \(type.rawValue)")
                continue
            }
            try hold(payload.bytes.count <= PayloadRenderer.maximumBytes, "\(payload.bytes.count) bytes are sent")
            let again = try? template.payload(of: event, body: event.encoded())
            try hold(again == payload, "two attempts send other bytes")
            guard isValid, TemplateEscaping(contentType: source.contentType) == .json else { continue }
            try hold(JSONScanner.fault(in: payload.bytes) == nil, "what was accepted as JSON is none")
        }
    }

    /// The first line is the expression, the rest a text.
    private static let pattern = FuzzTarget(
        "text-pattern", upTo: 512,
        words: ["(a|b)*", "[^a-z]", "\\d{2,5}", "^", "$", "(?:", "{64}", "\\", "|", "?", "[]", "ß", "\n"]
    ) { bytes in
        let (expression, text) = bytes.firstLine
        guard let pattern = try? TextPattern(expression.text) else { return }
        let scalars = Array(text.text.lowercased().unicodeScalars)
        try hold(pattern.fits(scalars) == pattern.fits(scalars), "one text fits and does not")
        // What fits a part of a text fits the text, unless the expression names its ends.
        guard !expression.text.contains("^"), !expression.text.contains("$"), pattern.fits(scalars) else { return }
        try hold(pattern.fits(scalars + ["x"]) && pattern.fits(["x"] + scalars), "more text fits less")
    }
}
