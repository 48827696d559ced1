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
}
