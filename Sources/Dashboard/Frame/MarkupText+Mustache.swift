import Delivery
import Mustache

extension MarkupText {
    /// What a template of a page begins with, so that its values are escaped so; the library's own way goes by characters.
    static var pragma: String {
        _ = registration
        return "{{% CONTENT_TYPE: \(registeredName)}}\n"
    }

    private static let registeredName = "httpsms-markup"
    private static let registration: Void = MustacheContentTypes.register(Escaping(), named: registeredName)

    private struct Escaping: MustacheContentType {
        func escapeText(_ text: String) -> String { MarkupText.escaped(text) }
    }
}
