/// Which places of a ``TextPattern`` take a character, whatever their choices are made of: a class with 200 letters costs what
/// one with a single letter does.
struct PlaceTable: Sendable {
    /// Where another set of ranges begins, in ascending order from 0.
    private let starts: [UInt32]
    /// The places of the ranges that hold what is between a start and the next one.
    private let places: [UInt64]
    /// The places of digits, words, white space, and of what is none: at most six.
    private let kinds: [(kind: CharacterChoice.Item, places: UInt64)]
    /// The places that take what their choice does not have.
    private let negated: UInt64

    /// Makes it of choices and their places.
    init(_ choices: [CharacterChoice: UInt64]) {
        var ranges: [ClosedRange<Unicode.Scalar>: UInt64] = [:]
        var kinds: [CharacterChoice.Item: UInt64] = [:]
        var starts: Set<UInt32> = [0]
        var negated: UInt64 = 0
        for (choice, own) in choices {
            if choice.isNegated { negated |= own }
            for item in choice.items {
                guard case .range(let range) = item else {
                    kinds[item, default: 0] |= own
                    continue
                }
                ranges[range, default: 0] |= own
                starts.formUnion([range.lowerBound.value, range.upperBound.value + 1])
            }
        }
        self.starts = starts.sorted()
        self.kinds = kinds.map { (kind: $0.key, places: $0.value) }
        self.negated = negated
        // An expression has 256 characters: at most 256 ranges, and 513 starts.
        places = self.starts.map { start in
            ranges.reduce(UInt64(0)) { found, range in
                let holds = range.key.lowerBound.value <= start && start <= range.key.upperBound.value
                return holds ? found | range.value : found
            }
        }
    }

    /// The places that take a character in one of its two cases.
    func places(taking small: Unicode.Scalar, or large: Unicode.Scalar, steps: inout Int) -> UInt64 {
        var found = places(having: small, steps: &steps)
        if large != small { found |= places(having: large, steps: &steps) }
        return found ^ negated
    }

    private func places(having scalar: Unicode.Scalar, steps: inout Int) -> UInt64 {
        var (low, high) = (0, starts.count)
        while high - low > 1 {
            steps += 1
            let middle = (low + high) / 2
            if starts[middle] <= scalar.value { low = middle } else { high = middle }
        }
        var found = places[low]
        for (kind, own) in kinds {
            steps += 1
            if kind.contains(scalar) { found |= own }
        }
        return found
    }
}

/// Some of all characters.
struct CharacterChoice: Sendable, Hashable {
    /// A part of a set.
    enum Item: Sendable, Hashable {
        case range(ClosedRange<Unicode.Scalar>)
        case digit, word, space, notDigit, notWord, notSpace

        func contains(_ scalar: Unicode.Scalar) -> Bool {
            switch self {
            case .range(let range): range.contains(scalar)
            case .digit: ("0"..."9").contains(scalar)
            case .word: scalar.properties.isAlphabetic || scalar.properties.numericType != nil || scalar == "_"
            case .space: scalar.properties.isWhitespace
            case .notDigit: !Item.digit.contains(scalar)
            case .notWord: !Item.word.contains(scalar)
            case .notSpace: !Item.space.contains(scalar)
            }
        }
    }

    var items: [Item]
    var isNegated = false

    /// Any character.
    static let any = CharacterChoice(items: [], isNegated: true)
}
