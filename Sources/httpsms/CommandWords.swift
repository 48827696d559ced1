import ArgumentParser

/// The words that name a command, which are looked at before the parser sees them: it answers an unknown one with the help
/// of another command.
enum CommandWords {
    /// Checks the words that name the command.
    ///
    /// - Parameters:
    ///   - arguments: Those of the command line, without the program's name.
    ///   - root: The command that they are below.
    /// - Returns: What is wrong, with the nearest command that there is; nil when it is there, or when options come first.
    static func problem(with arguments: [String], below root: any ParsableCommand.Type) -> String? {
        var command = root
        var path = [root._commandName]
        let words = arguments.first == "help" ? arguments.dropFirst() : arguments[...]
        for word in words {
            let below = command.configuration.subcommands
            guard !below.isEmpty, !word.hasPrefix("-") else { return nil }
            if let next = below.first(where: { child in names(of: child).contains(word) }) {
                command = next
                path.append(word)
                continue
            }
            guard word != "help" || path.count > 1 else { return nil }
            var shown: [String] = []
            for child in below where child.configuration.shouldDisplay { shown.append(child._commandName) }
            let parent = path.joined(separator: " ")
            let hint =
                nearest(to: word, in: shown).map { "Did you mean `\(parent) \($0)`?" }
                ?? "There are: \(shown.sorted().joined(separator: ", "))."
            return "there is no command `\(parent) \(word)`. \(hint) See `\(parent) --help`."
        }
        return nil
    }

    private static func names(of command: any ParsableCommand.Type) -> [String] {
        command.configuration.aliases + [command._commandName]
    }

    /// The name that a typing error turns into `word`: at most a third of its letters differ. A word of more than 32
    /// letters is none.
    static func nearest(to word: String, in names: [String]) -> String? {
        guard word.count <= 32 else { return nil }
        let found = names.map { (name: $0, distance: distance(word.lowercased(), $0)) }.min {
            $0.distance < $1.distance
        }
        guard let found else { return nil }
        return found.distance <= max(1, found.name.count / 3)
            || (word.count >= 2 && found.name.hasPrefix(word.lowercased()))
            ? found.name : nil
    }

    /// How many letters must be added, taken away, replaced or swapped with their neighbour (optimal string alignment).
    static func distance(_ first: String, _ second: String) -> Int {
        let (first, second) = (Array(first), Array(second))
        var rows = [Array(0...second.count)]
        for (i, letter) in first.enumerated() {
            var row = [i + 1]
            for (j, other) in second.enumerated() {
                var best = min(rows[i][j] + (letter == other ? 0 : 1), rows[i][j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, letter == second[j - 1], first[i - 1] == other {
                    best = min(best, rows[i - 1][j - 1] + 1)
                }
                row.append(best)
            }
            rows.append(row)
        }
        return rows[first.count][second.count]
    }
}
