import Foundation

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A file that holds a key: its owner's, read by nobody else, and no link to another file.
///
/// Whoever can put a link there could make a command read or write what is not meant for it.
enum PrivateFile {
    /// More than any file of ours has.
    private static let limit = 64 << 10

    /// The content of the file; nil when there is none.
    ///
    /// - Throws: ``ClientFailure`` `usage` when others can read it, when it is a link, or when it cannot be read.
    static func read(_ path: String) throws(ClientFailure) -> Data? {
        // What is looked at is what is read: the file has no time to become another one. A pipe must not be waited for.
        let file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw ClientFailure(.usage, "\(path) \(errno == ELOOP ? link : "cannot be read: is it yours?")")
        }
        let handle = FileHandle(fileDescriptor: file, closeOnDealloc: true)
        var state = stat()
        guard fstat(file, &state) == 0, state.st_mode & S_IFMT == S_IFREG else {
            throw ClientFailure(.usage, "\(path) is no file: remove it")
        }
        guard state.st_uid == geteuid() else {
            throw ClientFailure(.usage, "\(path) belongs to somebody else: remove it, or become its owner")
        }
        guard state.st_mode & 0o077 == 0 else {
            throw ClientFailure(.usage, "\(path) can be read by others: chmod 600 \(path)")
        }
        guard state.st_size <= limit else { throw ClientFailure(.usage, "\(path) is too large: remove it") }
        do {
            return try handle.read(upToCount: limit) ?? Data()
        } catch {
            throw ClientFailure(.usage, "\(path) cannot be read: \(error.localizedDescription)")
        }
    }

    /// Puts a file with `content` at `path`, in the place of the one that is there, at once and with its mode from the
    /// beginning; makes its folder. A link at `path` is replaced, and what it leads to stays as it is.
    static func write(_ content: Data, to path: String) throws(ClientFailure) {
        let folder = (path as NSString).deletingLastPathComponent
        let temporary = "\(folder)/.\(UUID().uuidString)"
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            guard
                FileManager.default.createFile(
                    atPath: temporary, contents: content, attributes: [.posixPermissions: 0o600])
            else { throw CocoaError(.fileWriteUnknown) }
            guard rename(temporary, path) == 0 else { throw CocoaError(.fileWriteUnknown) }
        } catch {
            unlink(temporary)
            throw ClientFailure(.usage, "\(path) cannot be written: is the folder yours, and the disk not full?")
        }
    }

    private static let link = "is a link: a key is read from a file of its own, so copy the file to its place"
}
