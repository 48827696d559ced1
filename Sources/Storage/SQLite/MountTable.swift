#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What is mounted where, as this process sees it.
struct MountTable: Sendable {
    /// Where something is mounted: a folder, or a single file, as containers do it.
    let places: Set<String>

    /// Reads the text of `/proc/self/mountinfo`, which proc(5) describes; a line without a place is passed over.
    init(mountinfo: [UInt8]) {
        places = Set(
            mountinfo.split(separator: UInt8(ascii: "\n")).compactMap { line in
                let fields = line.split(separator: UInt8(ascii: " "), maxSplits: 5)
                return fields.count > 5 ? Self.unescaped(fields[4]) : nil
            })
    }

    /// The table of this process; empty where there is no such file, as on macOS.
    static var own: MountTable { MountTable(mountinfo: contents(of: "/proc/self/mountinfo")) }

    /// Spaces, tabs, line breaks and backslashes are written as a backslash and three octal digits.
    private static func unescaped(_ field: ArraySlice<UInt8>) -> String {
        let octal = UInt8(ascii: "0")...UInt8(ascii: "7")
        var bytes: [UInt8] = []
        var rest = field
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            guard byte == UInt8(ascii: "\\"), digits.count == 3, digits.allSatisfy({ octal.contains($0) }) else {
                bytes.append(byte)
                continue
            }
            bytes.append(digits.reduce(0) { $0 &* 8 &+ ($1 &- octal.lowerBound) })
            rest = rest.dropFirst(3)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func contents(of path: String) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(descriptor, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return bytes }
            bytes += piece.prefix(count)
        }
    }
}
