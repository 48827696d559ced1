/// What a user may write between braces: names, sections and comments.
///
/// Everything else that Mustache knows (partials, inheritance, other delimiters, lambdas, functions) has no use over one event, and
/// each has a way to take the stack, the time or the process of everybody. So a template is read here before the library reads it,
/// which then meets nothing that it could not do in bounded time.
enum TemplateTags {
    /// 500: a template of 64 KiB takes milliseconds.
    static let maximum = 500
    /// Sections in sections.
    static let deepest = 8

    /// Checks `template`. One step per character.
    ///
    /// - Throws: `template` with what is wrong, and in which line.
    static func check(_ template: String) throws(PayloadFault) {
        var reader = Reader(template)
        var count = 0
        var sections: [String] = []
        while let tag = try reader.tag() {
            count += 1
            guard count <= maximum else { throw reader.fault("it has more than \(maximum) tags") }
            switch tag.kind {
            case .comment: break
            case .variable: try check(tag.name, reader)
            case .section:
                try check(tag.name, reader)
                // A list in itself would multiply.
                guard !sections.contains(where: { lastPart($0) == lastPart(tag.name) }) else {
                    throw reader.fault("the section \(tag.name) stands in itself")
                }
                sections.append(tag.name)
                guard sections.count <= deepest else {
                    throw reader.fault("sections are nested deeper than \(deepest)")
                }
            case .end:
                guard let open = sections.popLast() else { throw reader.fault("no section is open at /\(tag.name)") }
                guard open == tag.name else { throw reader.fault("/\(tag.name) ends the section \(open)") }
            }
        }
        if let open = sections.last { throw reader.fault("the section \(open) is not closed") }
    }

    private static func lastPart(_ name: String) -> Substring {
        name.split(separator: ".").last ?? Substring(name)
    }

    private static func check(_ name: String, _ reader: Reader) throws(PayloadFault) {
        let isName =
            name == "."
            || ["first()", "last()"].contains(name)
            || !name.isEmpty && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == ".") }
        guard isName, name == "." || name.first != ".", name.utf8.count <= 64 else {
            throw reader.fault("between braces stands the name of a member, such as data.content")
        }
    }

    private struct Tag {
        enum Kind { case variable, section, end, comment }
        let kind: Kind
        let name: String
    }

    /// Reads the tags of a text, character by character, as the library does.
    private struct Reader {
        private let text: [Character]
        private var position = 0

        init(_ text: String) {
            self.text = Array(text)
        }

        func fault(_ reason: String) -> PayloadFault {
            let line = text[..<min(position, text.count)].count(where: \.isNewline) + 1
            return .template("line \(line): \(reason)")
        }

        /// The next tag; nil at the end.
        mutating func tag() throws(PayloadFault) -> Tag? {
            while position < text.count, !isAt("{{") { position += 1 }
            guard position < text.count else { return nil }
            position += 2
            guard position < text.count else { throw fault("the last tag is not closed") }
            let sigil = text[position]
            switch sigil {
            case "{":
                position += 1
                return Tag(kind: .variable, name: try name(upTo: "}}}"))
            case "&", "#", "^", "/":
                position += 1
                let kind: Tag.Kind = sigil == "&" ? .variable : sigil == "/" ? .end : .section
                return Tag(kind: kind, name: try name(upTo: "}}"))
            case "!":
                position += 1
                return Tag(kind: .comment, name: try name(upTo: "}}"))
            case "<", ">", "$", "=", "%", "*":
                throw fault("tags that begin with \(sigil) are not supported")
            default: return Tag(kind: .variable, name: try name(upTo: "}}"))
            }
        }

        private mutating func name(upTo end: String) throws(PayloadFault) -> String {
            let start = position
            while position < text.count, !isAt(end) { position += 1 }
            guard position < text.count else {
                position = start
                throw fault("a tag is not closed")
            }
            let name = text[start..<position].drop(while: \.isWhitespace)
            position += end.count
            let last = name.lastIndex { !$0.isWhitespace }
            return last.map { String(name[...$0]) } ?? ""
        }

        private func isAt(_ expected: String) -> Bool { text[position...].starts(with: expected) }
    }
}
