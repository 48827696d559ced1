import Mustache

/// Text in HTML and XML, whatever it holds.
///
/// By scalars: a quotation mark with a combining accent behind it is one character to Swift, and still ends an attribute.
package enum MarkupText {
    /// `text` as the text of an element, or between the quotes of an attribute.
    package static func escaped(_ text: String) -> String {
        var result = ""
        result.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "&": result += "&amp;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// What a Mustache template begins with whose values are escaped so; the library's own way goes by characters.
    package static var pragma: String {
        _ = registration
        return "{{% CONTENT_TYPE: \(name)}}\n"
    }

    static var registeredName: String {
        _ = registration
        return name
    }

    private static let name = "httpsms-markup"
    private static let registration: Void = MustacheContentTypes.register(Escaping(), named: name)

    private struct Escaping: MustacheContentType {
        func escapeText(_ text: String) -> String { MarkupText.escaped(text) }
    }
}
