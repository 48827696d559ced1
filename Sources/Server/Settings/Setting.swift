/// One setting of the server: its variable, and all that is said of it.
///
/// `serve --help`, `docs/settings.md`, the error about a value that cannot be read, and the tests of settings are made of
/// ``all``; nothing is said of a setting anywhere else. What reads it is ``GatewayConfiguration``.
package struct Setting: Sendable {
    /// What holds where nothing is set.
    enum Standard: Sendable {
        /// A value that could be set as it is.
        case value(String)
        /// What happens, in words.
        case words(String)
    }

    /// The environment variable.
    package let variable: String
    /// The flag of `serve` that stands in for the variable; nil when there is none.
    let flag: String?
    let standard: Standard
    /// What a value may be: the end of "cannot be read: it must be". Nil when any text can be read.
    let expected: String?
    /// What it does, a sentence or more, as Markdown whose links start at `docs`.
    let meaning: String

    init(
        _ variable: String, flag: String? = nil, _ standard: Standard, expected: String? = nil, _ meaning: String
    ) {
        self.variable = variable
        self.flag = flag
        self.standard = standard
        self.expected = expected
        self.meaning = meaning
    }

    /// What the flag's help says.
    package var help: String {
        "\(Self.plain(meaning)) [\(variable)] (default: \(standardText))"
    }

    /// The variables without a flag, as the help of `serve` lists them.
    package static var helpOfVariables: String {
        all.filter { $0.flag == nil }.map { setting in
            ["  \(setting.variable)"]
                + lines("\(plain(setting.meaning)) (default: \(setting.standardText))").map { "    \($0)" }
        }.joined().joined(separator: "\n")
    }

    /// `text` in lines that fit into a terminal of 80 columns behind an indentation of four.
    private static func lines(_ text: String) -> [String] {
        text.split(separator: " ").reduce(into: [String]()) { lines, word in
            if let last = lines.last, last.count + word.count < 75 {
                lines[lines.count - 1] = "\(last) \(word)"
            } else {
                lines.append(String(word))
            }
        }
    }

    /// The table of `docs/settings.md`.
    static var markdown: String {
        let rows = all.map { setting in
            let flag = setting.flag.map { "`--\($0)`" } ?? ""
            let standard =
                switch setting.standard {
                case .value(let value): "`\(value)`"
                case .words(let words): words
                }
            return "| `\(setting.variable)` | \(flag) | \(standard) | \(setting.meaning) |"
        }
        return (["| variable | flag | default | meaning |", "|---|---|---|---|"] + rows).joined(separator: "\n")
    }

    private var standardText: String {
        switch standard {
        case .value(let value): value
        case .words(let words): Self.plain(words)
        }
    }

    /// Markdown as plain text: the words of links without where they lead, and no backticks.
    private static func plain(_ markdown: String) -> String {
        markdown.replacing(/\[([^\]]*)\]\([^)]*\)/) { $0.output.1 }.replacing("`", with: "")
    }
}
