/// Text whose runs of combining marks are short: Stream-Safe Text of Unicode (UAX #15, section 13).
///
/// Whatever compares two strings, or takes one as a key, puts the marks that follow a letter into an order of their own, and
/// the standard library takes time in the square of how many there are: 32,000 marks take 6 s. No language has more than a
/// handful. So text of strangers gets a U+034F, which is not seen and orders nothing across, before each mark that would be
/// the 31st in a row.
package struct StreamSafeText: Sendable {
    /// Marks in a row, as Unicode has it.
    package static let longestRun = 30

    /// What is put between two marks: U+034F COMBINING GRAPHEME JOINER, in UTF-8.
    package static let joiner: [UInt8] = [0xCD, 0x8F]

    private var marks = 0

    /// At the beginning of a text.
    package init() {}

    /// Takes the next scalar of the text.
    ///
    /// - Returns: Whether ``joiner`` has to stand before it.
    package mutating func breaks(before scalar: Unicode.Scalar) -> Bool {
        guard Self.isMark(scalar) else {
            marks = 0
            return false
        }
        marks += 1
        guard marks > Self.longestRun else { return false }
        marks = 1
        return true
    }

    /// Notes that something was passed that is no mark.
    package mutating func passLetter() { marks = 0 }

    /// Whether a scalar is ordered among its neighbours. Three Tibetan vowels are none by themselves, and two each when they
    /// are taken apart.
    static func isMark(_ scalar: Unicode.Scalar) -> Bool {
        guard scalar.value >= 0x300 else { return false }
        return scalar.properties.canonicalCombiningClass != .notReordered
            || [0x0F73, 0x0F75, 0x0F81].contains(scalar.value)
    }

    /// Whether some run of `text` is longer than ``longestRun``. Looks at each byte once.
    package static func isNeeded(for text: some StringProtocol) -> Bool {
        // No mark begins with a smaller byte.
        guard text.utf8.contains(where: { $0 >= 0xCC }) else { return false }
        var runs = StreamSafeText()
        return text.unicodeScalars.contains { runs.breaks(before: $0) }
    }

    /// `text` with ``joiner`` where it is needed.
    package static func made(of text: some StringProtocol) -> String {
        guard isNeeded(for: text) else { return String(text) }
        var (runs, scalars) = (StreamSafeText(), String.UnicodeScalarView())
        for scalar in text.unicodeScalars {
            if runs.breaks(before: scalar) { scalars.append("\u{034F}") }
            scalars.append(scalar)
        }
        return String(scalars)
    }
}
