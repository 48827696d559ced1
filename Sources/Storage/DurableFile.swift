#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Files that are on the disk and not only in its cache.
package enum DurableFile {
    /// Waits until what was written to the file at `path`, or the names in the folder, is on the disk.
    ///
    /// - Returns: The error number when it is not, or there is no such file; nil when it is.
    package static func flush(_ path: String) -> Int32? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return errno }
        defer { close(descriptor) }
        return fsync(descriptor) == 0 ? nil : errno
    }

    /// Writes a new file, which only its user may read, and waits until it is on the disk; for its name see ``flush(_:)``.
    ///
    /// - Parameters:
    ///   - path: Where nothing is yet.
    ///   - bytes: What it holds.
    /// - Returns: The error number when it could not be written, or something is there; nil when it could.
    package static func create(_ path: String, holding bytes: UnsafeRawBufferPointer) -> Int32? {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return errno }
        var failure: Int32?
        var written = 0
        while failure == nil, written < bytes.count {
            let count = write(descriptor, bytes.baseAddress?.advanced(by: written), bytes.count - written)
            if count > 0 {
                written += count
            } else if count == 0 || errno != EINTR {
                failure = count == 0 ? EIO : errno
            }
        }
        if failure == nil, fsync(descriptor) != 0 { failure = errno }
        // File systems of a network may say only now that there is no room.
        if close(descriptor) != 0, failure == nil { failure = errno }
        return failure
    }

    /// Why nothing can be found at `path`.
    ///
    /// - Returns: The error number, ENOENT when there is nothing; nil when there is something.
    package static func absence(of path: String) -> Int32? {
        var information = stat()
        return stat(path, &information) == 0 ? nil : errno
    }

    /// What an error number means, in words.
    package static func words(_ code: Int32) -> String { String(cString: strerror(code)) }
}
