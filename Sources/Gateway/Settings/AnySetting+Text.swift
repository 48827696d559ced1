/// What people read of a setting.
extension AnySetting {
    /// What the flag's help says.
    package var help: String {
        "\(plain(meaning)) [\(variable)] (default: \(standardText))"
    }

    /// Its lines in the help of `serve`.
    var helpOfVariable: [String] {
        ["  \(variable)"] + lines("\(plain(meaning)) (default: \(standardText))").map { "    \($0)" }
    }

    /// Its row in `docs/settings.md`.
    var markdownRow: String {
        let flag = flag.map { "`--\($0)`" } ?? ""
        let standard =
            switch standard {
            case .value(let value): "`\(value)`"
            case .words(let words): words
            }
        return "| `\(variable)` | \(flag) | \(standard) | \(meaning) |"
    }

    private var standardText: String {
        switch standard {
        case .value(let value): value
        case .words(let words): plain(words)
        }
    }

    /// `text` in lines that fit into a terminal of 80 columns behind an indentation of four.
    private func lines(_ text: String) -> [String] {
        text.split(separator: " ").reduce(into: [String]()) { lines, word in
            if let last = lines.last, last.count + word.count < 75 {
                lines[lines.count - 1] = "\(last) \(word)"
            } else {
                lines.append(String(word))
            }
        }
    }

    /// Markdown as plain text: the words of links without where they lead, and no backticks.
    private func plain(_ markdown: String) -> String {
        markdown.replacing(/\[([^\]]*)\]\([^)]*\)/) { $0.output.1 }.replacing("`", with: "")
    }
}

extension SettingTable {
    /// The variables without a flag, as the help of `serve` lists them.
    package static var helpOfVariables: String {
        all.filter { $0.flag == nil }.flatMap(\.helpOfVariable).joined(separator: "\n")
    }

    /// The table of `docs/settings.md`.
    static var markdown: String {
        (["| variable | flag | default | meaning |", "|---|---|---|---|"] + all.map(\.markdownRow))
            .joined(separator: "\n")
    }
}
