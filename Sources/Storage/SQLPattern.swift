/// Patterns for `LIKE … ESCAPE '\'`.
package enum SQLPattern {
    /// Matches what contains `text` as it is; ASCII letters are folded to lower case, so compare with `LOWER(column)`.
    package static func containing(_ text: String) -> String {
        var pattern = String.UnicodeScalarView("%".unicodeScalars)
        for scalar in text.unicodeScalars {
            if scalar == "%" || scalar == "_" || scalar == "\\" { pattern.append("\\") }
            // What LOWER leaves as it is must stay here as well, or a capital letter beyond ASCII would never match.
            pattern.append(
                ("A"..."Z").contains(scalar) ? Unicode.Scalar(UInt8(truncatingIfNeeded: scalar.value) + 0x20) : scalar)
        }
        pattern.append("%")
        return String(pattern)
    }
}
