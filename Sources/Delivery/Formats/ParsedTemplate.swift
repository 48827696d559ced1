/// A template as ``TemplateReader`` found it: its text, and the nodes in it, in their order.
struct ParsedTemplate: Sendable {
    /// The text in UTF-8, of which literals are parts.
    let bytes: [UInt8]
    /// At most one literal before each tag and one at the end.
    let nodes: [TemplateNode]
}

/// A piece of a template.
enum TemplateNode: Sendable, Equatable {
    /// These bytes of the template, as they are.
    case literal(Range<Int>)
    /// A value; three braces and `&` do not escape it.
    case variable(TemplateName, isEscaped: Bool)
    /// What follows, up to the node `end`, for a value that is there, or with `^` for one that is not.
    case section(TemplateName, isInverted: Bool, end: Int)
}

/// What a name in a template stands for. The list is closed: nothing else of the server can be named.
enum TemplateName: Sendable, Equatable {
    /// `.`, the value of the section around it.
    case element
    /// `first()` and `last()`, whether the element of the list around them is that.
    case isFirst, isLast
    /// What every event has.
    case event(EventName)
    /// A member of the data, absent where the event has none of that name.
    case member(String)
    /// Within the section `data`: a member, or else what every event has of that name.
    case memberOrEvent(String, EventName?)
    /// What no event has.
    case nothing

    /// What every event has.
    enum EventName: String, Sendable, CaseIterable {
        case id, type, source, time, title, message, text, event, data
    }

    /// Bytes of a name.
    static let longest = 64

    /// Reads a name in the sections around it; nil when it is none, or asks for a part of what has no parts.
    init?(_ text: String, isInSection: Bool, isInData: Bool) {
        switch text {
        case ".":
            guard isInSection else { return nil }
            self = .element
        case "first()": self = .isFirst
        case "last()": self = .isLast
        default:
            guard text.utf8.count <= Self.longest, text.utf8.first != UInt8(ascii: "."),
                text.utf8.allSatisfy(Self.mayHold)
            else { return nil }
            let parts = text.split(separator: ".").map { String($0) }
            guard let head = parts.first else { return nil }
            let known = EventName(rawValue: head)
            if parts.count == 1 {
                self = isInData ? .memberOrEvent(head, known) : known.map(Self.event) ?? .nothing
            } else if parts.count == 2, known == .data {
                self = .member(parts[1])
            } else {
                // Only the data has members, and they have none.
                guard known == nil, !isInData else { return nil }
                self = .nothing
            }
        }
    }

    private static func mayHold(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}
