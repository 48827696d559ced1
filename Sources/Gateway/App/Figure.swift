import Timestamps

/// Numbers as people read them.
package enum Figure {
    /// `1234567` as `1,234,567`.
    package static func shown(_ number: Int64) -> String {
        let digits = Array(String(number.magnitude))
        return digits.enumerated().reduce(into: number < 0 ? "-" : "") { text, digit in
            if digit.offset > 0, (digits.count - digit.offset) % 3 == 0 { text.append(",") }
            text.append(digit.element)
        }
    }

    /// A length of time in its two largest units, as `3 d 4 h`; below a second `0 s`.
    package static func shown(_ duration: Duration) -> String {
        let seconds = max(0, duration.components.seconds)
        let units: [(Int64, String)] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")]
        var (rest, parts): (Int64, [String]) = (seconds, [])
        for (length, name) in units where parts.count < 2 {
            if rest >= length { parts.append("\(rest / length) \(name)") } else if !parts.isEmpty { break }
            rest %= length
        }
        return parts.isEmpty ? "0 s" : parts.joined(separator: " ")
    }

    /// A number of bytes, as `12.3 MB`.
    package static func bytes(_ count: Int64) -> String {
        let units = ["B", "kB", "MB", "GB", "TB"]
        var (value, unit) = (Double(count), 0)
        while value >= 1_000, unit < units.count - 1 { (value, unit) = (value / 1_000, unit + 1) }
        let tenths = Int64(clamping: (value * 10).rounded())
        return unit == 0 ? "\(count) B" : "\(tenths / 10).\(tenths % 10) \(units[unit])"
    }
}
