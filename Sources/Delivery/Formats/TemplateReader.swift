/// Reads a template: names, sections and comments between braces.
///
/// It goes over the bytes once, from front to back, and keeps what it finds as a flat list. Everything else that Mustache knows
/// (partials, inheritance, other delimiters, lambdas, functions) has no use over one event, and is refused.
struct TemplateReader {
    /// Tags of a template: what it takes to write it is bounded by that, see ``TemplateWriter``.
    static let maximum = 500
    /// Sections in sections.
    static let deepest = 8

    private let bytes: [UInt8]
    private var position = 0
    private var nodes: [TemplateNode] = []
    private var sections: [Section] = []
    private var tags = 0
    /// Where the text begins that no node has yet.
    private var literalStart = 0
    /// Where the white space begins that is all of the line so far; nil when there is something else in it.
    private var blankStart: Int? = 0
    /// How many bytes were looked at: at most twice as many as there are.
    private(set) var bytesExamined = 0

    /// Begins with `text`.
    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    /// Reads all of it; to be called once.
    ///
    /// - Throws: `template` with what is wrong, and in which line.
    mutating func read() throws(PayloadFault) -> ParsedTemplate {
        while findTag() {
            let start = position
            let tag = try readTag()
            tags += 1
            guard tags <= Self.maximum else { throw fault("it has more than \(Self.maximum) tags") }
            try add(tag, at: start)
        }
        if let open = sections.last { throw fault("the section \(open.name) is not closed") }
        // White space in the last line counts for nothing.
        addLiteral(upTo: blankStart ?? bytes.count)
        return ParsedTemplate(bytes: bytes, nodes: nodes)
    }

    // MARK: What a tag means

    private enum Tag {
        case comment
        case variable(String, isEscaped: Bool)
        case section(String, isInverted: Bool)
        case end(String)
    }

    /// A section whose end was not read yet.
    private struct Section {
        let name: String
        let value: TemplateName
        let isInverted: Bool
        /// Its place in the list.
        let node: Int
        /// Whether the tag that began it had its line for itself.
        let isAlone: Bool

        var lastPart: Substring { name.split(separator: ".").last ?? Substring(name) }
    }

    private mutating func add(_ tag: Tag, at start: Int) throws(PayloadFault) {
        switch tag {
        case .comment: _ = endLiteral(at: start, mayBeAlone: true)
        case .variable(let text, let isEscaped):
            let name = try name(text)
            _ = endLiteral(at: start, mayBeAlone: false)
            nodes.append(.variable(name, isEscaped: isEscaped))
        case .section(let text, let isInverted):
            let name = try name(text)
            let position = position
            let isAlone = endLiteral(at: start, mayBeAlone: true)
            let section = Section(
                name: text, value: name, isInverted: isInverted, node: nodes.count, isAlone: isAlone)
            // A list in itself would multiply.
            guard !sections.contains(where: { $0.lastPart == section.lastPart }) else {
                throw fault("the section \(text) stands in itself", at: position)
            }
            guard sections.count < Self.deepest else {
                throw fault("sections are nested deeper than \(Self.deepest)", at: position)
            }
            sections.append(section)
            nodes.append(.section(name, isInverted: isInverted, end: nodes.count))
        case .end(let text):
            guard let open = sections.popLast() else {
                throw fault("no section is open at /\(text.prefix(TemplateName.longest))")
            }
            guard open.name == text else {
                throw fault("/\(text.prefix(TemplateName.longest)) ends the section \(open.name)")
            }
            _ = endLiteral(at: start, mayBeAlone: true)
            nodes[open.node] = .section(open.value, isInverted: open.isInverted, end: nodes.count)
            // Whether a line begins here is taken from the beginning of the section, as it always was: the bytes of templates that
            // were saved stay as they are.
            blankStart = open.isAlone ? position : nil
        }
    }

    private func name(_ text: String) throws(PayloadFault) -> TemplateName {
        let around = sections.filter { !$0.isInverted }
        let isInData = around.contains { $0.value == .event(.data) }
        guard let name = TemplateName(text, isInSection: !around.isEmpty, isInData: isInData) else {
            throw fault("between braces stands the name of a member, such as data.content")
        }
        return name
    }

    // MARK: Literals

    /// Ends the literal before the tag that begins at `start` and was just read. One that has its line for itself takes all of it.
    ///
    /// - Returns: Whether it has.
    private mutating func endLiteral(at start: Int, mayBeAlone: Bool) -> Bool {
        let blankStart = mayBeAlone ? blankStart : nil
        let isAlone = blankStart != nil && takeRestOfLine()
        addLiteral(upTo: isAlone ? blankStart ?? start : start)
        literalStart = position
        self.blankStart = isAlone ? position : nil
        return isAlone
    }

    private mutating func addLiteral(upTo end: Int) {
        if literalStart < end { nodes.append(.literal(literalStart..<end)) }
    }

    /// Goes behind the end of the line when nothing but white space is before it.
    private mutating func takeRestOfLine() -> Bool {
        var end = position
        if end == bytes.count { return true }
        while end < bytes.count, bytes[end] == UInt8(ascii: " ") || bytes[end] == UInt8(ascii: "\t") {
            bytesExamined += 1
            end += 1
        }
        if end + 1 < bytes.count, bytes[end] == UInt8(ascii: "\r") { end += 1 }
        guard end < bytes.count, bytes[end] == UInt8(ascii: "\n") else { return false }
        position = end + 1
        return true
    }

    // MARK: Tags

    /// Goes to the next tag; false when there is none.
    private mutating func findTag() -> Bool {
        while position < bytes.count {
            bytesExamined += 1
            switch bytes[position] {
            case UInt8(ascii: "\n"): blankStart = position + 1
            case UInt8(ascii: " "), UInt8(ascii: "\t"): break
            case UInt8(ascii: "{") where isAt(UInt8(ascii: "{"), times: 2): return true
            default: blankStart = nil
            }
            position += 1
        }
        return false
    }

    private mutating func readTag() throws(PayloadFault) -> Tag {
        position += 2
        guard position < bytes.count else { throw fault("the last tag is not closed") }
        let sigil = bytes[position]
        switch sigil {
        case UInt8(ascii: "{"): return .variable(try content(skipping: 1, braces: 3), isEscaped: false)
        case UInt8(ascii: "&"): return .variable(try content(skipping: 1), isEscaped: false)
        case UInt8(ascii: "#"): return .section(try content(skipping: 1), isInverted: false)
        case UInt8(ascii: "^"): return .section(try content(skipping: 1), isInverted: true)
        case UInt8(ascii: "/"): return .end(try content(skipping: 1))
        case UInt8(ascii: "!"):
            _ = try content(skipping: 1)
            return .comment
        case UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "$"), UInt8(ascii: "="), UInt8(ascii: "%"),
            UInt8(ascii: "*"):
            throw fault("tags that begin with \(Character(Unicode.Scalar(sigil))) are not supported")
        default: return .variable(try content(skipping: 0), isEscaped: true)
        }
    }

    /// What stands up to the closing braces, without white space around it. Goes behind them.
    private mutating func content(skipping count: Int, braces: Int = 2) throws(PayloadFault) -> String {
        position += count
        let start = position
        while !isAt(UInt8(ascii: "}"), times: braces) {
            guard position < bytes.count else { throw fault("a tag is not closed", at: start) }
            bytesExamined += 1
            position += 1
        }
        let scalars = String(decoding: bytes[start..<position], as: UTF8.self).unicodeScalars
        position += braces
        guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
            let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
        else { return "" }
        return String(scalars[first...last])
    }

    private func isAt(_ byte: UInt8, times: Int) -> Bool {
        position + times <= bytes.count && bytes[position..<position + times].allSatisfy { $0 == byte }
    }

    private func fault(_ reason: String, at place: Int? = nil) -> PayloadFault {
        let line = bytes[..<min(place ?? position, bytes.count)].count(where: { $0 == UInt8(ascii: "\n") }) + 1
        return .template("line \(line): \(reason)")
    }
}
