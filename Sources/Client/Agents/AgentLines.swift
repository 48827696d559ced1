/// Cuts what an agent's program writes into lines, whatever pieces it comes in.
struct AgentLines {
    /// A line that was read.
    enum Line: Equatable {
        case complete([UInt8])
        /// It was longer than ``longest`` and is left out, to its end.
        case tooLong
    }

    /// 1 MiB: an SMS to as many recipients as may be is a few kilobytes.
    static let longest = 1 << 20

    private var line: [UInt8] = []
    private var isTooLong = false

    /// The lines that `bytes` complete. Blank ones are left out.
    mutating func add(_ bytes: some Collection<UInt8>) -> [Line] {
        var lines: [Line] = []
        for part in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            if part.offset > 0, let line = end() { lines.append(line) }
            guard !isTooLong else { continue }
            if line.count + part.element.count > Self.longest {
                (line, isTooLong) = ([], true)
            } else {
                line += part.element
            }
        }
        return lines
    }

    /// The last line, which nothing ended; nil when there is none.
    mutating func end() -> Line? {
        defer { (line, isTooLong) = ([], false) }
        if isTooLong { return .tooLong }
        return line.allSatisfy(" \t\r".utf8.contains) ? nil : .complete(line)
    }
}
