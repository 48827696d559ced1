/// Writes what a template makes of an event.
///
/// It stops before the first byte beyond ``PayloadRenderer/maximumBytes``, and at ``maximumSteps``: what a template can cost is some
/// milliseconds and 2 MiB, whatever it says and whatever the event holds.
struct TemplateWriter {
    private let template: ParsedTemplate
    private let values: TemplateValues
    private let escaping: TemplateEscaping
    /// What was written so far.
    private(set) var bytes: [UInt8] = []
    /// How many nodes were looked at, and elements begun.
    private(set) var steps = 0

    /// More than 500 tags and the texts between them take for each element of the longest list.
    static let maximumSteps = 32_768

    /// Begins with `template` over `values`.
    init(_ template: ParsedTemplate, _ values: TemplateValues, _ escaping: TemplateEscaping) {
        (self.template, self.values, self.escaping) = (template, values, escaping)
    }

    /// Writes all of it; to be called once.
    ///
    /// - Throws: `tooLarge`.
    mutating func write() throws(PayloadFault) {
        try write(0..<template.nodes.count, Scope())
    }

    /// What the innermost section is about.
    private struct Scope {
        var element: EventFields.Value?
        /// Nil when that is not an element of a list.
        var isFirst: Bool?
        var isLast: Bool?
    }

    /// As deep as sections may be nested.
    private mutating func write(_ range: Range<Int>, _ scope: Scope) throws(PayloadFault) {
        var index = range.lowerBound
        while index < range.upperBound {
            try step()
            switch template.nodes[index] {
            case .literal(let part):
                try append(template.bytes[part])
                index += 1
            case .variable(let name, let isEscaped):
                if let text = text(of: name, scope) { try append(text, isEscaped: isEscaped) }
                index += 1
            case .section(let name, let isInverted, let end):
                let inside = index + 1..<end
                if !isInverted {
                    try writeSection(inside, value(of: name, scope), scope)
                } else if !isThere(value(of: name, scope)) {
                    try write(inside, scope)
                }
                index = end
            }
        }
    }

    private mutating func writeSection(
        _ inside: Range<Int>, _ value: EventFields.Value?, _ scope: Scope
    ) throws(PayloadFault) {
        guard let value, isThere(value) else { return }
        switch value {
        case .null: break
        case .flag: try write(inside, scope)
        case .text: try write(inside, Scope(element: value))
        case .list(let texts):
            for (index, text) in texts.enumerated() {
                try step()
                let element = Scope(element: .text(text), isFirst: index == 0, isLast: index == texts.count - 1)
                try write(inside, element)
            }
        }
    }

    /// What is empty is not there to a section.
    private func isThere(_ value: EventFields.Value?) -> Bool {
        switch value {
        case nil, .null: false
        case .flag(let isTrue): isTrue
        case .text(let text): !text.isEmpty
        case .list(let texts): !texts.isEmpty
        }
    }

    private func value(of name: TemplateName, _ scope: Scope) -> EventFields.Value? {
        switch name {
        case .element: scope.element
        case .isFirst: scope.isFirst.map { .flag($0) }
        case .isLast: scope.isLast.map { .flag($0) }
        case .event(let name): values.event[name]
        case .member(let name): values.members[name]
        case .memberOrEvent(let name, let known): values.members[name] ?? known.flatMap { values.event[$0] }
        case .nothing: nil
        }
    }

    /// The value as it is written; a list is only to be gone through.
    private func text(of name: TemplateName, _ scope: Scope) -> String? {
        switch value(of: name, scope) {
        case nil, .null, .list: nil
        case .flag(let isTrue): isTrue ? "true" : "false"
        case .text(let text): text
        }
    }

    private mutating func step() throws(PayloadFault) {
        steps += 1
        guard steps <= Self.maximumSteps else { throw .tooLarge }
    }

    private mutating func append(_ text: String, isEscaped: Bool) throws(PayloadFault) {
        // No escaping makes a text shorter: one that is too long is not escaped first.
        guard text.utf8.count <= room else { throw .tooLarge }
        try append((isEscaped ? escaping.escaped(text) : text).utf8)
    }

    private mutating func append(_ more: some Collection<UInt8>) throws(PayloadFault) {
        guard more.count <= room else { throw .tooLarge }
        bytes.append(contentsOf: more)
    }

    private var room: Int { PayloadRenderer.maximumBytes - bytes.count }
}
