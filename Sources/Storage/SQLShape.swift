/// What of a statement is the same each time that its place in the program is passed: all but the values. It is what a
/// prepared statement is found by.
///
/// Statements of the same shape have the same text. The runs of text are literals of the program, at the same place in
/// memory each time, so a comparison seldom looks at their characters, and the hash is of their lengths alone: the text is
/// put together only for a statement that was never prepared.
struct SQLShape: Hashable {
    private let parts: [SQL.Part]
    private let lengths: Int

    init(_ statement: SQL) {
        self.init(parts: statement.parts)
    }

    /// The same without the values, for keeping.
    var withoutValues: SQLShape { SQLShape(parts: parts.map { if case .bind = $0 { .bind(.null) } else { $0 } }) }

    private init(parts: [SQL.Part]) {
        self.parts = parts
        var lengths = parts.count
        for part in parts {
            lengths &*= 31
            switch part {
            case .text(let run): lengths &+= run.utf8.count
            case .bind: lengths &+= 1
            case .fragment: lengths &+= 2
            }
        }
        self.lengths = lengths
    }

    static func == (left: SQLShape, right: SQLShape) -> Bool {
        guard left.lengths == right.lengths, left.parts.count == right.parts.count else { return false }
        // Each case by itself: a pair of both would be copied and destroyed for each part.
        for (one, other) in zip(left.parts, right.parts) where !one.hasText(of: other) { return false }
        return true
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(lengths)
    }
}

extension SQL.Part {
    /// Whether a part has the same text in a statement as `other`, whatever is bound.
    fileprivate func hasText(of other: SQL.Part) -> Bool {
        switch self {
        case .text(let text):
            if case .text(let theirs) = other { return text == theirs }
        case .bind:
            if case .bind = other { return true }
        case .fragment(let fragment):
            if case .fragment(let theirs) = other { return fragment == theirs }
        }
        return false
    }
}
