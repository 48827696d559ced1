/// Text in which `*` is any text and `?` any character, whatever their case.
///
/// The numbers of its characters that a text may have gone through are the bits of one word, so that a character of a text
/// costs one step, and none is tried again. Beyond 127 characters it fits nothing; filters have 64, and
/// one that is two as a small letter (`İ`) counts twice.
struct Wildcard: Sendable {
    /// Bit n: any text may stand behind n characters.
    private var loops: UInt128 = 0
    /// Bit n: what stands behind n characters is this one.
    private var taking: [Unicode.Scalar: UInt128] = [:]
    /// Bit n: what stands behind n characters is any one.
    private var takingAny: UInt128 = 0
    /// How many characters it has, without the `*`.
    private var count = 0

    /// Reads it.
    init(_ pattern: String) {
        for scalar in pattern.lowercased().unicodeScalars {
            let bit = UInt128(1) << count
            switch scalar {
            case "*": loops |= bit
            case "?":
                takingAny |= bit
                count += 1
            default:
                taking[scalar, default: 0] |= bit
                count += 1
            }
        }
    }

    /// Whether all of `text`, whose letters are small, fits; adds to `steps` how many characters were looked at.
    func fits(_ text: [Unicode.Scalar], steps: inout Int) -> Bool {
        var reached: UInt128 = 1
        for scalar in text {
            steps += 1
            let next = reached & (takingAny | (taking[scalar] ?? 0))
            reached = (next << 1) | (reached & loops)
            if reached == 0 { return false }
        }
        return reached & (UInt128(1) << count) != 0
    }
}
