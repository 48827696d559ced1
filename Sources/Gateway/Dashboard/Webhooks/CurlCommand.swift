/// A delivery as a command for a shell. The text of an SMS is anybody's, so everything is quoted; tokens are placeholders.
enum CurlCommand {
    static func text(url: String, headers: [(name: String, value: String)], body: String) -> String {
        (["curl -sS -X POST \(quoted(url))"]
            + headers.map { "-H \(quoted("\($0.name): \($0.value)"))" } + ["--data-binary \(quoted(body))"])
            .joined(separator: " \\\n  ")
    }

    /// One word of a POSIX shell, whatever `text` holds.
    static func quoted(_ text: String) -> String {
        "'" + text.replacing("'", with: #"'\''"#) + "'"
    }
}
