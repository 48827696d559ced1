import Wire

@testable import Gateway

extension FuzzTarget {
    /// Text that becomes part of pages and of URLs.
    static let texts: [FuzzTarget] = [markdown, attachmentName, placeholderText]

    private static let markdown = FuzzTarget(
        "markdown",
        words: ["# ", "[a](b)", "![a](b)", "```\n", "| a |\n|---|\n", "<script>", "~~", "**", "&#0;", "\n\n", "- "]
    ) { bytes in
        let html = Markdown.html(bytes.text, address: { $0.hasPrefix("a") ? nil : "/docs" })
        try hold(!html.lowercased().contains("<script"), "HTML of the text comes through")
        try hold(!html.lowercased().contains("href=\"javascript:"), "a link runs a script")
        // Tables repeat cells; what else grows does so by its tags.
        try hold(html.utf8.count <= 4_096 + bytes.count * 2_048, "\(bytes.count) bytes have become \(html.utf8.count)")
    }

    /// The first line is what every placeholder stands for, the rest the text.
    private static let placeholderText = FuzzTarget(
        "placeholder-text", words: ["{{name}}", "{{", "}}", "{", "}", "{{ a }}", "\n", "\u{301}", "\u{200B}"]
    ) { bytes in
        let (value, rest) = bytes.firstLine
        let text = rest.text
        let parsed = PlaceholderText(text)
        try hold(parsed.bytesExamined <= 3 * text.utf8.count, "\(parsed.bytesExamined) bytes of \(text.utf8.count)")
        try hold(parsed.names.count <= parsed.count, "there are more names than placeholders")
        let empty = parsed.filled { _ in nil }
        try hold(empty.missing == parsed.names, "a placeholder without a value is not told")
        try hold(PlaceholderText(empty.text).names == parsed.names, "what is left is not what was written")
        let filled = parsed.filled { _ in value.text }
        try hold(filled.missing.isEmpty == (parsed.names.isEmpty || !value.text.trimmed.isEmpty), "a value is lost")
        // A value is put in as it is, and never looked through.
        let removed = text.utf8.count + parsed.count * value.text.utf8.count
        try hold(filled.text.utf8.count <= removed + 6 * parsed.count, "values are put in more than once")
    }

    /// The first line is the content type, the rest the name that the phone gave the file.
    private static let attachmentName = FuzzTarget(
        "attachment-name", upTo: 512, words: ["image/jpeg\n", "..", "/", "%2F"]
    ) {
        bytes in
        let (type, name) = bytes.firstLine
        let file = AttachmentRules.fileName(name.text, index: 0, token: "0123", contentType: type.text)
        let isPlain = file.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
        }
        try hold(isPlain && file.count(where: { $0 == "." }) == 1, "a file is called \(file.debugDescription)")
        try hold(file.utf8.count <= 128, "the name has \(file.utf8.count) bytes")
    }
}
