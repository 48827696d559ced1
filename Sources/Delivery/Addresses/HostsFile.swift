#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The bytes of a hosts file (hosts(5)): lines of an address and the names that have it.
///
/// Nothing is indexed: lists that block advertisements have 200,000 lines, and a search through them takes a millisecond.
/// The cost of a search is linear in the file, whatever is in it.
struct HostsFile: Sendable {
    /// 32 MiB are read at most; what is behind them is not seen.
    private static let maximumBytes = 32 << 20

    /// In lower case.
    private let bytes: [UInt8]

    /// Takes the contents of a file.
    init(_ contents: [UInt8]) {
        bytes = contents.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
    }

    /// Reads the file; one that cannot be read has no names.
    init(path: String) {
        let handle = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard handle >= 0 else {
            self.init([])
            return
        }
        defer { close(handle) }
        var contents: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while contents.count < Self.maximumBytes {
            let count = read(handle, &chunk, chunk.count)
            guard count > 0 else { break }
            contents += chunk[..<count]
        }
        self.init(contents)
    }

    /// The addresses of a canonical name, in the order of the file and at most `limit`; empty when it is not in there.
    func addresses(of name: String, limit: Int) -> [IPAddress] {
        var addresses: [IPAddress] = []
        bytes.withUnsafeBytes { file in
            Array(name.utf8).withUnsafeBytes { wanted in
                guard let start = file.baseAddress, let needle = wanted.baseAddress, !wanted.isEmpty else { return }
                var line = Line(entry: 0..<0, end: 0)
                let first = Int32(truncatingIfNeeded: wanted[0])
                let end = file.count - wanted.count + 1
                var position = 0
                while addresses.count < limit, position < end,
                    let found = memchr(start + position, first, end - position)
                {
                    let index = start.distance(to: UnsafeRawPointer(found))
                    guard memcmp(found, needle, wanted.count) == 0 else {
                        position = index + 1
                        continue
                    }
                    if index >= line.end { line = Self.line(around: index, after: line.end, in: file) }
                    position = index + 1
                    guard let address = Self.address(in: line, naming: index..<index + wanted.count, of: file) else {
                        continue
                    }
                    if !addresses.contains(address) { addresses.append(address) }
                    position = line.end
                }
            }
        }
        return addresses
    }

    private struct Line {
        /// What stands in front of a comment.
        var entry: Range<Int>
        /// Where the line ends, comment included.
        var end: Int
    }

    /// The line that holds `index`; none begins before `start`, so that no byte is looked at for each of many hits.
    private static func line(around index: Int, after start: Int, in file: UnsafeRawBufferPointer) -> Line {
        let lower = file[start..<index].lastIndex(of: newline).map { $0 + 1 } ?? start
        let end = file[index...].firstIndex(of: newline) ?? file.count
        return Line(entry: lower..<(file[lower..<end].firstIndex(of: comment) ?? end), end: end)
    }

    /// The address at the beginning of a line, if `name` is a whole word behind it.
    private static func address(
        in line: Line, naming name: Range<Int>, of file: UnsafeRawBufferPointer
    ) -> IPAddress? {
        let entry = line.entry
        guard name.lowerBound > entry.lowerBound, name.upperBound <= entry.upperBound,
            isBlank(file[name.lowerBound - 1]), name.upperBound == entry.upperBound || isBlank(file[name.upperBound])
        else { return nil }
        // An address has 45 bytes at most (INET6_ADDRSTRLEN); nobody indents by a page.
        let first = file[entry.lowerBound..<name.lowerBound].prefix(4_096).drop(while: isBlank)
            .prefix { !isBlank($0) }.prefix(46)
        guard first.endIndex < name.lowerBound else { return nil }
        return IPAddress(String(decoding: first, as: UTF8.self))
    }

    private static let newline = UInt8(ascii: "\n")
    private static let comment = UInt8(ascii: "#")

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
    }
}
