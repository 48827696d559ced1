extension StringProtocol {
    /// Whether every character is an ASCII digit and there is one.
    package var isDigits: Bool {
        !isEmpty && utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    /// Without white space at both ends. Each character is looked at once, however much of that there is: `dropLast` counts
    /// all of them each time here, so that a mebibyte of spaces took minutes.
    package var trimmed: String {
        guard let first = firstIndex(where: { !$0.isWhitespace }),
            let last = lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(self[first...last])
    }
}

extension String {
    /// The text with spaces behind it until it is `width` characters wide.
    package func padding(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}

extension Array where Element: Hashable {
    /// The elements in the order in which each first appears.
    package var unique: [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
