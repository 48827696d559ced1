/// Patterns for `LIKE … ESCAPE '\'`.
package enum SQLPattern {
    /// Matches what contains `text` as it is; ASCII letters are folded to lower case, so compare with `LOWER(column)`.
    package static func containing(_ text: String) -> String {
        var pattern = "%"
        for character in text.lowercased() {
            if character == "%" || character == "_" || character == "\\" { pattern.append("\\") }
            pattern.append(character)
        }
        return pattern + "%"
    }
}
