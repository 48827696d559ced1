#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Files that the operator names in a setting, such as certificates and keys: regular and small. Whatever else is put in their
/// place is neither waited for nor read into memory.
package enum OperatorFile {
    /// Why a file cannot be read.
    package struct Unreadable: Error, Hashable, CustomStringConvertible {
        /// Where it is.
        package let path: String
        /// What is wrong and what to do, as "is not there".
        package let clause: String

        /// What follows the name of the variable.
        package var description: String { "names \(path), which \(clause)" }
    }

    /// 1 MiB: certificates with their chain and keys have some KiB.
    package static let limit = 1 << 20

    /// Reads a file; blocks as long as the disk takes.
    ///
    /// - Parameters:
    ///   - path: Where it is; links are followed.
    ///   - limit: The most bytes that it may have.
    /// - Returns: All of its bytes.
    /// - Throws: ``Unreadable``, also when it is no regular file or has more bytes.
    package static func contents(of path: String, atMost limit: Int = OperatorFile.limit) throws(Unreadable) -> [UInt8]
    {
        // What is looked at is what is read. A pipe must not be waited for.
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path, errno) }
        defer { close(descriptor) }
        var state = stat()
        guard fstat(descriptor, &state) == 0 else { throw failure(path, errno) }
        guard state.st_mode & S_IFMT == S_IFREG else {
            throw Unreadable(path: path, clause: "is a folder, a pipe or a device, not a file")
        }
        let tooLarge = Unreadable(
            path: path, clause: "has more than \(limit >> 20) MiB")
        guard Int64(state.st_size) <= Int64(limit) else { throw tooLarge }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(descriptor, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure(path, errno) }
            if count == 0 { return bytes }
            bytes += piece.prefix(count)
            // It may grow meanwhile.
            guard bytes.count <= limit else { throw tooLarge }
        }
    }

    private static func failure(_ path: String, _ code: Int32) -> Unreadable {
        let clause =
            switch code {
            case ENOENT, ENOTDIR: "is not there"
            case EACCES, EPERM:
                "cannot be read by the server's user (check its owner and mode, and those of its folders)"
            default: "cannot be read: \(DurableFile.words(code))"
            }
        return Unreadable(path: path, clause: clause)
    }
}
