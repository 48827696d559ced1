import Delivery
/// A delivery as a command for a shell. The text of an SMS is anybody's, so everything is quoted; tokens are placeholders.
enum CurlCommand {
    static func text(
        method: WebhookMethod = .post, url: String, suffix: String? = nil, headers: [(name: String, value: String)],
        body: String
    ) -> String {
        // As ``WebhookRequest`` puts it before the query.
        let end = url.firstIndex { $0 == "?" || $0 == "#" } ?? url.endIndex
        let path = url[..<end]
        let target = suffix.map { "\(path)\(path.hasSuffix("/") ? "" : "/")\($0)\(url[end...])" } ?? url
        return
            (["curl -sS -X \(method.rawValue) \(quoted(target))"]
            + headers.map { "-H \(quoted("\($0.name): \($0.value)"))" } + ["--data-binary \(quoted(body))"])
            .joined(separator: " \\\n  ")
    }

    /// One word of a POSIX shell, whatever `text` holds. By scalars: a quotation mark with a combining accent behind it is one
    /// character to Swift, and still ends the word.
    static func quoted(_ text: String) -> String {
        text.unicodeScalars.reduce(into: "'") { word, scalar in
            if scalar == "'" { word += #"'\''"# } else { word.unicodeScalars.append(scalar) }
        } + "'"
    }
}
