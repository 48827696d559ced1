import Gateway
import Wire

/// What an import came to, or would come to. Its size does not depend on how many messages there are, but for the counts of
/// conversations that miss some.
struct ImportSummary {
    /// How the messages of a conversation are here.
    private struct Conversation {
        var read = 0
        var missing = 0
        /// The first of them.
        var ids: [String] = []
    }

    private(set) var read = 0
    private var counts: [ImportedMessage.Fate: Int] = [:]
    private(set) var unusable: [String] = []
    private var unusableCount = 0
    private(set) var problems: [String] = []
    private var problemCount = 0
    private var conversations: [String: Conversation] = [:]

    /// Whether the other server has nothing that is neither here nor still to be sent there.
    ///
    /// After an import nothing is missing that was new, and a message that is behind is not as it is there.
    func isComplete(_ purpose: Commands.ImportPurpose) -> Bool {
        unusableCount == 0 && problemCount == 0 && (purpose != .check || count(.new) + count(.changed) == 0)
    }

    /// How many messages had this fate.
    func count(_ fate: ImportedMessage.Fate) -> Int { counts[fate] ?? 0 }

    /// Counts messages.
    mutating func add(_ messages: [ImportedMessage]) {
        for message in messages {
            read += 1
            let name = "\(message.owner) with \(message.contact)"
            conversations[name, default: Conversation()].read += 1
            if case .unusable(let reason) = message.fate {
                unusableCount += 1
                if unusable.count < Self.mostLines { unusable.append("\(message.id) of \(name): \(reason)") }
                continue
            }
            counts[message.fate, default: 0] += 1
            if message.fate == .new {
                conversations[name]?.missing += 1
                if conversations[name]?.ids.count ?? 0 < Self.mostIDs { conversations[name]?.ids.append(message.id) }
            }
        }
    }

    /// Notes what could not be read.
    mutating func add(problem: String) {
        problemCount += 1
        if problems.count < Self.mostLines { problems.append(problem.firstScalars(Self.longestLine)) }
    }

    /// For the operator.
    func lines(_ purpose: Commands.ImportPurpose) -> [String] {
        var lines = ["Messages read: \(read), conversations: \(conversations.count)"]
        func add(_ count: Int, _ what: String) {
            if count > 0 { lines.append("\("\(count)".leading(to: 9)) \(what)") }
        }
        switch purpose {
        case .bring: add(count(.new), "imported")
        case .dryRun: add(count(.new), "would be imported")
        case .check: add(count(.new), "missing here")
        }
        add(count(.changed), purpose == .bring ? "got further there, brought up to date" : "got further there")
        add(count(.known), "here already")
        add(count(.deleted), "imported before, deleted here")
        add(count(.waits), "still to be sent by the old server, left there")
        add(unusableCount, "cannot be imported")
        lines += Self.shown(unusable, of: unusableCount)
        add(problemCount, "could not be read")
        lines += Self.shown(problems, of: problemCount)
        if purpose == .check {
            let missing = conversations.filter { $0.value.missing > 0 }.sorted { $0.key < $1.key }
            let texts = missing.prefix(Self.mostLines).map { name, conversation in
                """
                \(name): \(conversation.missing) of \(conversation.read) missing: \
                \(conversation.ids.joined(separator: " "))\(conversation.missing > Self.mostIDs ? " ..." : "")
                """
            }
            lines += Self.shown(texts, of: missing.count)
            if isComplete(purpose) { lines.append("Nothing is missing.") }
        }
        // What strangers wrote is among them.
        return lines.map(\.printable)
    }

    private static func shown(_ lines: [String], of count: Int) -> [String] {
        lines.map { "          \($0)" } + (count > lines.count ? ["          and \(count - lines.count) more"] : [])
    }

    /// Lines of one kind.
    private static let mostLines = 100
    /// In characters.
    private static let longestLine = 1_000
    /// Ids of one conversation.
    private static let mostIDs = 5
}

extension String {
    /// The text with spaces before it until it is `width` characters wide.
    fileprivate func leading(to width: Int) -> String {
        String(repeating: " ", count: max(0, width - count)) + self
    }
}
