import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// What may be put in the place of a file that a server reads.
package enum OddFiles {
    /// Makes a pipe that nobody writes to.
    ///
    /// - Returns: Its path.
    package static func pipe(in folder: String) throws -> String {
        let path = "\(folder)/pipe-\(UUID().uuidString)"
        guard mkfifo(path, 0o600) == 0 else { throw CocoaError(.fileWriteUnknown) }
        return path
    }

    /// Makes a file of 8 GiB that takes no room.
    ///
    /// - Returns: Its path.
    package static func large(in folder: String) throws -> String {
        let path = "\(folder)/large-\(UUID().uuidString)"
        try Data().write(to: URL(filePath: path))
        let file = try FileHandle(forWritingTo: URL(filePath: path))
        defer { try? file.close() }
        try file.truncate(atOffset: 8 << 30)
        return path
    }
}
