/// Reads the expression of a ``TextPattern``.
struct TextPatternParser {
    private var rest: ArraySlice<Unicode.Scalar>
    private var depth = 0
    /// Whether the expression begins with `^`.
    let isAtStart: Bool
    /// Whether it ends with `$`.
    let isAtEnd: Bool

    /// Begins to read.
    init(_ text: String) throws(TextPatternFault) {
        var scalars = Array(text.unicodeScalars)[...]
        guard !scalars.isEmpty else { throw TextPatternFault("it is empty") }
        guard scalars.count <= Self.longest else {
            throw TextPatternFault("it has more than \(Self.longest) characters")
        }
        isAtStart = scalars.first == "^"
        if isAtStart { scalars.removeFirst() }
        // One behind an odd number of backslashes is a character.
        let escapes = scalars.dropLast().reversed().prefix { $0 == "\\" }.count
        isAtEnd = scalars.last == "$" && escapes.isMultiple(of: 2)
        if isAtEnd { scalars.removeLast() }
        rest = scalars
    }

    /// The whole expression.
    mutating func parse() throws(TextPatternFault) -> TextPatternNode {
        let node = try choice()
        guard rest.isEmpty else { throw TextPatternFault("a ) has no (") }
        if isAtStart || isAtEnd, case .choice = node {
            throw TextPatternFault("put what is between | into a group beside ^ and $")
        }
        return node
    }

    private mutating func choice() throws(TextPatternFault) -> TextPatternNode {
        var options = [try sequence()]
        while take("|") { options.append(try sequence()) }
        return options.count == 1 ? options[0] : .choice(options)
    }

    private mutating func sequence() throws(TextPatternFault) -> TextPatternNode {
        var nodes: [TextPatternNode] = []
        while let next = rest.first, next != "|", next != ")" { nodes.append(try repeated(try atom())) }
        return .sequence(nodes)
    }

    private mutating func repeated(_ node: TextPatternNode) throws(TextPatternFault) -> TextPatternNode {
        let result: TextPatternNode
        switch rest.first {
        case "*": result = .repeated(node, least: 0, most: nil)
        case "+": result = .repeated(node, least: 1, most: nil)
        case "?": result = .repeated(node, least: 0, most: 1)
        case "{": return try counted(node)
        default: return node
        }
        rest.removeFirst()
        return try once(result)
    }

    private mutating func counted(_ node: TextPatternNode) throws(TextPatternFault) -> TextPatternNode {
        rest.removeFirst()
        let least = number()
        let most = take(",") ? number() : least
        let isOpen = most == nil
        guard take("}"), let least, least <= 64, most.map({ (least...64).contains($0) }) ?? isOpen else {
            throw TextPatternFault("a { must be {n}, {n,} or {n,m} with numbers up to 64")
        }
        return try once(.repeated(node, least: least, most: most))
    }

    /// What a repetition is followed by is not another one: `a**`, and `a*?`, which matters to nobody who asks for yes or no.
    private func once(_ node: TextPatternNode) throws(TextPatternFault) -> TextPatternNode {
        if let next = rest.first, "*+?{".unicodeScalars.contains(next) {
            throw TextPatternFault("a repetition is repeated: put it into a group")
        }
        return node
    }

    private mutating func number() -> Int? {
        let digits = rest.prefix { ("0"..."9").contains($0) }
        rest = rest.dropFirst(digits.count)
        return digits.count > 2 ? .max : Int(String(String.UnicodeScalarView(digits)))
    }

    private mutating func atom() throws(TextPatternFault) -> TextPatternNode {
        let scalar = rest.removeFirst()
        switch scalar {
        case "(": return try group()
        case "[": return .one(try set())
        case ".": return .one(.any)
        case "\\": return .one(CharacterChoice(items: [try escaped()]))
        case "*", "+", "?", "{": throw TextPatternFault("a \(scalar) has nothing to repeat")
        case "^", "$": throw TextPatternFault("a \(scalar) stands in the middle: write \\\(scalar) for the character")
        default: return .one(CharacterChoice(items: [.range(scalar...scalar)]))
        }
    }

    private mutating func group() throws(TextPatternFault) -> TextPatternNode {
        guard depth < Self.deepest else { throw TextPatternFault("its groups are more than \(Self.deepest) deep") }
        if take("?"), !take(":") { throw TextPatternFault("of groups with (? there is only (?:") }
        depth += 1
        let node = try choice()
        depth -= 1
        guard take(")") else { throw TextPatternFault("a ( has no )") }
        return node
    }

    private mutating func set() throws(TextPatternFault) -> CharacterChoice {
        var set = CharacterChoice(items: [])
        set.isNegated = take("^")
        while true {
            guard let scalar = rest.popFirst() else { throw TextPatternFault("a [ has no ]") }
            if scalar == "]", !set.items.isEmpty { return set }
            let item = scalar == "\\" ? try escaped() : .range(scalar...scalar)
            guard rest.first == "-", rest.dropFirst().first != "]", case .range(let start) = item else {
                set.items.append(item)
                continue
            }
            rest.removeFirst()
            guard let next = rest.popFirst() else { throw TextPatternFault("a [ has no ]") }
            guard case .range(let end) = next == "\\" ? try escaped() : .range(next...next),
                start.lowerBound <= end.lowerBound
            else { throw TextPatternFault("a range in [ ] ends before it begins") }
            set.items.append(.range(start.lowerBound...end.lowerBound))
        }
    }

    private mutating func escaped() throws(TextPatternFault) -> CharacterChoice.Item {
        guard let scalar = rest.popFirst() else { throw TextPatternFault("a \\ is at the end") }
        switch scalar {
        case "d": return .digit
        case "w": return .word
        case "s": return .space
        case "D": return .notDigit
        case "W": return .notWord
        case "S": return .notSpace
        case "n": return .range("\n"..."\n")
        case "t": return .range("\t"..."\t")
        default:
            guard scalar.isASCII, !scalar.properties.isAlphabetic, !("0"..."9").contains(scalar) else {
                throw TextPatternFault("there is no \\\(scalar)")
            }
            return .range(scalar...scalar)
        }
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard rest.first == scalar else { return false }
        rest.removeFirst()
        return true
    }

    private static let longest = 256
    private static let deepest = 20
}
