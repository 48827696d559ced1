import JSON

/// How values are escaped in a body of a content type.
enum TemplateEscaping: Sendable {
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

    /// `text` as it stands in such a body, in JSON between quotes: at least as long, and at most six times.
    func escaped(_ text: String) -> String {
        switch self {
        case .json: String(decoding: text.encodedJSON().dropFirst().dropLast(), as: UTF8.self)
        case .form: FormText.encoded(text)
        case .markup: MarkupText.escaped(text)
        case .none: text
        }
    }
}
