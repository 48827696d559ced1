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
}
