import Wire

/// What somebody wants saved: the body of POST and PUT `/v1/texts`, and the rules for it.
package struct SavedTextDraft: Decodable, Sendable, Hashable {
    /// What it is found by.
    package var name: String
    /// The text, with placeholders such as `{{name}}`.
    package var content: String

    /// Says it all, as somebody wrote it.
    package init(name: String, content: String) {
        (self.name, self.content) = (name, content)
    }

    private enum Member: CodingKey {
        case name, content
    }

    package init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: Member.self)
        name = try members.decodeIfPresent(String.self, forKey: .name) ?? ""
        content = try members.decodeIfPresent(String.self, forKey: .content) ?? ""
    }

    /// The same as it is stored: a name of one line, and lines of the text that end as those of an SMS do, not as a browser
    /// sends them.
    var normalized: SavedTextDraft {
        SavedTextDraft(
            name: name.split(whereSeparator: \.isNewline).map(\.trimmed).joined(separator: " ").trimmed,
            content: content.replacingBytes("\r\n", with: "\n").trimmed)
    }

    /// Tries the rules on a normalized draft; `message` goes with what does not hold.
    ///
    /// - Throws: ``Refusal`` `.invalid`.
    func check(or message: String) throws(Refusal) {
        var errors = FieldErrors()
        errors.require("name", name)
        errors.requireBytes("name", name, max: Self.longestName)
        errors.require("content", content)
        errors.requireCharacters("content", content, max: Self.longestContent)
        if PlaceholderText(content).count > PlaceholderText.mostPlaceholders {
            errors.add(
                "content", "The content field must have at most \(PlaceholderText.mostPlaceholders) placeholders")
        }
        try errors.check(message)
    }

    /// In bytes: what fits into a line of a list.
    package static let longestName = 100
    /// In UTF-16 units, as the content of a message.
    static let longestContent = 2_048
}
