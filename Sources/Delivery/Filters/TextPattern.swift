/// A regular expression that looks at each character of a text once, whatever the expression is.
///
/// It has at most 64 *places*: characters, dots and classes, counted as often as `{n}` repeats them. The places that a text
/// may have reached are the bits of one word (Glushkov's automaton), so that a character costs at most 128 steps and
/// nothing is ever tried again; which places take it is looked up in a ``PlaceTable``. There is no look-around and no
/// back-reference, which linear time excludes.
///
/// | written | meaning |
/// |---|---|
/// | `a`, `.`, `[a-z]`, `[^0-9]` | a character, any one, one of these, none of these |
/// | `\d`, `\w`, `\s`, `\D`, `\W`, `\S` | a digit; a letter, digit or `_`; white space; and what is none |
/// | `a*`, `a+`, `a?`, `a{2}`, `a{2,}`, `a{2,5}` | repetitions |
/// | `(ab\|cd)`, `(?:ab)` | one of these; a group |
/// | `^`, `$` | the start at the beginning, the end at the end of the expression, for the whole of it |
struct TextPattern: Sendable {
    /// The places of each choice, which may be written or repeated several times.
    private var choices: [CharacterChoice: UInt64] = [:]
    private var table = PlaceTable([:])
    private var follow: [UInt64] = []
    private var first: UInt64 = 0
    private var last: UInt64 = 0
    private var canBeEmpty = false
    private let isAtStart: Bool
    private let isAtEnd: Bool

    /// Reads an expression, which ignores case.
    ///
    /// - Throws: ``TextPatternFault``.
    init(_ text: String) throws(TextPatternFault) {
        var parser = try TextPatternParser(text)
        let node = try parser.parse()
        (isAtStart, isAtEnd) = (parser.isAtStart, parser.isAtEnd)
        var steps = 0
        let part = try build(node, &steps)
        (first, last, canBeEmpty) = (part.first, part.last, part.canBeEmpty)
        table = PlaceTable(choices)
        choices = [:]
        if canBeEmpty, !(isAtStart && isAtEnd) { throw TextPatternFault("it fits every text") }
    }

    /// Whether a part of `text`, whose letters are small, fits; of all of it, when both ends are named.
    func fits(_ text: some Sequence<Unicode.Scalar>) -> Bool {
        var steps = 0
        return fits(text, steps: &steps)
    }

    /// As ``fits(_:)``, and adds to `steps` how often a character went through a place or was looked up.
    func fits(_ text: some Sequence<Unicode.Scalar>, steps: inout Int) -> Bool {
        var reached: UInt64 = 0
        var isFirst = true
        // Texts have few different characters.
        var taking: [Unicode.Scalar: UInt64] = [:]
        for scalar in text {
            var next = isFirst || !isAtStart ? first : 0
            isFirst = false
            steps += 1 + reached.nonzeroBitCount
            while reached != 0 {
                next |= follow[reached.trailingZeroBitCount]
                reached &= reached - 1
            }
            let known: UInt64
            if let found = taking[scalar] {
                known = found
            } else {
                known = table.places(taking: scalar, or: Self.large(scalar), steps: &steps)
                taking[scalar] = known
            }
            reached = next & known
            if !isAtEnd, reached & last != 0 { return true }
        }
        return isFirst ? canBeEmpty : reached & last != 0
    }

    /// The capital letter of one that has a single one.
    private static func large(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        if scalar.isASCII {
            return ("a"..."z").contains(scalar) ? Unicode.Scalar(UInt8(ascii: scalar) - 0x20) : scalar
        }
        let capitals = scalar.properties.uppercaseMapping.unicodeScalars
        return capitals.count == 1 ? capitals.first ?? scalar : scalar
    }

    /// What a part of the expression is to those around it.
    private struct Part {
        var first: UInt64 = 0
        var last: UInt64 = 0
        var canBeEmpty = true
    }

    private mutating func build(_ node: TextPatternNode, _ steps: inout Int) throws(TextPatternFault) -> Part {
        steps += 1
        // Groups of nothing have no places, and can be repeated as often as one likes.
        guard steps <= Self.longestBuild else { throw TextPatternFault("it has too many repetitions") }
        switch node {
        case .one(let set):
            guard follow.count < 64 else { throw TextPatternFault("it has more than 64 places") }
            let bit: UInt64 = 1 << UInt64(follow.count)
            choices[set, default: 0] |= bit
            follow.append(0)
            return Part(first: bit, last: bit, canBeEmpty: false)
        case .sequence(let nodes):
            var whole = Part()
            for node in nodes { whole = join(whole, try build(node, &steps)) }
            return whole
        case .choice(let nodes):
            var whole = Part(canBeEmpty: false)
            for node in nodes {
                let part = try build(node, &steps)
                whole.first |= part.first
                whole.last |= part.last
                whole.canBeEmpty = whole.canBeEmpty || part.canBeEmpty
            }
            return whole
        case .repeated(let node, let least, let most):
            var whole = Part()
            for _ in 0..<least { whole = join(whole, try build(node, &steps)) }
            guard let most else { return join(whole, loop(try build(node, &steps))) }
            for _ in least..<max(least, most) {
                var part = try build(node, &steps)
                part.canBeEmpty = true
                whole = join(whole, part)
            }
            return whole
        }
    }

    private mutating func join(_ one: Part, _ other: Part) -> Part {
        link(one.last, to: other.first)
        return Part(
            first: one.canBeEmpty ? one.first | other.first : one.first,
            last: other.canBeEmpty ? one.last | other.last : other.last,
            canBeEmpty: one.canBeEmpty && other.canBeEmpty)
    }

    private mutating func loop(_ part: Part) -> Part {
        link(part.last, to: part.first)
        return Part(first: part.first, last: part.last, canBeEmpty: true)
    }

    private mutating func link(_ ends: UInt64, to starts: UInt64) {
        var rest = ends
        while rest != 0 {
            follow[rest.trailingZeroBitCount] |= starts
            rest &= rest - 1
        }
    }

    private static let longestBuild = 1_000
}

/// Why an expression cannot be used, in words that go on from "the pattern cannot be used:".
struct TextPatternFault: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// The parts of an expression.
indirect enum TextPatternNode {
    case one(CharacterChoice)
    case sequence([TextPatternNode])
    case choice([TextPatternNode])
    case repeated(TextPatternNode, least: Int, most: Int?)
}
