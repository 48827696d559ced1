@testable import Gateway

extension FuzzTarget {
    /// Text that becomes part of pages and of URLs.
    static let texts: [FuzzTarget] = [markdown, attachmentName]

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
